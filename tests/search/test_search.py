"""Whole searches on the digits by the real command, with a supernet of one layer.

What a search leaves and says depends on no layer. That it is the same with all of them, slow tests
show, and a single stage of the real command here.

The runs that several tests look at are started together, two at a time.
"""

import concurrent.futures
import html
import itertools
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

import pdarts_tf as pd
from pdarts_tf.config import SearchConfig
from pdarts_tf.derivation import count_skip_connects
from pdarts_tf.search_space import SearchSpace
from pdarts_tf.tensorboard.board_layout import TAGS
from tests.commands import run_command
from tests.interruptions import Moment, assert_same_run, board, events, run_with
from tests.source_tree import ROOT

pytestmark = pytest.mark.timeout(900)

STAGES, EPOCHS = 3, 3  # epochs per stage, the first of them warm-up
TINY = (
    "--layers=3,3,3",
    "--init_channels=2",
    f"--epochs={EPOCHS}",
    "--warmup_epochs=1",
    "--validation_epochs=1",
    "--max_steps_per_epoch=2",
    "--batch_size=8",
)
PROGRAMS = ("tests.one_layer", pytest.param("pdarts_tf.search", marks=pytest.mark.slow))
# Inside an epoch both: in stage 1 by SIGTERM, in stage 2, when its alphas have begun to move, at
# once. `make faults` tries many more.
INTERRUPTIONS = (Moment(3, by=signal.SIGTERM), Moment(9))


class Run(NamedTuple):
    """A run directory, and how the last process in it ended."""

    path: Path
    code: int
    stdout: str
    stderr: str

    def read(self, name):
        return (self.path / name).read_text("utf-8")

    def records(self, name):
        return [json.loads(line) for line in self.read(name).splitlines()]

    def metrics(self):
        """The measurements of all epochs."""
        return self.records("metrics.jsonl")


def search(path, *flags, **variables):
    """Runs the real command to its end as a person would, with TensorFlow's own log level."""
    environment = {**os.environ, **variables}
    environment.pop("TF_CPP_MIN_LOG_LEVEL", None)
    command = [sys.executable, "-m", "pdarts_tf.search", f"--output_dir={path}", *flags]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    return Run(path, done.returncode, done.stdout, done.stderr)


def forked(module, path, *flags, **variables):
    """Runs a command to its end in a process that has TensorFlow already."""
    done = run_command(module, f"--output_dir={path}", *flags, **variables)
    return Run(path, done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="module", params=PROGRAMS)
def program(request):
    """The module of the command."""
    return request.param


@pytest.fixture(scope="module")
def runs(program, tmp_path_factory):
    """Futures of all runs that take long."""
    path = tmp_path_factory.mktemp("runs")
    diverging = ("--learning_rate=1e30", "--max_steps_per_epoch=1", "--warmup_epochs=2")
    interrupted = path / "interrupted", (*TINY, "--checkpoint_every_steps=1"), INTERRUPTIONS
    pool = concurrent.futures.ThreadPoolExecutor(max_workers=2)
    yield {
        "interrupted": pool.submit(run_with, program, *interrupted),
        "finished": pool.submit(forked, program, path / "finished", *TINY),
        "diverged": pool.submit(forked, program, path / "diverged", *TINY, *diverging),
    }
    pool.shutdown(cancel_futures=True)


@pytest.fixture(scope="module")
def finished(runs):
    """A search from start to end."""
    run = runs["finished"].result()
    assert run.code == 0, run.stderr
    return run


@pytest.fixture(scope="module")
def diverged(runs):
    """A search whose loss becomes NaN in the first step of its second epoch."""
    return runs["diverged"].result()


@pytest.fixture
def without_tensorflow(tmp_path):
    """Environment variables under which importing TensorFlow or Keras fails."""
    for name in ("tensorflow", "keras"):
        (tmp_path / f"{name}.py").write_text(f"raise ImportError('{name} is imported')\n")
    return {"PYTHONPATH": str(tmp_path)}


def contents(path):
    """{name: (time of change, bytes)} of all files below a directory."""
    files = (each for each in path.rglob("*") if each.is_file())
    return {str(each): (each.stat().st_mtime_ns, each.read_bytes()) for each in files}


def assert_refused(run, message):
    """Sees that a run ended for wrong input, with one line that contains the message."""
    assert (run.code, run.stderr.count("\n")) == (2, 1), run.stderr
    assert run.stderr.startswith("error: ")
    assert message in run.stderr


# What a finished search leaves.


def test_run_directory_holds_exactly_the_files_of_the_design(finished):
    assert sorted(each.name for each in finished.path.iterdir()) == [
        ".lock",
        "alphas.jsonl",
        "checkpoints",
        "config.json",
        "genotype.json",
        "genotypes.json",
        "metrics.jsonl",
        "normal.svg",
        "reduce.svg",
        "report.html",
        "run.log",
        "search_space_stage1.json",
        "search_space_stage2.json",
        "search_space_stage3.json",
        "tensorboard",
        "timings.jsonl",
    ]


def test_config_holds_every_setting_as_flags_and_recipe_gave_it(finished):
    config = SearchConfig.from_dict(json.loads(finished.read("config.json"))["config"])
    assert (config.layers, config.batch_size) == ((3, 3, 3), 8)
    assert (config.learning_rate, config.flip) == (0.05, False)  # of the recipe


def test_config_names_data_and_versions(finished):
    stored = json.loads(finished.read("config.json"))
    assert stored["data"]["name"] == "digits"
    assert stored["versions"]["tensorflow"].startswith("2.21")


def test_genotype_has_at_most_two_skip_connects_in_the_normal_cell(finished):
    genotype = pd.Genotype.from_json(finished.read("genotype.json"))
    assert count_skip_connects(genotype, "normal") <= 2


def test_genotypes_hold_every_limit_of_skip_connects_down_to_none(finished):
    genotypes = {
        name: pd.Genotype.from_json(json.dumps(each))
        for name, each in json.loads(finished.read("genotypes.json")).items()
    }
    counts = {name: count_skip_connects(each, "normal") for name, each in genotypes.items()}
    found = counts["unrestricted"]
    limits = range(found, -1, -1)
    assert counts == {"unrestricted": found} | {f"M={limit}": limit for limit in limits}
    result = pd.Genotype.from_json(finished.read("genotype.json"))
    assert result == genotypes[f"M={min(2, found)}"]


def test_drawings_and_report_show_the_result(finished):
    result = pd.Genotype.from_json(finished.read("genotype.json"))
    assert finished.read("normal.svg").count(">sep_conv_3x3</text>") == sum(
        operation == "sep_conv_3x3" for operation, _ in result.normal
    )
    report = html.unescape(finished.read("report.html"))
    assert str(result) in report
    assert ">finished<" in report


def test_metrics_have_one_record_per_epoch(finished):
    places = [(record["stage"], record["epoch"]) for record in finished.metrics()]
    assert places == [(s, e) for s in range(1, STAGES + 1) for e in range(1, EPOCHS + 1)]


def test_metrics_have_the_alphas_after_the_warm_up_and_validation_in_the_last_epochs(finished):
    records = finished.metrics()
    assert ["arch_loss" in record for record in records] == [False, True, True] * STAGES
    assert ["valid_loss" in record for record in records] == [False, False, True] * STAGES


def test_metrics_follow_the_schedules(finished):
    records = finished.metrics()
    rates = [record["learning_rate"] for record in records]
    # 0.05 (1 + cos(pi epoch / 3)) / 2
    assert rates == pytest.approx([0.05, 0.0375, 0.0125] * STAGES)
    assert records[0]["skip_dropout_rate"] == 0.0
    assert records[4]["skip_dropout_rate"] == pytest.approx(0.4)  # the first after the warm-up


def test_search_spaces_shrink(finished):
    spaces = [
        SearchSpace.from_json(finished.read(f"search_space_stage{stage}.json"))
        for stage in (1, 2, 3)
    ]
    assert [space.num_candidates for space in spaces] == [8, 5, 3]
    for larger, smaller in itertools.pairwise(spaces):
        for cell in ("normal", "reduce"):
            assert (getattr(larger, cell) | ~getattr(smaller, cell)).all()


def test_alphas_have_the_shape_of_the_stage(finished):
    shapes = [np.shape(record["normal"]) for record in finished.records("alphas.jsonl")]
    assert shapes == [(14, 8)] * EPOCHS + [(14, 5)] * EPOCHS + [(14, 3)] * EPOCHS


def test_warm_up_leaves_the_alphas_as_they_were(finished):
    model = pd.Supernet(SearchSpace.full(), init_channels=2, num_layers=3, seed=0)
    first = finished.records("alphas.jsonl")[0]
    for cell, initial in zip(("normal", "reduce"), model.arch_variables, strict=True):
        np.testing.assert_array_equal(np.float32(first[cell]), initial.numpy())


@pytest.mark.parametrize("stage", range(STAGES))
def test_alphas_move_in_every_epoch_after_the_warm_up(finished, stage):
    alphas = [np.array(record["normal"]) for record in finished.records("alphas.jsonl")]
    warm_up, second, third = alphas[stage * EPOCHS : (stage + 1) * EPOCHS]
    # Two steps of Adam move each of them by about 2 x 6e-3, the recipe's learning rate.
    assert 1e-3 < np.abs(second - warm_up).mean() < 2e-2
    assert 1e-3 < np.abs(third - second).mean() < 2e-2


def test_the_two_newest_checkpoints_stay(finished):
    names = sorted(each.name for each in (finished.path / "checkpoints").iterdir())
    assert names == ["000000016.npz", "000000018.npz"]  # steps


def test_tensorboard_shows_all_epochs(finished):
    shown, steps = board(finished.path), range(1, STAGES * EPOCHS + 1)
    for tag in ("softmax_alpha/normal", "cell/reduce", "genotype", "alphas/normal"):
        assert [step for step, _ in shown[tag]] == list(steps), tag
    expected = [record["loss"] for record in finished.metrics()]
    assert shown["loss/weights"] == list(enumerate(expected, 1))


def test_tensorboard_has_a_curve_of_every_number_and_a_number_for_every_curve(finished):
    names = {name for record in finished.metrics() for name in record} - {"epoch"}
    assert names <= TAGS.keys()
    curves = events(finished.path).keys()
    assert {tag for tag in curves if not tag.startswith("entropy_")} == {
        TAGS[name] for name in names | {"images_per_second"}
    }


def test_log_holds_what_was_printed(finished):
    log = finished.read("run.log")
    for printed in ("Stage 3/3, epoch 3/3", "normal cell keeps", "unrestricted"):
        assert printed in log
        assert printed in finished.stdout


def test_the_table_of_stages_comes_first(finished):
    first, header, *rows = finished.stdout.splitlines()[:5]
    assert first.startswith("Searching on digits: 716 images 8x8x1 for the weights, 717 for")
    assert header.split()[:4] == ["stage", "cells", "channels", "candidates"]
    assert [row.split()[3] for row in rows] == ["8", "5", "3"]


def test_output_ends_with_the_genotype_and_the_next_command(finished):
    *_, title, genotype, blank, _, command = finished.stdout.splitlines()
    assert (title, blank) == ("Result for M=2:", "")
    assert pd.Genotype.parse(genotype).to_json() + "\n" == finished.read("genotype.json")
    file = finished.path / "genotype.json"
    assert command == f"  python -m pdarts_tf.train --genotype={file} --dataset=digits"


# Again: in a finished directory, after a crash, with the same or another seed.


def test_starting_again_in_a_finished_directory_prints_the_result_and_changes_nothing(
    finished, without_tensorflow
):
    before = contents(finished.path)
    again = search(finished.path, *TINY, **without_tensorflow)
    assert (again.code, again.stderr) == (0, "")
    assert again.stdout.splitlines()[-5:] == finished.stdout.splitlines()[-5:]
    assert contents(finished.path) == before


def test_another_run_s_directory_is_refused_and_stays_as_it_is(finished, without_tensorflow):
    before = contents(finished.path)
    run = search(finished.path, *TINY, "--layers=3,3,4", **without_tensorflow)
    assert_refused(run, "its --layers is 3,3,3, not 3,3,4; choose another --output_dir")
    assert contents(finished.path) == before


@pytest.mark.slow
def test_an_interrupted_search_ends_as_if_nothing_had_been(finished, runs):
    runs["interrupted"].result()
    files = ("genotype.json", "genotypes.json", "alphas.jsonl", "metrics.jsonl")
    interrupted = finished.path.with_name("interrupted")
    assert_same_run(interrupted, finished.path, (*files, "search_space_stage3.json"))


def test_sigterm_ends_a_search_with_a_checkpoint_and_a_code_of_its_own(runs):
    (code, stdout, stderr), *_ = runs["interrupted"].result()
    assert (code, stderr) == (
        75,
        "stopped by SIGTERM with a checkpoint of the last step; the same command resumes the run\n",
    )
    assert "SIGTERM: stopping after this step, with a checkpoint; another SIGTERM ends" in stdout


def test_a_search_goes_on_where_its_newest_checkpoint_was(runs):
    _, _, (code, stdout, _) = runs["interrupted"].result()
    assert code == 0
    assert re.search(
        r"Resuming after epoch 4, step 1 of the next one|Resuming after epoch 5", stdout
    )
    assert "Stage 1/3" not in stdout


def test_times_stand_apart_from_what_is_the_same_in_every_repetition(finished):
    assert not {"seconds", "images_per_second", "time"} & set(finished.metrics()[0])
    times = finished.records("timings.jsonl")
    places = [(record["stage"], record["epoch"]) for record in times]
    assert places == [(record["stage"], record["epoch"]) for record in finished.metrics()]
    for record in times:
        # Two steps of eight images.
        assert record["images_per_second"] == pytest.approx(16 / record["seconds"])
    assert times == sorted(times, key=lambda record: record["time"])


@pytest.mark.slow
def test_another_seed_finds_something_else(program, finished, tmp_path):
    other = forked(program, tmp_path / "run", *TINY, "--seed=1")
    assert other.code == 0, other.stderr
    assert other.metrics()[0]["loss"] != finished.metrics()[0]["loss"]
    assert other.read("genotype.json") != finished.read("genotype.json")


# A loss that is not finite.


def test_nan_loss_ends_the_search_in_one_line_that_says_where(diverged):
    assert (diverged.code, diverged.stderr.count("\n")) == (1, 1), diverged.stderr
    assert diverged.stderr.startswith("error: loss became nan in stage 1, epoch 2, step 1; ")


def test_nan_loss_leaves_the_last_good_state(diverged):
    (checkpoint,) = (diverged.path / "checkpoints").iterdir()
    with np.load(checkpoint) as arrays:
        assert json.loads(str(arrays["position"]))["epochs"] == 1
        values = [arrays[name] for name in arrays.files if name != "position"]
    assert all(np.isfinite(value).all() for value in values)
    assert len(diverged.metrics()) == len(diverged.records("alphas.jsonl")) == 1
    assert not (diverged.path / "genotype.json").exists()


# The real supernet.


@pytest.mark.slow
def test_a_stage_of_the_real_command_ends_with_a_genotype(tmp_path):
    stage = ("--layers=3", "--candidates=8", "--skip_dropout_rates=0.3", "--add_channels=0")
    epoch = ("--epochs=1", "--warmup_epochs=0", "--max_steps_per_epoch=1", "--batch_size=8")
    done = search(tmp_path / "run", *stage, *epoch, "--init_channels=2")
    assert done.code == 0, done.stderr
    assert pd.Genotype.from_json(done.read("genotype.json"))
    (measured,) = done.metrics()
    assert all(np.isfinite(measured[name]) for name in ("loss", "arch_loss"))


# Wrong usage and input.


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--dataset=my-images",), "--dataset must be one of"),
        (("--sead=1",), "Unknown command line flag 'sead'"),
        (("--epochs=many",), "flag --epochs=many"),
        (("--skip_dropout_rates=0,0.4,1.5",), "--skip_dropout_rates must be in [0, 1)"),
        (("digits",), "expected flags only, such as --seed=1. Received: digits"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_wrong_flags_are_refused_before_tensorflow_is_imported(
    tmp_path, without_tensorflow, flags, message
):
    run = search(tmp_path / "run", *flags, **without_tensorflow)
    assert_refused(run, message)
    assert not run.path.exists()


def test_help_needs_no_tensorflow(tmp_path, without_tensorflow):
    run = search(tmp_path / "run", "--help", **without_tensorflow)
    assert (run.code, run.stderr) == (0, "")
    assert "--skip_dropout_rates=X,X,…  Initial rate of the dropout after skip-" in run.stdout


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--batch_size=717",), "from 1 to 716, the number of images in the part of digits for"),
        (("--image_size=30",), "multiples of 4, since reductions halve them"),
        (("--dataset=cifar10", "--data_dir=/nonexistent"), "set --data_dir to a TFDS directory"),
        (("--output_dir=/dev/null/run",), "--output_dir cannot be made"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_wrong_input_is_refused_and_leaves_nothing(tmp_path, flags, message):
    nobody = "http://127.0.0.1:9"  # so that nothing is downloaded where there is a network
    options = {"http_proxy": nobody, "https_proxy": nobody}
    run = forked("pdarts_tf.search", tmp_path / "run", *flags, **options)
    assert_refused(run, message)
    assert not run.path.exists()


@pytest.mark.slow
def test_ctrl_c_ends_a_search_within_two_seconds_of_the_step(tmp_path):
    """Taking the graphs apart, as Python does at its end, would take many seconds."""
    epoch = ("--epochs=9", "--warmup_epochs=1", "--init_channels=2", "--batch_size=8")
    command = [sys.executable, "-m", "pdarts_tf.search", f"--output_dir={tmp_path}", *epoch]
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    while "steps in" not in process.stdout.readline():  # of the first epoch
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate()
    over = time.time()
    assert (process.returncode, stderr.startswith("stopped by SIGINT")) == (1, True), stderr
    newest = max(path.stat().st_mtime for path in (tmp_path / "checkpoints").iterdir())
    assert over - newest < 2
