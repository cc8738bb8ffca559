"""Studies of fake runs by the real command: killed, resumed, extended, failing, in parts."""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pdarts_tf.genotype import load_genotype
from pdarts_tf.study.record import Record
from tests.source_tree import ROOT

PROGRAM = """
import runpy, sys
from pdarts_tf.study import on_ray

def with_fake_runs():
    from pdarts_tf.study import trials
    trials.MODULES = dict.fromkeys(("search", "train"), "tests.study.fake_runs")
    command = trials._command
    def with_its_name(name, *arguments):
        words = command(name, *arguments)
        return [*words[:3], name, *words[3:]]
    trials._command = with_its_name

def task(*arguments):
    with_fake_runs()
    from pdarts_tf.study import on_ray
    return on_ray._run_in_task(*arguments)

with_fake_runs()
on_ray._run_in_task = task
sys.argv[0] = "study"
runpy.run_module("pdarts_tf.study", run_name="__main__", alter_sys=True)
"""
METHODS = "--methods=pdarts,pdarts@stage1,random"
SEARCH_FLAGS = "--epochs=2\n--warmup_epochs=0\n--samples=2\n"


class Studies:
    """Runs the command in a directory."""

    def __init__(self, folder):
        self.folder = folder
        (folder / "search.flags").write_text(SEARCH_FLAGS)

    def start(self, *flags, name="study", **environment):
        arguments = [f"--output_dir={self.folder / name}", METHODS, "--seeds=0,1"]
        arguments += [f"--search_flags={self.folder / 'search.flags'}", *flags]
        return subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *arguments],
            cwd=ROOT,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *flags, code=0, **options):
        process = self.start(*flags, **options)
        output, errors = process.communicate(timeout=300)
        assert process.returncode == code, (output, errors)
        return output if code == 0 else errors

    def read(self, name="study"):
        """The record of a study without its times."""
        content = json.loads((self.folder / name / "study.json").read_text())
        assert content.pop("times").keys() == {*content["searches"], *content["trainings"]}
        return content

    def started(self, kind, name="study"):
        """The runs that were started, as often as they were."""
        return (self.folder / name / kind / "started.txt").read_text().splitlines()


@pytest.fixture(scope="module")
def studies(tmp_path_factory):
    """`Studies`, in which "whole" was run without disturbance."""
    found = Studies(tmp_path_factory.mktemp("studies"))
    found.run(name="whole")
    return found


def test_study_writes_everything_that_comes_out(studies):
    folder = studies.folder / "whole"
    record = Record.from_json((folder / "study.json").read_text())
    assert record.complete
    assert [(result.method, result.seed) for result in record.results] == [
        (method, seed) for method in ("pdarts", "pdarts@stage1", "random") for seed in (0, 1)
    ]
    best = max(record.trainings.values(), key=lambda training: training.best.valid_accuracy)
    assert load_genotype(folder / "genotype.json") == best.genotype
    for name in ("study.html", "table.txt", "table.csv", "table.tex"):
        assert (folder / name).stat().st_size


def test_every_search_and_genotype_runs_once(studies):
    assert len(set(studies.started("searches", "whole"))) == 4
    names = [line.split()[0] for line in studies.started("trainings", "whole")]
    assert len(set(names)) == len(names)


def test_the_same_command_again_runs_nothing(studies):
    before = studies.started("searches", "whole"), studies.started("trainings", "whole")
    studies.run(name="whole")
    assert before == (studies.started("searches", "whole"), studies.started("trainings", "whole"))


@pytest.mark.slow
def test_killed_five_times_it_ends_with_the_same_record(studies):
    draw = random.Random(13)
    for _ in range(5):
        process = studies.start(name="killed", FAKE_RUN_SECONDS="0.5")
        time.sleep(draw.uniform(1.0, 2.0))
        process.kill()
        process.communicate()
    studies.run(name="killed")
    assert studies.read("killed") == studies.read("whole")


@pytest.mark.slow
def test_stopped_by_sigterm_it_says_so_and_goes_on(studies):
    process = studies.start(name="stopped", FAKE_RUN_SECONDS="1")
    while not (studies.folder / "stopped/searches/started.txt").is_file():
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 75
    assert errors.startswith("stopped by SIGTERM")
    studies.run(name="stopped")
    assert studies.read("stopped") == studies.read("whole")


@pytest.mark.slow
def test_trials_of_an_array_at_the_same_time_give_the_same_record(studies):
    processes = [studies.start(f"--trial={k}", name="array") for k in range(4)]
    for process in processes:
        output = process.communicate(timeout=300)
        assert process.returncode == 0, output
    started = studies.started("trainings", "array")
    studies.run(name="array")
    assert studies.read("array") == studies.read("whole")
    assert studies.started("trainings", "array") == started


def test_several_jobs_at_once_give_the_same_record(studies):
    studies.run("--jobs=2", name="jobs")
    assert studies.read("jobs") == studies.read("whole")


@pytest.mark.slow
def test_a_failed_trial_does_not_stop_the_others_and_is_tried_again(studies):
    errors = studies.run(name="failing", code=1, FAKE_RUN_FAILS="random_seed0")
    assert errors.startswith("error: 1 of 4 trials failed: searches/random_seed0; ")
    record = studies.read("failing")
    assert len(record["results"]) == 5
    studies.run(name="failing")
    assert studies.read("failing") == studies.read("whole")


@pytest.mark.slow
def test_one_more_seed_costs_only_what_is_new(studies):
    studies.run("--seeds=0", name="grown")
    before = studies.started("searches", "grown")
    studies.run(name="grown")
    assert studies.read("grown") == studies.read("whole")
    assert studies.started("searches", "grown")[: len(before)] == before
    assert len(studies.started("searches", "grown")) == 4


def test_other_settings_in_the_same_directory_are_refused_before_anything_runs(studies):
    (studies.folder / "other.flags").write_text(SEARCH_FLAGS + "--learning_rate=0.5\n")
    before = studies.started("searches", "whole")
    errors = studies.run(f"--search_flags={studies.folder / 'other.flags'}", name="whole", code=2)
    assert "its --learning_rate is 0.05, not 0.5" in errors
    assert studies.started("searches", "whole") == before


@pytest.mark.slow
def test_other_settings_of_the_trainings_are_refused_though_all_are_finished(studies):
    (studies.folder / "train.flags").write_text("--learning_rate=0.3\n")
    for flag in ("--nodry_run", "--dry_run"):
        errors = studies.run(
            f"--train_flags={studies.folder / 'train.flags'}", flag, name="whole", code=2
        )
        assert "its --learning_rate is 0.05, not 0.3" in errors


@pytest.mark.slow
def test_a_failed_training_does_not_stop_those_of_the_other_cells(studies):
    first = studies.started("trainings", "whole")[0].split()[0]
    studies.run(name="diverged", code=1, FAKE_RUN_FAILS=first)
    assert len(studies.read("diverged")["trainings"]) == len(studies.read("whole")["trainings"]) - 1


def test_a_file_in_the_place_of_the_directory_is_refused(studies):
    (studies.folder / "file").write_text("")
    assert "file, a file" in studies.run(name="file", code=2)


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("--methods=nothing", "--methods must be out of pdarts, darts, darts_second, "),
        ("--seeds=one", "--seeds must be integers"),
        ("--trial=4", "--trial must be less than 4"),
        ("--search_flags=missing.flags", "flags of the search: "),
        ("--train_flags=" + str(Path(__file__)), "flags of the train"),
    ],
)
def test_wrong_flags_are_answered_in_one_line(studies, flag, message):
    errors = studies.run(flag, name="wrong", code=2)
    assert errors.startswith("error: ")
    assert message in errors
    assert errors.count("\n") == 1
    assert not (studies.folder / "wrong").exists()


@pytest.mark.slow
def test_the_array_of_jobs_in_the_documentation_gives_the_same_record(studies, tmp_path):
    page = (ROOT / "docs/study.md").read_text("utf-8")
    flags, script = re.findall(r"^```sh\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    (tmp_path / "study.flags").write_text(
        f"{flags}--search_flags={studies.folder / 'search.flags'}\n"
    )
    (tmp_path / "trial.sh").write_text(script)
    python = tmp_path / "python"  # stands for the real command
    (tmp_path / "program.py").write_text(PROGRAM)
    python.write_text(f'#!/bin/bash\nexec {sys.executable} program.py "${{@:3}}"\n')
    python.chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
    }
    for number in range(4):  # stands for Slurm
        environment["SLURM_ARRAY_TASK_ID"] = str(number)
        subprocess.run(["bash", "trial.sh"], cwd=tmp_path, env=environment, check=True)
    command = ["./python", "-m", "pdarts_tf.study", "--flagfile=study.flags"]
    subprocess.run(command, cwd=tmp_path, env=environment, check=True)
    content = json.loads((tmp_path / "study/study.json").read_text())
    del content["times"]
    assert content == studies.read("whole")
