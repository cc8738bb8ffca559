"""The progress bar of an epoch, with the time left in the whole run."""

import math
import sys
import time
from collections.abc import Mapping, Sequence, Set
from typing import Any

import keras

from pdarts_tf.config import SearchConfig, TrainConfig
from pdarts_tf.runs.state import RunState


class Clock:
    """Estimates the time left from what the steps so far have taken.

    Args:
        costs: expected relative cost of one step, per epoch of the whole run.
        steps: steps per epoch.
        traced: epochs whose first step traces a function, which takes as long as many steps.
    """

    def __init__(self, costs: Sequence[float], steps: int, traced: Set[int]) -> None:
        self.costs = costs
        self.steps = steps
        self.traced = traced
        self._seconds = self._cost = 0.0
        self._trace_seconds: list[float] = []

    def tick(self, epoch: int, seconds: float, first: bool) -> None:
        """Notes that a step of an epoch took so many seconds, the first of it or another one."""
        if epoch in self.traced and first:
            self._trace_seconds.append(seconds)
        else:
            self._seconds += seconds
            self._cost += self.costs[epoch]

    def seconds_left(self, epoch: int, step: int) -> float:
        """Returns the seconds left after a step of an epoch."""
        cost = sum(self.costs[epoch:]) * self.steps - self.costs[epoch] * (step + 1)
        left = cost * self._seconds / self._cost if self._cost else 0.0
        if self._trace_seconds:
            traces = sum(each > epoch for each in self.traced)
            left += traces * sum(self._trace_seconds) / len(self._trace_seconds)
        return left


SHARE_OF_WARMUP = 0.6  # of the time of a bilevel step that a step of the weights alone takes


def search_clock(config: SearchConfig, steps: int, state: RunState) -> Clock:
    """Returns the clock of a search.

    Args:
        config: Settings of the search.
        steps: Steps per epoch.
        state: State that the run begins with.
    """
    costs = [
        stage.num_layers * stage.num_candidates * stage.init_channels * share
        for stage in config.stages
        for epoch in range(config.epochs)
        for share in [SHARE_OF_WARMUP if epoch < config.warmup_epochs else 1.0]
    ]
    # The functions of a stage are traced in its first epoch, and again when the alphas join in; a
    # resumed epoch begins with a trace too.
    traced = {
        stage.index * config.epochs + epoch
        for stage in config.stages
        for epoch in {0, config.warmup_epochs}
    }
    return Clock(costs, steps, traced | {state.epochs})


def train_clock(config: TrainConfig, steps: int, state: RunState) -> Clock:
    """Returns the clock of a training; for the arguments see `search_clock`."""
    return Clock([1.0] * config.epochs, steps, {0, state.epochs})


DRAW_SECONDS = 0.5  # between two drawings of a bar


class Progress(keras.callbacks.Callback):
    """A progress bar per epoch: losses, accuracies, images/s and minutes left.

    Args:
        clock: Clock of the whole run.
        steps: Steps per epoch.
        batch_size: Images per step.
    """

    def __init__(self, clock: Clock, steps: int, batch_size: int) -> None:
        super().__init__()
        self.clock = clock
        self.steps = steps
        self.batch_size = batch_size

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Starts a bar: moving on a terminal, one line at the end of the epoch elsewhere."""
        self._epoch = epoch
        is_terminal = sys.stdout.isatty()
        self._bar = keras.utils.Progbar(self.steps, verbose=1 if is_terminal else 2)
        self._interval, self._drawn = (DRAW_SECONDS if is_terminal else math.inf), -math.inf
        self._start = self._last = time.perf_counter()
        self._taken = 0  # in this process, which may have resumed the epoch inside

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Moves the bar."""
        now = time.perf_counter()
        self.clock.tick(self._epoch, now - self._last, first=not self._taken)
        self._last = now
        self._taken += 1
        is_last = batch + 1 == self.steps
        if not is_last and now - self._drawn < self._interval:
            return  # reading the logs would wait for the device
        self._drawn = now
        values = {name: value for name, value in (logs or {}).items() if not name.endswith("norm")}
        values["images/s"] = self._taken * self.batch_size / (now - self._start)
        values["min_left"] = self.clock.seconds_left(self._epoch, batch) / 60
        self._bar.stateful_metrics = set(values)
        self._bar.update(batch + 1, list(values.items()), finalize=is_last)
