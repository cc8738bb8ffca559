"""The epochs of a search's stage or of a training: one loop for both, and what a run does between.

The order of writing is what makes a run resumable at any moment: files that a checkpoint vouches
for, the checkpoint, then what people read.
"""

import functools
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import keras
import tensorflow as tf

from pdarts_tf.errors import StoppedError
from pdarts_tf.runs.observers import EpochStart, Observer
from pdarts_tf.runs.run_directory import METRICS, TIMINGS, RunDirectory
from pdarts_tf.runs.state import Checkpoints, RunState
from pdarts_tf.runs.stopping import Stop
from pdarts_tf.training.loop import TrainingLoop

MOST_SHARE = 0.01  # of the time that checkpoints by the clock may take: on a slow disk come fewer


class Evaluate(Protocol):
    """Function of batches that returns the model's means over them."""

    def __call__(
        self, batches: Iterable[Any], *, names: Mapping[str, str] | None = None
    ) -> dict[str, float]:
        """Returns the means by name; for the arguments see `TrainingLoop.evaluate`."""


@dataclass(frozen=True)
class EpochResult:
    """Outcome of an epoch.

    Args:
        records: {name of a file: record of the epoch}.
        files: {name: bytes} to write before the checkpoint that says that they are there.
    """

    records: dict[str, dict[str, Any]]
    files: Mapping[str, bytes] = field(default_factory=dict)


class Phase(Protocol):
    """A model trained for some epochs: a stage of a search, or a whole training."""

    @property
    def model(self) -> keras.Model:
        """The compiled model, all variables built."""

    @property
    def strategy(self) -> tf.distribute.Strategy:
        """Devices that share each batch."""

    @property
    def part(self) -> str | None:
        """Name of the phase in errors, such as "stage 1"; None if it is the whole run."""

    @property
    def first_epoch(self) -> int:
        """Number of its first epoch in the whole run."""

    @property
    def epochs(self) -> int:
        """Number of its epochs."""

    @property
    def batch_size(self) -> int:
        """Images per step."""

    @property
    def jit_compile(self) -> bool:
        """Whether XLA compiles every step as a whole."""

    def variables(self) -> Mapping[str, Any]:
        """Returns {name: variable or array} of all that a checkpoint has to keep."""

    def batches(self, first_step: int) -> Iterable[Any]:
        """Returns the batches from a step of the phase on."""

    def begin_epoch(self, epoch: int) -> EpochStart:
        """Sets learning and dropout rates of an epoch, counted from 0 in the phase."""

    def ends_early(self, state: RunState) -> bool:
        """Returns whether no further epoch is to begin, by the records of those before."""

    def end_epoch(
        self, start: EpochStart, logs: dict[str, float], evaluate: Evaluate, state: RunState
    ) -> EpochResult:
        """Evaluates the model after an epoch whose steps have these means; returns the outcome."""


class Pauses:
    """Time between the end of an epoch and the first step of the next, from the start of a run on.

    In it checkpoints, files for people and the model of the next stage are made.
    """

    def __init__(self) -> None:
        self._follows = False  # an epoch in this process
        self.restart()

    def restart(self) -> None:
        """Begins a pause."""
        self._since = time.perf_counter()

    def taken(self, first: bool) -> float | None:
        """Returns the seconds of the pause; None of a resume, which has loaded a checkpoint.

        Args:
            first: Whether it is the first epoch of its phase that follows.
        """
        follows, self._follows = self._follows, True
        return time.perf_counter() - self._since if follows or first else None


@dataclass(frozen=True)
class Session:
    """All that a run works with beside its settings and data; complete before the run starts.

    Args:
        directory: The open run directory.
        checkpoints: Its checkpoints.
        state: How far the run has come.
        stop: Tells whether the run has been asked to stop.
        observer: Is told what happens; `Observers` of several.
        callbacks: Keras callbacks of all steps.
        pauses: Measures the time between epochs.
    """

    directory: RunDirectory
    checkpoints: Checkpoints
    state: RunState
    stop: Stop
    observer: Observer = field(default_factory=Observer)
    callbacks: Sequence[keras.callbacks.Callback] = ()
    pauses: Pauses = field(default_factory=Pauses)


def run_epochs(phase: Phase, session: Session) -> None:
    """Trains for the epochs of a phase that are left or needed, with a checkpoint after each.

    Raises:
        NonFiniteLossError: A loss became NaN or infinite.
        StoppedError: A signal asked to stop; there is a checkpoint of the last step.
        WriteError: A file cannot be written.
    """

    def save() -> None:
        session.checkpoints.save(session.state, phase.variables())

    between = BetweenSteps(save, session.checkpoints, session.stop)
    loop = TrainingLoop(
        phase.model,
        [*session.callbacks, between],
        phase.strategy,
        part=phase.part,
        first_epoch=phase.first_epoch,
        jit_compile=phase.jit_compile,
        before_graph=lambda step: session.observer.begin_graph(step, session.state),
    )
    try:
        _run_epochs(phase, session, loop, between)
    except StoppedError:
        save()
        raise


def _run_epochs(
    phase: Phase, session: Session, loop: TrainingLoop, between: "BetweenSteps"
) -> None:
    state = session.state
    first_epoch = state.epochs - phase.first_epoch
    steps = state.steps_per_epoch
    batches = iter(phase.batches(first_epoch * steps + state.progress.steps))
    for epoch in range(first_epoch, phase.epochs):
        if phase.ends_early(state):
            return
        start = phase.begin_epoch(epoch)
        if start.retrace:
            loop.retrace()
        session.observer.begin_epoch(start)
        is_whole, pause = not state.progress.steps, session.pauses.taken(first=not epoch)
        loop.run_epoch(epoch, batches, steps, state.progress)
        evaluate = functools.partial(loop.evaluate, epoch=epoch)
        result = phase.end_epoch(start, dict(state.progress.logs), evaluate, state)
        for name, data in result.files.items():
            session.directory.write(name, data)
        times = timing(phase.batch_size * steps, state.progress.seconds)
        parts = parts_of_time(loop.take_seconds(), pause)
        times |= parts if is_whole else {}
        state.finish_epoch({**result.records, TIMINGS: start.place | times})
        session.pauses.restart()
        between.save()
        measured = result.records.get(METRICS, {})
        loop.end_epoch(epoch, {n: v for n, v in measured.items() if n not in start.place})
        session.observer.end_epoch(state)


def timing(images: int, seconds: float) -> dict[str, float]:
    """Returns the times of an epoch, which stand apart: all else is the same in every repetition.

    Args:
        images: Images that its steps have seen.
        seconds: Time that its steps have taken.
    """
    return {"seconds": seconds, "images_per_second": images / seconds, "time": time.time()}


def parts_of_time(seconds: Mapping[str, float], pause: float | None) -> dict[str, float]:
    """Returns what an epoch that was not interrupted has taken, by part; see docs/search.md.

    Args:
        seconds: What the loop has measured; see `TrainingLoop.seconds`.
        pause: The time before it; None if that is not like others.
    """
    parts = {"graph_seconds": seconds.get("graph", 0.0)}
    parts |= {f"{name}_seconds": value for name, value in seconds.items() if name != "graph"}
    return parts if pause is None else {**parts, "setup_seconds": pause}


class BetweenSteps(keras.callbacks.Callback):
    """Writes a checkpoint when one is due, and ends the run between two steps if asked to.

    Args:
        save: Writes a checkpoint.
        checkpoints: How often they are due, and what the newest has cost.
        stop: Tells whether the run has been asked to stop.
    """

    def __init__(self, save: Callable[[], None], checkpoints: Checkpoints, stop: Stop) -> None:
        super().__init__()
        self._save = save
        self._checkpoints = checkpoints
        self._stop = stop
        self._note_time()

    def save(self) -> None:
        """Writes a checkpoint; the next one is due an interval after it."""
        self._save()
        self._note_time()

    def _note_time(self) -> None:
        self._saved = time.monotonic()
        self._steps_since = 0

    def on_train_batch_begin(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Ends the run if it was asked to stop."""
        self._end_if_asked()

    def on_test_batch_begin(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Ends the run if it was asked to stop."""
        self._end_if_asked()

    def _end_if_asked(self) -> None:
        signal = self._stop.signal  # asked for once, as an `AgreedStop` wants it
        if signal is not None:
            raise StoppedError(signal)

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Writes a checkpoint if one is due."""
        self._steps_since += 1
        if self._due_by_steps() or self._due_by_time():
            self.save()

    def _due_by_steps(self) -> bool:
        steps = self._checkpoints.intervals.checkpoint_every_steps
        return steps is not None and self._steps_since >= steps

    def _due_by_time(self) -> bool:
        seconds = 60 * self._checkpoints.intervals.checkpoint_every_minutes
        least = max(seconds, self._checkpoints.cost / MOST_SHARE)
        return seconds > 0 and time.monotonic() - self._saved >= least
