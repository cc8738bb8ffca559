"""python -m pdarts_tf.train, run for real on digits with the smallest settings."""

import json
import shutil
import signal
import subprocess
import sys
import time

import pytest

from pdarts_tf.genotype import Genotype
from pdarts_tf.runs.checkpoint import load
from tests.commands import run_command
from tests.interruptions import Moment, Write, assert_same_run, newest_step, run_with, start
from tests.source_tree import ROOT

CELL = [("sep_conv_3x3", 0), ("skip_connect", 1)]
SMALL = (
    "--dataset=digits",
    f"--genotype={Genotype(CELL, [2], CELL, [2])}",
    "--layers=3",
    "--init_channels=4",
    "--epochs=3",
    "--max_steps_per_epoch=12",  # all of the test split
)


def train(*options):
    return run_command("pdarts_tf.train", *options)


def measured(path):
    """The records of a run."""
    return [json.loads(line) for line in (path / "metrics.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    path = tmp_path_factory.mktemp("train") / "run"
    command = [sys.executable, "-m", "pdarts_tf.train", *SMALL, f"--output_dir={path}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return path, done.stdout


def test_a_run_directory_has_its_files(finished):
    path, _ = finished
    names = {file.name for file in path.iterdir()}
    assert names >= {
        "checkpoints",
        "config.json",
        "genotype.json",
        "metrics.jsonl",
        "report.html",
        "result.json",
        "run.log",
        "tensorboard",
        "timings.jsonl",
        "weights_best.npz",
        "weights_last.npz",
    }


@pytest.mark.parametrize("split", ["valid", "test"])
def test_validation_and_test_are_measured_after_every_epoch(finished, split):
    path, _ = finished
    records = measured(path)
    assert [record["epoch"] for record in records] == [1, 2, 3]
    assert all(0 <= r[f"{split}_accuracy"] <= r[f"{split}_top5"] <= 1 for r in records)


def test_the_best_weights_are_those_of_the_highest_validation_accuracy(finished):
    path, output = finished
    records = measured(path)
    best = max(records, key=lambda record: (record["valid_accuracy"], -record["valid_loss"]))
    result = json.loads((path / "result.json").read_text())
    assert result["best"].items() <= best.items()
    assert result["last"].items() <= records[-1].items()
    assert load(path / "weights_best.npz")[1] == {"epochs": best["epoch"]}
    assert (
        f"best weights (epoch {best['epoch']}, by validation accuracy): validation top-1 "
        f"{best['valid_accuracy']:.2%}"
    ) in output


def test_the_learning_rate_follows_the_cosine_and_drop_path_the_line(finished):
    path, _ = finished
    records = measured(path)
    assert [r["learning_rate"] for r in records] == pytest.approx([0.05, 0.0375, 0.0125])
    assert [r["drop_path_rate"] for r in records] == pytest.approx([0, 0.1 / 3, 0.2 / 3])


def assert_tested_again(path, which):
    scores = json.loads((path / "result.json").read_text())[which]
    done = train("--evaluate_only", f"--run_dir={path}")
    expected = (
        f"weights_{which}.npz on 364 test images of digits: top-1 {scores['test_accuracy']:.2%}"
    )
    assert expected in done.stdout, done.stderr


@pytest.mark.slow
def test_stored_weights_test_as_they_did_in_training(finished):
    assert_tested_again(finished[0], "best")


@pytest.mark.slow
def test_without_validation_the_last_weights_count(tmp_path):
    done = train(*SMALL, "--epochs=1", "--validation_portion=0", f"--output_dir={tmp_path}")
    assert "last weights (epoch 1): test top-1" in done.stdout, done.stderr
    assert "best" not in done.stdout
    assert not (tmp_path / "weights_best.npz").exists()
    assert json.loads((tmp_path / "result.json").read_text()).keys() == {
        "last", "parameters", "macs", "test",
    }  # fmt: skip
    assert not [name for name in measured(tmp_path)[0] if name.startswith("valid")]
    assert_tested_again(tmp_path, "last")


def test_a_finished_run_only_prints_its_result(finished):
    path, output = finished
    before = (path / "metrics.jsonl").stat().st_mtime_ns
    again = train(*SMALL, f"--output_dir={path}")
    assert again.stdout.splitlines()[-4:] == output.splitlines()[-4:]
    assert (path / "metrics.jsonl").stat().st_mtime_ns == before


@pytest.fixture(scope="module")
def averaged(tmp_path_factory):
    path = tmp_path_factory.mktemp("averaged") / "run"
    done = train(*SMALL, "--average_decay=0.9", f"--output_dir={path}")
    assert done.returncode == 0, done.stderr
    return path


@pytest.mark.slow
def test_an_average_is_what_is_tested(finished, averaged):
    plain, records = measured(finished[0]), measured(averaged)
    assert records[0] == plain[0]
    assert records[2]["loss"] == plain[2]["loss"]
    assert records[2]["test_loss"] != plain[2]["test_loss"]


@pytest.mark.slow
def test_an_interrupted_run_ends_like_one_that_was_not(averaged, tmp_path):
    flags = (*SMALL, "--average_decay=0.9", "--checkpoint_every_steps=1")
    interruptions = (Moment(5, by=signal.SIGTERM), Moment(15), Write("after:weights_last.npz:1"))
    (code, _, stderr), *_ = run_with("pdarts_tf.train", tmp_path / "run", flags, interruptions)
    assert (code, stderr.count("\n")) == (75, 1)
    files = ("metrics.jsonl", "result.json", "weights_best.npz", "weights_last.npz")
    assert_same_run(tmp_path / "run", averaged, files)


@pytest.mark.slow
def test_damaged_checkpoints_are_passed_over_and_without_any_there_is_no_start(averaged, tmp_path):
    path = tmp_path / "run"
    shutil.copytree(averaged, path)
    (path / "result.json").unlink()
    newest = path / "checkpoints" / "000000036.npz"
    newest.write_bytes(newest.read_bytes()[:1000])
    done = train(*SMALL, "--average_decay=0.9", f"--output_dir={path}")
    assert f"warning: {newest} is damaged" in done.stdout, done.stderr
    assert "Resuming after epoch 2\n" in done.stdout
    assert_same_run(path, averaged, ("metrics.jsonl", "result.json", "weights_best.npz"))
    (path / "result.json").unlink()
    for each in (path / "checkpoints").iterdir():
        each.write_bytes(b"")
    done = train(*SMALL, "--average_decay=0.9", f"--output_dir={path}")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "none of the 2 checkpoints in" in done.stderr


@pytest.mark.slow
def test_a_second_process_in_a_run_directory_is_refused(tmp_path):
    flags = (*SMALL, "--checkpoint_every_steps=1")
    first = start("pdarts_tf.train", tmp_path / "run", flags)
    while newest_step(tmp_path / "run") < 1:
        assert first.poll() is None, first.communicate()
        time.sleep(0.005)
    first.send_signal(signal.SIGSTOP)  # alive, and not finished before the second has begun
    second = train(*flags, f"--output_dir={tmp_path / 'run'}")
    first.kill()
    first.communicate()
    assert (second.returncode, second.stderr.count("\n")) == (2, 1)
    assert "another process is running in" in second.stderr


@pytest.mark.parametrize("options", [[], ["--dry_run"], ["--max_skip_connects=2"]], ids=str)
def test_a_genotype_is_asked_for(options):
    done = train("--dataset=cifar10", *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: --genotype is needed: the run directory of a search, a ")
    assert done.stderr.count("\n") == 1


def test_a_flagfile_may_give_the_genotype(tmp_path):
    (tmp_path / "my.flags").write_text("--genotype=nothing\n")
    assert "Known names: PDARTS" in train(f"--flagfile={tmp_path / 'my.flags'}").stderr


@pytest.mark.parametrize("options", [["--layers=1000000"], ["--image_size=1000000"]], ids=str)
def test_numbers_beyond_what_any_machine_can_do_are_refused_at_once(options):
    done = train(*SMALL, "--dry_run", *options)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "must be at most" in done.stderr


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--genotype=DARTS_V1", "--max_macs=1000"], "has 73,600 macs"),
        (["--max_parameters=1000"], "more than --max_parameters=1,000"),
        (["--genotype=nothing"], "Known names: PDARTS"),
        (["--auxiliary"], "auxiliary head needs images of at least 24"),
        (["--stem=imagenet"], "multiples of 32"),
        (["--batch_size=2000"], "from 1 to 1292, the number of images in digits to train, without"),
        (["--validation_portion=1"], "--validation_portion must be in [0, 1)"),
        (["--evaluate_only"], "--evaluate_only needs --run_dir"),
        (["--schedule=steps"], "--schedule must be cosine or linear"),
    ],
)
def test_wrong_input_ends_with_one_line(tmp_path, options, expected):
    done = train(*SMALL, f"--output_dir={tmp_path / 'run'}", *options)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert expected in done.stderr
    assert not (tmp_path / "run").exists()
