"""Trainings choose their best weights by the images for validation, and by nothing else."""

import dataclasses
import json
import shutil
import signal
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from pdarts_tf.config import TrainConfig
from pdarts_tf.data.images import ImageData, Split
from pdarts_tf.errors import StoppedError
from pdarts_tf.genotype import Genotype
from pdarts_tf.runs import checkpoint, job
from pdarts_tf.runs.options import RunOptions
from pdarts_tf.runs.run_directory import RunDirectory
from pdarts_tf.train.evaluation import Training
from pdarts_tf.training.loop import TrainingLoop
from pdarts_tf.training.supervised import SupervisedNetwork
from tests.image_files import pixels
from tests.one_layer import untraced

CELL = [("skip_connect", 0), ("max_pool_3x3", 1)]
CONFIG = TrainConfig(
    genotype=str(Genotype(CELL, [2], CELL, [2])),
    validation_portion=0.25,
    layers=3,
    init_channels=2,
    epochs=3,
    batch_size=8,
    learning_rate=0.5,
    auxiliary=False,
    drop_path_rate=0.0,
    cutout_length=0,
)
FILES = ("weights_best.npz", "weights_last.npz", "metrics.jsonl", "result.json")


def noise(num_images, seed):
    return Split(pixels(num_images, (8, 8, 1), seed), np.arange(num_images) % 3)


DATA = ImageData("noise", ("a", "b", "c"), noise(24, 0), noise(12, 1), (0.5,), (0.3,))


@pytest.fixture(autouse=True)
def _untraced(monkeypatch):
    """To trace a step takes longer than all steps of a test."""
    monkeypatch.setattr(TrainingLoop, "_traced", untraced)


class Stop:
    """Asks a run to stop when it has been asked so many times whether to."""

    def __init__(self, after=None):
        self.after = after
        self.asked = 0

    @property
    def signal(self):
        self.asked += 1
        return signal.SIGTERM if self.asked == self.after else None


def journal(training, directory, state):
    from pdarts_tf.runs.journal import Journal

    return job.Watchers([Journal(directory, ("metrics.jsonl",), state)])


def run(path, config=CONFIG, data=DATA, stop=None):
    """Trains, and returns the directory."""
    training = Training(config, data)
    asks: Any = stop or SimpleNamespace(signal=None)
    with RunDirectory(path, config, data.description()) as opened:
        job.finish(training, journal, config, RunOptions(), opened, asks)
    return path


def records(path):
    return [json.loads(line) for line in (path / "metrics.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TrainingLoop, "_traced", untraced)
        return run(tmp_path_factory.mktemp("validation") / "run")


def test_the_best_epoch_is_not_the_last_here(finished):
    """Else the other tests would say little."""
    result = json.loads((finished / "result.json").read_text())
    assert result["best"]["epoch"] != result["last"]["epoch"]
    assert result["best"]["epoch"] == checkpoint.load(finished / "weights_best.npz")[1]["epochs"]


def test_no_test_label_has_an_influence_on_the_best_weights(finished, tmp_path):
    test = DATA.test
    assert isinstance(test, Split)
    permuted = Split(test.images, np.roll(test.labels, 1))
    other = run(tmp_path / "run", data=dataclasses.replace(DATA, test=permuted))
    for name in ("weights_best.npz", "weights_last.npz"):
        assert (other / name).read_bytes() == (finished / name).read_bytes()
    mine, theirs = records(finished), records(other)
    assert [r["test_loss"] for r in mine] != [r["test_loss"] for r in theirs]
    assert [r["valid_loss"] for r in mine] == [r["valid_loss"] for r in theirs]


# Two training batches an epoch, one for validation, two for the test: in the first epoch's test,
# and in the validation of the second epoch.
@pytest.mark.parametrize("after", [4, 8])
@pytest.mark.slow
def test_a_run_stopped_while_it_is_evaluated_ends_like_one_that_was_not(finished, tmp_path, after):
    with pytest.raises(StoppedError):
        run(tmp_path / "run", stop=Stop(after))
    run(tmp_path / "run")
    for name in FILES:
        assert (tmp_path / "run" / name).read_bytes() == (finished / name).read_bytes(), name


def test_without_validation_all_images_train_and_no_weights_are_the_best(tmp_path):
    path = run(tmp_path / "run", dataclasses.replace(CONFIG, validation_portion=0.0, epochs=1))
    assert not (path / "weights_best.npz").exists()
    assert "best" not in json.loads((path / "result.json").read_text())
    assert records(path)[0].keys() == {
        "epoch", "loss", "accuracy", "weight_grad_norm", "test_loss", "test_accuracy", "test_top5",
        "learning_rate", "drop_path_rate",
    }  # fmt: skip


def test_a_limit_of_steps_limits_the_validation_too():
    config = dataclasses.replace(CONFIG, batch_size=2, max_steps_per_epoch=2)
    training: Any = Training(config, DATA)
    assert len(list(training._validation_batches)) == len(list(training._test_batches)) == 2


def test_validation_and_test_share_one_trace(tmp_path, monkeypatch):
    monkeypatch.undo()
    traced: list[int] = []
    test_step = SupervisedNetwork.test_step

    def counted(self, data):
        traced.append(1)
        return test_step(self, data)

    monkeypatch.setattr(SupervisedNetwork, "test_step", counted)
    training: Any = Training(CONFIG, DATA)
    loop = TrainingLoop(training.model)
    loop.evaluate(training._validation_batches)
    loop.evaluate(training._test_batches)
    assert len(traced) == 1


STOPPING = dataclasses.replace(CONFIG, epochs=30, early_stopping_epochs=2)


@pytest.fixture(scope="module")
def stopped_early(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TrainingLoop, "_traced", untraced)
        return run(tmp_path_factory.mktemp("early") / "run", STOPPING)


def test_a_training_ends_when_its_best_score_is_old_enough(stopped_early):
    result = json.loads((stopped_early / "result.json").read_text())
    assert result["last"]["epoch"] == result["best"]["epoch"] + 2 < 30
    assert len(records(stopped_early)) == result["last"]["epoch"]


def test_a_training_that_has_ended_early_trains_no_further(stopped_early, tmp_path):
    """Such as one that was killed after its last epoch."""
    path = tmp_path / "run"
    shutil.copytree(stopped_early, path)
    (path / "result.json").unlink()
    run(path, STOPPING)
    for name in FILES:
        assert (path / name).read_bytes() == (stopped_early / name).read_bytes(), name


def test_a_training_that_is_stopped_before_it_ends_early_does_so_later(stopped_early, tmp_path):
    path = tmp_path / "run"
    with pytest.raises(StoppedError):
        run(path, STOPPING, stop=Stop(after=7))
    run(path, STOPPING)
    for name in FILES:
        assert (path / name).read_bytes() == (stopped_early / name).read_bytes(), name


def test_class_weights_are_those_of_the_images_that_train_the_weights():
    labels = np.repeat(np.arange(3), [4, 8, 12])
    data = dataclasses.replace(DATA, train=Split(pixels(24, (8, 8, 1), 0), labels))
    training = Training(dataclasses.replace(CONFIG, class_weights="balanced"), data)
    assert np.bincount(training.images.for_weights.labels).tolist() == [3, 6, 9]
    assert training.model.class_weights == pytest.approx((2, 1, 2 / 3))


def test_a_training_mixes_and_changes_its_images_as_the_settings_say():
    config = dataclasses.replace(CONFIG, mixup=0.4, rand_augment=0.5)
    images, shares = next(iter(Training(config, DATA).batches(0)))
    plain, labels = next(iter(Training(CONFIG, DATA).batches(0)))
    assert (images.shape, shares.shape) == (plain.shape, (8, 3))
    assert (images.numpy() != plain.numpy()).any()
    one_hot = np.eye(3, dtype=np.float32)[labels]
    assert ((one_hot * shares.numpy()).sum(-1) > 0).all()  # the order is as without
