"""--dry_run of both commands on the digits, and a run that takes more memory than there is."""

import json
import re

import pytest
import tensorflow as tf

from pdarts_tf.config import SearchConfig, TrainConfig
from pdarts_tf.data import sources
from pdarts_tf.genotype import GENOTYPES
from pdarts_tf.runs import job
from pdarts_tf.runs.options import RunOptions
from pdarts_tf.runs.out_of_memory import OutOfMemoryError
from pdarts_tf.runs.run_directory import RunDirectory
from pdarts_tf.runs.stopping import StopRequest
from pdarts_tf.search import progressive
from pdarts_tf.train.evaluation import Training
from pdarts_tf.training.loop import TrainingLoop
from tests.commands import run_command


def run(command, directory, *options):
    """Runs a command where a default run directory would be seen."""
    return run_command(f"pdarts_tf.{command}", "--dataset=digits", *options, cwd=directory)


def test_a_dry_search_prints_its_table_and_writes_nothing(tmp_path):
    done = run("search", tmp_path, "--dry_run", "--memory_limit_gb=4", "--batch_size=16")
    assert (done.returncode, done.stderr) == (0, "")
    assert not list(tmp_path.iterdir())
    first, header, *rows = done.stdout.splitlines()[:5]
    assert first.startswith("Searching on digits: 716 images 8x8x1 for the weights, 717 for the")
    assert header.split()[-6:] == ["activations", "GiB", "memory", "GiB", "largest", "batch"]
    assert [row.split()[:4] for row in rows] == [
        ["1", "3", "8", "8"],
        ["2", "4", "8", "5"],
        ["3", "5", "8", "3"],
    ]
    assert [row.split()[6:8] for row in rows] == [["8", "44"]] * 3  # epochs, steps per epoch
    assert "1,056 steps of 16 images in all" in done.stdout
    ((now, peak),) = re.findall(r"the ([\d.]+) GiB .* about ([\d.]+)", done.stdout)
    assert 0.2 < float(now) < float(peak) < 2
    ((least, most),) = re.findall(r"_gb=4 is (\d+) to (\d+)\.", done.stdout)
    assert 100 < int(least) < int(most)


def test_a_dry_training_prints_its_table_and_writes_nothing(tmp_path):
    done = run("train", tmp_path, "--genotype=PDARTS", "--dry_run")
    assert (done.returncode, done.stderr) == (0, "")
    assert not list(tmp_path.iterdir())
    lines = done.stdout.splitlines()
    assert lines[0] == (
        "Training on digits: 1,292 images 8x8x1, 10 classes; 141 held out for validation; 364 to "
        "test, the test split"
    )
    assert lines[3].split()[:6] == ["5", "12", "107,134", "1,109,760", "20", "40"]
    assert lines[4] == "800 steps of 32 images in all."
    assert "largest" not in done.stdout


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--memory_limit_gb=4"], "it is for --dry_run only"),
        (["--dry_run", "--memory_limit_gb=-1"], "flag --memory_limit_gb=-1"),
        (["--dry_run", "--evaluate_only"], "--dry_run shows what a training would do"),
        (
            ["--dry_run", "--genotype=PDARTS", "--batch_size=2000"],
            "--batch_size must be from 1 to 1292",
        ),
    ],
)
def test_wrong_usage_ends_with_one_line(tmp_path, options, message):
    done = run("train", tmp_path, *options)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert message in done.stderr


@pytest.fixture
def no_memory(monkeypatch):
    def run_epoch(*arguments):
        raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")

    monkeypatch.setattr(TrainingLoop, "run_epoch", run_epoch)


def nobody(task, directory, state):
    """Stands for the observers of a run."""
    return job.Watchers()


def expected(where):
    return (
        rf"^out of memory in {where}: a plain run on one device with --batch_size=8 is estimated "
        r"to need 0\.\d\d GiB besides data and program, .* try --batch_size=4 \(0\.\d\d GiB\)"
    )


@pytest.mark.slow
def test_a_search_without_memory_names_stage_and_batch_size(tmp_path, no_memory):
    config = SearchConfig(
        layers=(3,), candidates=(8,), skip_dropout_rates=(0.0,), add_channels=(0,),
        init_channels=2, batch_size=8,
    )  # fmt: skip
    search = progressive.ProgressiveSearch(config, sources.load("digits", None))
    with (
        pytest.raises(OutOfMemoryError, match=expected("stage 1")),
        RunDirectory(tmp_path / "run", config, {}) as run,
        StopRequest() as stop,
    ):
        job.finish(search, nobody, config, RunOptions(), run, stop)


def test_a_training_without_memory_names_the_batch_size(tmp_path, no_memory):
    genotype = str(GENOTYPES["DARTS_V1"])
    config = TrainConfig(
        genotype=genotype, layers=3, init_channels=2, batch_size=8, auxiliary=False
    )
    training = Training(config, sources.load("digits", None))
    with (
        pytest.raises(OutOfMemoryError, match=expected("the training")),
        RunDirectory(tmp_path / "run", config, {}) as run,
        StopRequest() as stop,
    ):
        job.finish(training, nobody, config, RunOptions(), run, stop)
    assert json.loads((tmp_path / "run" / "config.json").read_text())["config"]["batch_size"] == 8
