"""The classifiers that a network searched on photos is compared with."""

import json
import subprocess
import sys

import numpy as np
import pytest

from benchmarks import linear
from benchmarks.mobilenet import Budget, rate_at
from benchmarks.photo_classifiers import measure
from pdarts_tf.data.images import ImageData, Split
from tests.image_files import pixels, write_folder
from tests.source_tree import ROOT


def images(count, size=32):
    """Noise, every other image of which is light."""
    labels = np.arange(count) % 2
    dark = pixels(count, (size, size, 3), seed=count) // 2
    return dark + (128 * labels[:, None, None, None]).astype(np.uint8), labels


@pytest.fixture(scope="module")
def splits():
    """What `read_images` returns."""
    train, valid, test = (Split(*images(count)) for count in (20, 8, 10))
    data = ImageData("folder", ("dark", "light"), train, test, (0.5,) * 3, (0.25,) * 3)
    return data, train, valid


def test_learning_rate_rises_then_falls_to_0_when_the_time_is_used():
    rates = [rate_at(share, 2.0) for share in (0, 0.025, 0.05, 0.525, 1, 1.5)]
    assert rates == pytest.approx([0, 1, 2, 1, 0, 0])


class FakeModel:
    """A model whose weights are the number of the epoch."""

    def __init__(self):
        self.optimizer, self.stop_training, self.epoch = type("Optimizer", (), {})(), False, 0

    def get_weights(self):
        return self.epoch


def trained(accuracies, seconds_per_step, seconds):
    """A budget after a training with a step per epoch."""
    now = [100.0]
    budget = Budget(seconds, 1.0, clock=lambda: now[0])
    model = FakeModel()
    budget.set_model(model)
    for model.epoch, accuracy in enumerate(accuracies, 1):
        budget.on_train_batch_begin(0)
        now[0] += seconds_per_step
        budget.on_train_batch_end(0)
        budget.on_epoch_end(model.epoch - 1, {"val_accuracy": accuracy})
        if model.stop_training:
            break
    return budget


def test_a_training_ends_when_its_time_is_used():
    assert trained([0.5] * 10, seconds_per_step=2, seconds=6).epochs == 3


def test_the_last_of_the_best_weights_are_kept():
    budget = trained([0.1, 0.7, 0.7, 0.3], seconds_per_step=1, seconds=10)
    assert (budget.weights, budget.best_epoch, budget.accuracy) == (3, 3, 0.7)


def test_the_learning_rate_follows_the_clock():
    budget = trained([0.5] * 6, seconds_per_step=1, seconds=10)
    assert budget.model.optimizer.learning_rate == pytest.approx(rate_at(0.5, 1.0))


def test_a_linear_classifier_tells_dark_from_light(splits):
    result = measure("linear", linear.classify, splits)
    assert (result["test_accuracy"], result["valid_accuracy"]) == (1.0, 1.0)
    assert result["by_class"] == {"dark": 1.0, "light": 1.0}
    assert result["side"] in linear.SIDES


def test_accuracy_is_that_of_the_test_images_and_of_each_class(splits):
    def always_dark(data, train, valid):
        return np.tile([[0.9, 0.1]], (10, 1)), 0.25, {"epochs": 3}

    result = measure("constant", always_dark, splits)
    assert (result["test_accuracy"], result["valid_accuracy"]) == (0.5, 0.25)
    assert result["by_class"] == {"light": 0.0, "dark": 1.0}
    assert result["epochs"] == 3


def benchmark(*arguments):
    """A finished run of the command."""
    command = [sys.executable, "-m", "benchmarks.photo_baselines", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_both_are_measured_and_written(tmp_path):
    folder = write_folder(
        tmp_path / "photos", {"train": images(40), "test": images(10)}, ["dark", "light"]
    )
    small = ("--image_size=32", "--minutes=0.2", "--batch_size=8")
    done = benchmark(f"--data_dir={folder}", f"--json={tmp_path / 'found.json'}", *small)
    assert done.returncode == 0, done.stderr
    linear_result, mobilenet_result = json.loads((tmp_path / "found.json").read_text())
    assert linear_result["test_accuracy"] == 1.0
    assert mobilenet_result["epochs"] >= 1
    assert 12 <= mobilenet_result["processor_seconds"] < 60
    lines = [line.split() for line in done.stdout.splitlines()]
    assert lines[0] == ["linear", "mobilenet"]
    assert [line[0] for line in lines[1:4]] == ["test", "dark", "light"]


@pytest.mark.slow
def test_a_folder_that_cannot_be_read_is_one_line(tmp_path):
    done = benchmark(f"--data_dir={tmp_path / 'nowhere'}")
    assert done.returncode == 2
    assert done.stderr.startswith("error: --data_dir must be an existing directory")
    assert len(done.stderr.splitlines()) == 1
