"""The progress of an epoch on the console, with the time left in the whole run."""

import math
import shutil
import sys
import time
from collections.abc import Mapping
from typing import Any

import keras

from pdarts_tf.durations import duration, estimated_duration
from pdarts_tf.runs.log import logger
from pdarts_tf.runs.time_left import TimeLeft

DRAW_SECONDS = 0.5  # between two drawings of a bar
_WIDTH = 20  # of a bar, in characters
_CLEAR = "\x1b[K"  # the rest of the line


def bar(done: int, steps: int) -> str:
    """Returns how far an epoch is, as a bar.

    >>> bar(5, 20)
    ' 5/20 [=====---------------]'
    """
    filled = _WIDTH * done // steps
    return f"{done:{len(str(steps))}}/{steps} [{'=' * filled}{'-' * (_WIDTH - filled)}]"


def time_left_text(seconds: float | None) -> str:
    """Returns the time left as it is shown; nothing if it is not known.

    >>> time_left_text(7830.0), time_left_text(None)
    ('2 h 10 min left', '')
    """
    return "" if seconds is None else f"{estimated_duration(seconds)} left"


def means_text(logs: Mapping[str, float]) -> str:
    """Returns the means over an epoch's steps; the norms of gradients are left to TensorBoard.

    >>> means_text({"loss": 2.25, "arch_loss": 2.5, "weight_grad_norm": 4.0})
    'loss 2.2500, arch_loss 2.5000'
    """
    shown = ((name, each) for name, each in logs.items() if not name.endswith("norm"))
    return ", ".join(f"{name} {each:.4f}" for name, each in shown)


class Progress(keras.callbacks.Callback):
    """Shows an epoch: a moving bar on a terminal, one line at its end elsewhere.

    Both have losses, accuracies, images/s and the time left in the whole run. So has the log.

    Args:
        time_left: Of the whole run.
        batch_size: Images per step.
    """

    def __init__(self, time_left: TimeLeft, batch_size: int) -> None:
        super().__init__()
        self.time_left = time_left
        self.steps = time_left.steps
        self.batch_size = batch_size

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Begins a bar."""
        self._epoch = epoch
        self._moves = sys.stdout.isatty()
        self._drawn = -math.inf
        self._start = self._last = time.perf_counter()
        self._taken = 0  # in this process, which may have resumed the epoch inside
        self._seconds: list[float] = []
        self._graph: float | None = None

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Moves the bar."""
        now = time.perf_counter()
        if self._taken or not self._builds_graph():
            self._seconds.append(now - self._last)
        else:
            self._graph = now - self._last
        self._last = now
        self._taken += 1
        if batch + 1 == self.steps:
            self._end(now, logs or {})
        elif self._moves and now - self._drawn >= DRAW_SECONDS:  # reading logs waits for the device
            self._drawn = now
            self._draw(batch, self._left(batch), self._speed(now), means_text(logs or {}))

    def _builds_graph(self) -> bool:
        return any(part.startswith("graph_") for part in self.time_left.expected[self._epoch])

    def _left(self, batch: int) -> str:
        seconds = self.time_left.inside_epoch(self._epoch, batch, self._seconds, self._graph)
        return time_left_text(seconds)

    def _speed(self, now: float) -> str:
        return f"{self._taken * self.batch_size / (now - self._start):.3g} images/s"

    def _end(self, now: float, logs: Mapping[str, float]) -> None:
        """Ends the bar, and writes the line of the log."""
        steps = "1 step" if self._taken == 1 else f"{self._taken} steps"
        parts = (means_text(logs), self._speed(now), self._left(self.steps - 1))
        line = f"{steps} in {duration(now - self._start)}: {', '.join(filter(None, parts))}"
        if not self._moves:
            logger().info(line)
            return
        print(f"\r{line}{_CLEAR}", flush=True)
        logger().debug(line)

    def _draw(self, batch: int, *parts: str) -> None:
        """Draws the bar in place of the last one, in a single line: a longer one would stay."""
        line = f"{bar(batch + 1, self.steps)} {', '.join(filter(None, parts))}"
        columns = shutil.get_terminal_size().columns - 1
        print(f"\r{line[:columns]}{_CLEAR}", end="", flush=True)
