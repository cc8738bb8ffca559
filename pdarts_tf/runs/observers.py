"""Observers of a run: told what happens, without any influence on it.

The commands choose them. Files for people, TensorBoard, drawings, the report and the lines on the
console are observers; deleting one changes no result.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pdarts_tf.config import StageConfig
from pdarts_tf.runs.state import RunState
from pdarts_tf.search_space import SearchSpace


@dataclass(frozen=True)
class EpochStart:
    """An epoch that begins.

    Args:
        epoch: Counted from 0 within the stage of a search, or within the training.
        place: {"stage": …, "epoch": …}, counted from 1; a training has no stage.
        rates: Learning rate and dropout rates of the epoch, by name.
        retrace: Whether the training step differs from that of the epoch before.
    """

    epoch: int
    place: dict[str, int]
    rates: dict[str, float]
    retrace: bool = False


class Result(Protocol):
    """The result of a finished search or training."""

    @property
    def files(self) -> dict[str, str]:
        """{name: text} to write into the run directory, in this order; the last says it is done."""


class Observer:
    """Base class of observers; every method does nothing.

    Example:

    >>> class Counter(Observer):
    ...     count = 0
    ...     def end_epoch(self, state):
    ...         self.count += 1
    """

    def begin_stage(self, stage: StageConfig, space: SearchSpace, state: RunState) -> None:
        """Called when a stage of a search begins, or is resumed inside."""

    def begin_epoch(self, start: EpochStart) -> None:
        """Called before the first step of an epoch in this process."""

    def begin_graph(self, step: str, state: RunState) -> None:
        """Called before the graph of a step is built, which takes longer than the step.

        Args:
            step: "training" or "evaluation".
            state: State of the run; the epoch is not in it yet.
        """

    def end_epoch(self, state: RunState) -> None:
        """Called after an epoch, when a checkpoint has its records (`state.epoch(-1)`)."""

    def end(self, result: Any) -> None:
        """Called with the result, before its files are written."""

    def close(self) -> None:
        """Called last, when all files of the result are written."""


class Observers(Observer):
    """Several observers as one; they are called in order.

    Args:
        observers: The observers.
    """

    def __init__(self, observers: Sequence[Observer] = ()) -> None:
        self.observers = tuple(observers)

    def begin_stage(self, stage: StageConfig, space: SearchSpace, state: RunState) -> None:
        """Tells all that a stage begins."""
        for each in self.observers:
            each.begin_stage(stage, space, state)

    def begin_epoch(self, start: EpochStart) -> None:
        """Tells all that an epoch begins."""
        for each in self.observers:
            each.begin_epoch(start)

    def begin_graph(self, step: str, state: RunState) -> None:
        """Tells all that a graph will be built."""
        for each in self.observers:
            each.begin_graph(step, state)

    def end_epoch(self, state: RunState) -> None:
        """Tells all that an epoch has ended."""
        for each in self.observers:
            each.end_epoch(state)

    def end(self, result: Any) -> None:
        """Tells all what has come out."""
        for each in self.observers:
            each.end(result)

    def close(self) -> None:
        """Tells all that the run is finished."""
        for each in self.observers:
            each.close()
