"""python -m pdarts_tf.train, run for real on digits with the smallest settings."""

import json
import shutil
import subprocess
import sys

import pytest

from tests.source_tree import ROOT

SMALL = (
    "--dataset=digits",
    "--genotype=DARTS_V1",
    "--layers=3",
    "--init_channels=4",
    "--epochs=3",
    "--max_steps_per_epoch=12",  # all of the test split
)
TIMES = ("seconds", "images_per_second")


def train(*options):
    command = [sys.executable, "-m", "pdarts_tf.train", *map(str, options)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def measured(path):
    """The records of a run without what depends on the clock."""
    records = [json.loads(line) for line in (path / "metrics.jsonl").read_text().splitlines()]
    return [{k: v for k, v in record.items() if k not in TIMES} for record in records]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    path = tmp_path_factory.mktemp("train") / "run"
    done = train(*SMALL, f"--output_dir={path}")
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
        "weights_best.npz",
        "weights_last.npz",
    }


def test_the_test_split_is_measured_after_every_epoch(finished):
    path, _ = finished
    records = measured(path)
    assert [record["epoch"] for record in records] == [1, 2, 3]
    assert all(0 <= r["test_accuracy"] <= r["test_top5"] <= 1 for r in records)


def test_the_learning_rate_follows_the_cosine_and_drop_path_the_line(finished):
    path, _ = finished
    records = measured(path)
    assert [r["learning_rate"] for r in records] == pytest.approx([0.05, 0.0375, 0.0125])
    assert [r["drop_path_rate"] for r in records] == pytest.approx([0, 0.1 / 3, 0.2 / 3])


def test_stored_weights_test_as_they_did_in_training(finished):
    path, _ = finished
    best = json.loads((path / "result.json").read_text())["best"]
    done = train("--evaluate_only", f"--run_dir={path}")
    assert f"top-1 {best['test_accuracy']:.2%}" in done.stdout, done.stderr


def test_a_finished_run_only_prints_its_result(finished):
    path, output = finished
    before = (path / "metrics.jsonl").stat().st_mtime_ns
    again = train(*SMALL, f"--output_dir={path}")
    assert again.stdout.splitlines()[-4:] == output.splitlines()[-4:]
    assert (path / "metrics.jsonl").stat().st_mtime_ns == before


def test_an_interrupted_run_ends_like_one_that_was_not(finished, tmp_path):
    path, _ = finished
    copy = tmp_path / "run"
    shutil.copytree(path, copy)
    # As if the process had died while it wrote the second epoch: its first checkpoint is there.
    (copy / "result.json").unlink()
    (copy / "checkpoints" / "000003.npz").unlink()
    done = train(*SMALL, f"--output_dir={copy}")
    assert "Resuming after epoch 2 of 3" in done.stdout, done.stderr
    assert measured(copy) == measured(path)
    assert (copy / "weights_last.npz").read_bytes() == (path / "weights_last.npz").read_bytes()


def test_an_average_is_what_is_tested(finished, tmp_path):
    path, _ = finished
    done = train(*SMALL, "--average_decay=0.9", f"--output_dir={tmp_path / 'run'}")
    assert done.returncode == 0, done.stderr
    plain, averaged = measured(path), measured(tmp_path / "run")
    assert averaged[0] == plain[0]
    assert averaged[2]["loss"] == plain[2]["loss"]
    assert averaged[2]["test_loss"] != plain[2]["test_loss"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--max_macs=1000"], "has 73,600 macs"),
        (["--max_parameters=1000"], "more than --max_parameters=1,000"),
        (["--genotype=nothing"], "Known names: PDARTS"),
        (["--auxiliary"], "auxiliary head needs images of at least 24"),
        (["--stem=imagenet"], "multiples of 32"),
        (["--batch_size=2000"], "batch_size must be from 1 to 1433"),
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
