"""The loop over epochs: what it does in which order, and what a run does between two steps."""

import signal
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from pdarts_tf.config import CheckpointConfig
from pdarts_tf.errors import StoppedError
from pdarts_tf.runs import epochs
from pdarts_tf.runs.epochs import BetweenSteps, EpochResult, Pauses, Session, run_epochs, timing
from pdarts_tf.runs.observers import EpochStart, Observer, Observers
from pdarts_tf.runs.run_directory import METRICS, TIMINGS
from pdarts_tf.runs.state import RunState

STEPS = 2


class Adder(keras.Model):
    """A model whose steps add up what they are given."""

    def __init__(self):
        super().__init__()
        self.sum = self.add_weight(shape=(), initializer="zeros", name="sum")
        self.built = True

    def train_step(self, data):
        self.sum.assign_add(data)
        return {"loss": tf.convert_to_tensor(self.sum)}


class Counting:
    """Two epochs of that model, on the numbers 0, 1, 2, 3; notes what it is asked."""

    strategy = tf.distribute.get_strategy()
    part = "stage 1"
    first_epoch = 1
    epochs = 2
    batch_size = 8
    jit_compile = False
    enough: int | None = None

    def __init__(self, events):
        self.model = Adder()
        self.events = events

    def variables(self):
        return {"sum": self.model.sum}

    def batches(self, first_step):
        return tf.data.Dataset.range(first_step, self.epochs * STEPS).map(
            lambda step: tf.cast(step, tf.float32)
        )

    def begin_epoch(self, epoch):
        self.events.append(f"begin {epoch}")
        return EpochStart(epoch, {"epoch": epoch + 1}, {}, retrace=epoch == 1)

    def ends_early(self, state):
        return state.epochs == self.enough

    def end_epoch(self, start, logs, evaluate, state):
        self.events.append(f"end {start.epoch}")
        return EpochResult({METRICS: start.place | logs}, {"weights.npz": b"w"})


class Recorder(Observer):
    """Notes what it is told."""

    def __init__(self, events):
        self.events = events

    def begin_epoch(self, start):
        self.events.append(f"observed begin {start.epoch}")

    def end_epoch(self, state):
        self.events.append(f"observed end {state.epochs}")


def session(events, state, stop=None):
    """A session that notes what is written."""
    directory: Any = SimpleNamespace(write=lambda name, data: events.append(f"write {name}"))
    checkpoints: Any = SimpleNamespace(
        intervals=CheckpointConfig(checkpoint_every_minutes=0),
        cost=0.0,
        save=lambda state, variables: events.append(
            f"save {state.step} {float(np.asarray(variables['sum']))}"
        ),
    )
    return Session(
        directory=directory,
        checkpoints=checkpoints,
        state=state,
        stop=stop or SimpleNamespace(signal=None),
        observer=Observers([Recorder(events)]),
    )


def test_weights_come_before_the_checkpoint_and_what_people_read_after_it():
    events: list[str] = []
    state = RunState(STEPS, epochs=1)
    run_epochs(Counting(events), session(events, state))
    assert events == [
        "begin 0",
        "observed begin 0",
        "end 0",
        "write weights.npz",
        "save 4 1.0",
        "observed end 2",
        "begin 1",
        "observed begin 1",
        "end 1",
        "write weights.npz",
        "save 6 6.0",
        "observed end 3",
    ]
    assert state.metrics == [{"epoch": 1, "loss": 1.0}, {"epoch": 2, "loss": 6.0}]
    assert [record["epoch"] for record in state.records[TIMINGS]] == [1, 2]


def test_a_resumed_phase_takes_the_steps_that_are_left():
    events: list[str] = []
    state = RunState(STEPS, epochs=2)
    state.progress.steps = 1
    run_epochs(Counting(events), session(events, state))
    assert events[0] == "begin 1"
    assert state.metrics == [{"epoch": 2, "loss": 3.0}]


@pytest.mark.parametrize("epochs_before", [1, 2], ids=["in the same process", "resumed"])
def test_a_phase_that_ends_early_begins_no_further_epoch(epochs_before):
    events: list[str] = []
    state = RunState(STEPS, epochs=epochs_before)
    phase = Counting(events)
    phase.enough = 2
    run_epochs(phase, session(events, state))
    assert state.epochs == 2
    assert "begin 1" not in events


def test_a_run_that_is_asked_to_stop_does_so_with_a_checkpoint_of_the_last_step():
    events: list[str] = []
    asked = iter([None, None, None, signal.SIGTERM])

    class Stop:
        @property
        def signal(self):
            return next(asked)

    with pytest.raises(StoppedError, match="stopped by SIGTERM with a checkpoint") as stopped:
        run_epochs(Counting(events), session(events, RunState(STEPS, epochs=1), Stop()))
    assert stopped.value.signal == signal.SIGTERM
    assert events[-1] == "save 5 3.0"


def test_times_of_an_epoch(monkeypatch):
    monkeypatch.setattr(epochs.time, "time", lambda: 1.7e9)
    expected = {"seconds": 2.0, "images_per_second": 8.0, "time": 1.7e9}
    assert timing(images=16, seconds=2.0) == expected


def test_an_epoch_records_its_parts():
    state = RunState(STEPS, epochs=1)
    run_epochs(Counting([]), session([], state))
    first, second = state.records[TIMINGS]
    assert first["graph_seconds"] > 0
    assert first["setup_seconds"] > 0
    assert second["graph_seconds"] > 0  # its step differs
    assert first["graph_seconds"] < first["seconds"]


def test_an_epoch_that_was_interrupted_records_no_parts():
    state = RunState(STEPS, epochs=1)
    state.progress.steps = 1
    run_epochs(Counting([]), session([], state))
    first, second = state.records[TIMINGS]
    assert "graph_seconds" not in first
    assert "graph_seconds" in second


def test_the_pause_before_a_resumed_epoch_is_not_like_others():
    pauses = Pauses()
    assert pauses.taken(first=False) is None
    pauses.restart()
    assert pauses.taken(first=False) is not None
    assert Pauses().taken(first=True) is not None


class Steps:
    """Steps of a run, and the numbers of those that were followed by a checkpoint."""

    def __init__(self, intervals, seconds=0.0, now=None):
        self.taken = 0
        self.saved: list[int] = []
        checkpoints: Any = SimpleNamespace(intervals=intervals, cost=0.0)

        def save():
            self.saved.append(self.taken)
            if now is not None:
                now[0] += seconds
                checkpoints.cost = seconds

        stop: Any = SimpleNamespace(signal=None)
        self.between = BetweenSteps(save, checkpoints, stop)

    def step(self):
        self.between.on_train_batch_begin(self.taken)
        self.taken += 1
        self.between.on_train_batch_end(self.taken - 1)


@pytest.fixture
def now(monkeypatch):
    """A clock that stands still: [seconds]."""
    now = [1000.0]
    monkeypatch.setattr(epochs.time, "monotonic", lambda: now[0])
    return now


def test_checkpoints_come_after_so_many_steps():
    steps = Steps(CheckpointConfig(0, checkpoint_every_steps=2))
    for _ in range(5):
        steps.step()
    assert steps.saved == [2, 4]


def test_checkpoints_come_after_so_many_minutes(now):
    steps = Steps(CheckpointConfig(checkpoint_every_minutes=2))
    for seconds in (50, 60, 60, 60, 130):  # one after 170 seconds, one 190 after that
        now[0] += seconds
        steps.step()
    assert steps.saved == [3, 5]


def test_slow_checkpoints_take_a_hundredth_of_the_time_at_most(now):
    steps = Steps(CheckpointConfig(checkpoint_every_minutes=1), seconds=3, now=now)
    for _ in range(12):
        now[0] += 59
        steps.step()
    # The first after two steps of 59 seconds, the next one 300 seconds later or more.
    assert steps.saved == [2, 8]


def test_every_checkpoint_starts_both_counts_anew(now):
    steps = Steps(CheckpointConfig(2, checkpoint_every_steps=2))
    now[0] += 121
    steps.step()
    now[0] += 119
    steps.step()
    assert steps.saved == [1]


def test_without_intervals_there_are_none_inside_epochs(now):
    steps = Steps(CheckpointConfig(checkpoint_every_minutes=0))
    now[0] += 1e9
    steps.step()
    assert steps.saved == []


@pytest.mark.parametrize("where", ["on_train_batch_begin", "on_test_batch_begin"])
@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_comes_before_the_next_batch_and_saves_nothing_by_itself(where, by):
    """The run may be testing other weights than those it trains."""
    saved: list[int] = []
    checkpoints: Any = SimpleNamespace(intervals=CheckpointConfig(), cost=0.0)
    between = BetweenSteps(lambda: saved.append(1), checkpoints, SimpleNamespace(signal=by))
    with pytest.raises(StoppedError, match=f"stopped by {by.name}"):
        getattr(between, where)(0)
    assert saved == []
