"""A trace of chosen steps, for TensorBoard's profile plugin."""

import pathlib
from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from pdarts_tf.runs.files import writing
from pdarts_tf.runs.log import logger


class Profiling(keras.callbacks.Callback):
    """Writes a trace of some of the steps that this process takes.

    Steps are counted from the start of the process, resumed or not, since the first ones of a
    process trace functions and tell nothing of the others. Enter it around the run.

    Args:
        directory: of TensorBoard; the trace goes into plugins/profile in it.
        first, last: the steps, counted from 1.
    """

    def __init__(self, directory: pathlib.Path, first: int, last: int) -> None:
        super().__init__()
        self.directory = directory
        self.first = first
        self.last = last
        self._step = 0
        self._running = False
        self._trace: Any = None  # of the step that is being computed

    def __enter__(self) -> "Profiling":
        return self

    def __exit__(self, *exception: object) -> None:
        if self._running:  # the run has ended before the last of the steps
            self._stop()
        elif self._step < self.first:
            logger().warning(
                f"--profile_steps={self.first},{self.last}: nothing is profiled, this process has "
                f"taken {self._step} steps"
            )

    def on_train_batch_begin(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Begins the trace before its first step."""
        self._step += 1
        if self._step == self.first:
            with writing(self.directory):
                self.directory.mkdir(parents=True, exist_ok=True)
            tf.profiler.experimental.start(str(self.directory))
            self._running = True
        if self._running:
            self._trace = tf.profiler.experimental.Trace("train", step_num=self._step, _r=1)
            self._trace.__enter__()

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Ends the trace after its last step."""
        if self._running:
            self._end_step()
            if self._step == self.last:
                self._stop()

    def _end_step(self) -> None:
        if self._trace is not None:
            self._trace.__exit__(None, None, None)
            self._trace = None

    def _stop(self) -> None:
        self._end_step()
        self._running = False
        tf.profiler.experimental.stop()
        # TensorFlow marks the directory with an empty event file, after whose name TensorBoard's
        # reader would look for no more events in that of the run.
        for file in self.directory.glob("*.profile-empty"):
            file.unlink()
        logger().info(
            f"Steps {self.first} to {self._step} of this process are profiled in "
            f"{self.directory / 'plugins' / 'profile'}"
        )
