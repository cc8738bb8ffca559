"""When checkpoints are written, what is in them, and how a run finds its own again."""

import dataclasses
import json
import signal
from types import SimpleNamespace

import numpy as np
import pytest

from pdarts_tf.config import CheckpointConfig, SearchConfig
from pdarts_tf.errors import StoppedError
from pdarts_tf.runs import checkpoint, checkpointing
from pdarts_tf.runs.checkpoint import CheckpointError
from pdarts_tf.runs.checkpointing import Checkpointing
from pdarts_tf.training.loop import EpochProgress

CONFIG = SearchConfig(seed=3)
NEVER = CheckpointConfig(checkpoint_every_minutes=0)
STEPS = 10


class Example:
    """A run of one variable, after two finished epochs and three steps of the next one."""

    def __init__(self, path, intervals=NEVER, config=CONFIG):
        self.path = path
        self.writes = True
        self.stop = SimpleNamespace(signal=None)
        self.value = np.float32(1.5)
        self.content = {"spaces": ["all"]}
        self.progress = EpochProgress(3, {"loss": 0.25}, 6.5)
        self.checkpointing = Checkpointing(self, config, intervals, self.stop)
        self.checkpointing.watch(
            lambda: {"x": self.value}, lambda: self.content, STEPS, 2, self.progress
        )

    def step(self):
        """Takes a step as the loop does."""
        self.checkpointing.on_train_batch_begin(self.progress.steps)
        self.progress.steps += 1
        self.checkpointing.on_train_batch_end(self.progress.steps - 1)

    def saved(self):
        """The steps of all checkpoints, counted through."""
        return sorted(int(each.stem) for each in (self.path / "checkpoints").glob("*.npz"))


@pytest.fixture
def now(monkeypatch):
    """A clock that stands still: [seconds]."""
    now = [1000.0]
    monkeypatch.setattr(checkpointing.time, "monotonic", lambda: now[0])
    return now


def test_everything_comes_back(tmp_path):
    Example(tmp_path).checkpointing.save()
    restored = Example(tmp_path).checkpointing.load()
    assert (restored.arrays, restored.content) == ({"x": 1.5}, {"spaces": ["all"]})
    assert (restored.epochs, restored.progress) == (2, EpochProgress(3, {"loss": 0.25}, 6.5))


def test_a_checkpoint_has_the_settings_of_its_run(tmp_path):
    Example(tmp_path).checkpointing.save()
    _, position = checkpoint.load(tmp_path / "checkpoints" / "000000023.npz")
    assert SearchConfig.from_dict(position["config"]) == CONFIG


def test_a_new_run_has_nothing_to_load(tmp_path):
    (tmp_path / "metrics.jsonl").touch()
    assert Example(tmp_path).checkpointing.load() is None


def test_measurements_without_a_checkpoint_are_an_error_and_no_new_run(tmp_path):
    (tmp_path / "metrics.jsonl").write_text("{}\n")
    with pytest.raises(CheckpointError, match=r"jsonl has measurements, but there is no c"):
        Example(tmp_path).checkpointing.load()


def test_a_checkpoint_of_another_run_is_refused(tmp_path):
    Example(tmp_path, config=dataclasses.replace(CONFIG, seed=4)).checkpointing.save()
    with pytest.raises(CheckpointError, match="is of a run with other settings"):
        Example(tmp_path).checkpointing.load()


def test_resuming_says_where(tmp_path, monkeypatch):
    said: list[str] = []
    logger = SimpleNamespace(info=said.append, warning=pytest.fail)
    monkeypatch.setattr(checkpointing, "console", lambda: logger)
    example = Example(tmp_path)
    example.checkpointing.save()
    example.checkpointing.load()
    example.checkpointing.finish_epoch()
    example.checkpointing.load()
    assert said == ["Resuming after epoch 2, step 3 of the next one", "Resuming after epoch 3"]


def test_an_epoch_ends_with_a_checkpoint(tmp_path):
    example = Example(tmp_path)
    assert example.checkpointing.finish_epoch() == EpochProgress()
    assert example.saved() == [30]


def test_checkpoints_come_after_so_many_steps(tmp_path):
    example = Example(tmp_path, CheckpointConfig(0, checkpoint_every_steps=2))
    for _ in range(5):
        example.step()
    assert example.saved() == [25, 27]


def test_checkpoints_come_after_so_many_minutes(tmp_path, now):
    example = Example(tmp_path, CheckpointConfig(checkpoint_every_minutes=2))
    for seconds in (50, 60, 60, 60, 130):  # one after 170 seconds, one 190 after that
        now[0] += seconds
        example.step()
    assert example.saved() == [26, 28]


def test_slow_checkpoints_take_a_hundredth_of_the_time_at_most(tmp_path, now, monkeypatch):
    example = Example(tmp_path, CheckpointConfig(checkpoint_every_minutes=1))
    written: list[float] = []

    def slow(*_):
        now[0] += 3
        written.append(now[0] - 1000)

    monkeypatch.setattr(checkpoint, "save", slow)
    for _ in range(12):
        now[0] += 59
        example.step()
    # The first after two steps of 59 seconds, the next one 300 seconds later or more.
    assert written == [2 * 59 + 3, 8 * 59 + 6]


def test_every_checkpoint_starts_both_counts_anew(tmp_path, now):
    example = Example(tmp_path, CheckpointConfig(2, checkpoint_every_steps=2))
    now[0] += 121
    example.step()
    now[0] += 119
    example.step()
    assert example.saved() == [24]


def test_without_intervals_there_are_none_inside_epochs(tmp_path, now):
    example = Example(tmp_path)
    now[0] += 1e9
    example.step()
    assert example.saved() == []


@pytest.mark.parametrize("where", ["on_train_batch_begin", "on_test_batch_begin"])
@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT])
def test_a_run_that_is_asked_to_stop_does_so_before_the_next_batch(tmp_path, where, by):
    example = Example(tmp_path)
    example.stop.signal = by
    with pytest.raises(StoppedError, match=f"stopped by {by.name} with a checkpoint") as stopped:
        getattr(example.checkpointing, where)(0)
    assert stopped.value.signal == by
    assert example.saved() == []  # the run may be testing other weights than those it trains


def test_what_a_checkpoint_keeps_is_json(tmp_path):
    Example(tmp_path).checkpointing.save()
    with np.load(tmp_path / "checkpoints" / "000000023.npz") as arrays:
        assert json.loads(str(arrays["position"]))["progress"]["seconds"] == 6.5
