"""python -m pdarts_tf.train with a budget: what it chooses, and how a run goes on with it."""

import json
import signal

import pytest

from pdarts_tf.cost.candidates import ImageSetting, candidates
from pdarts_tf.genotype import load_genotypes
from tests.commands import run_command
from tests.interruptions import Moment, assert_same_run, run_with
from tests.run_directories import write_search

LIMIT = 150_000
SMALL = ("--dataset=digits", "--epochs=2", "--max_steps_per_epoch=3", f"--max_macs={LIMIT}")


@pytest.fixture(scope="module")
def search(tmp_path_factory):
    """The run directory of a search with results for M = 0 to 4."""
    return write_search(tmp_path_factory.mktemp("search") / "run")


@pytest.fixture(scope="module")
def largest(search):
    """The network that has to be chosen."""
    images = ImageSetting((8, 8, 1), 10, "cifar")
    return next(each for each in candidates(load_genotypes(search), images) if each.macs <= LIMIT)


def train(search, *options):
    return run_command("pdarts_tf.train", f"--genotype={search}", *SMALL, *options)


@pytest.fixture(scope="module")
def finished(search, tmp_path_factory):
    path = tmp_path_factory.mktemp("train") / "run"
    done = train(search, f"--output_dir={path}")
    assert done.returncode == 0, done.stderr
    return path, done.stdout


@pytest.mark.slow
def test_the_largest_network_that_fits_is_trained_and_recorded(finished, largest):
    path, output = finished
    config = json.loads((path / "config.json").read_text())["config"]
    assert (config["genotype"], config["layers"], config["init_channels"]) == (
        str(largest.genotype), largest.layers, largest.init_channels,
    )  # fmt: skip
    assert config["max_macs"] == LIMIT
    line = f"--max_macs={LIMIT}: of 480 networks the largest that fits is {largest}, with "
    assert line in output and line in (path / "run.log").read_text()
    result = json.loads((path / "result.json").read_text())
    assert (result["parameters"], result["macs"]) == (largest.parameters, largest.macs)


@pytest.mark.slow
def test_the_same_command_goes_on_with_the_network(finished, search, tmp_path):
    flags = (f"--genotype={search}", *SMALL, "--checkpoint_every_steps=1")
    run_with("pdarts_tf.train", tmp_path / "run", flags, [Moment(4, by=signal.SIGTERM)])
    files = ("metrics.jsonl", "result.json", "weights_best.npz", "weights_last.npz")
    assert_same_run(tmp_path / "run", finished[0], files)


@pytest.mark.slow
def test_a_finished_run_is_told_again_but_not_with_another_budget(finished, search):
    path, output = finished
    again = train(search, f"--output_dir={path}")
    assert again.stdout.splitlines()[-4:] == output.splitlines()[-4:]
    other = train(search, f"--output_dir={path}", "--max_macs=200000")
    assert (other.returncode, other.stderr.count("\n")) == (2, 1)
    assert f"its --max_macs is {LIMIT}, not 200000" in other.stderr


@pytest.mark.slow
def test_its_weights_are_tested_without_the_search(finished):
    tested = run_command("pdarts_tf.train", "--evaluate_only", f"--run_dir={finished[0]}")
    assert "weights_best.npz on 364 test images of digits: top-1 " in tested.stdout, tested.stderr


@pytest.mark.slow
def test_flags_win_and_only_the_rest_is_chosen(search):
    done = train(search, "--dry_run", "--layers=3", "--max_skip_connects=1")
    assert done.returncode == 0, done.stderr
    assert ": of 16 networks the largest that fits is M=1, 3 cells, " in done.stdout


@pytest.mark.slow
def test_flags_of_a_users_flagfile_win_too(search, tmp_path):
    (tmp_path / "my.flags").write_text("--layers=3\n--init_channels=4\n")
    done = train(search, "--dry_run", f"--flagfile={tmp_path / 'my.flags'}")
    assert ": of 5 networks the largest that fits is M=" in done.stdout, done.stderr
    assert ", 3 cells, 4 channels, with " in done.stdout


def test_a_network_that_is_given_as_a_whole_is_refused_if_it_is_too_large(search, tmp_path):
    given = ("--max_skip_connects=0", "--layers=5", "--init_channels=36")
    done = train(search, f"--output_dir={tmp_path / 'run'}", *given)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert f"macs, more than --max_macs={LIMIT:,}; use fewer --init_channels" in done.stderr
    assert not (tmp_path / "run").exists()


def test_if_nothing_fits_a_line_has_the_smallest_network(search, tmp_path):
    done = train(search, f"--output_dir={tmp_path / 'run'}", "--max_macs=1000")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "no network fits --max_macs=1000; the smallest there is, M=" in done.stderr
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_a_latency_is_measured_by_the_exported_network(search):
    flags = ("--max_latency_ms=1000", "--layers=3", "--init_channels=4", "--max_skip_connects=0")
    done = train(search, "--dry_run", *flags)
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()[:2]
    assert first == (
        "Measuring the latency of exported networks, with images 8x8x1, 10 classes, --stem=cifar:"
    )
    latency = second.removeprefix("  M=0, 3 cells, 4 channels: ")
    assert done.stdout.splitlines()[-1].endswith(f"multiply-accumulates, {latency}")
