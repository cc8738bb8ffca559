"""When the state of a run is written, what it is made of, and how a run finds it again."""

import dataclasses
import json
import time

import keras

from pdarts_tf.errors import StoppedError
from pdarts_tf.runs import checkpoint
from pdarts_tf.runs.run_directory import METRICS, console
from pdarts_tf.training.loop import EpochProgress

CHECKPOINTS = "checkpoints"
MOST_SHARE = 0.01  # of the time that checkpoints by the clock may take: on a slow disk come fewer


@dataclasses.dataclass(frozen=True)
class Restored:
    """A checkpoint that was read.

    Args:
        arrays: values of the variables, by name.
        content: what the run gave to be kept beside them.
        epochs: finished epochs of the whole run.
        progress: how far the next epoch is.
    """

    arrays: dict
    content: dict
    epochs: int
    progress: EpochProgress


class Checkpointing(keras.callbacks.Callback):
    """Writes the state of a run when it is due, and ends the run between two steps when asked to.

    A run first calls `load`, then `watch` for every model that it trains, `finish_epoch` for every
    epoch, and `save` when a `StoppedError` has reached it.

    Args:
        run: an open `RunDirectory`.
        config: settings of the run, which are a part of every checkpoint.
        intervals: a `CheckpointConfig`.
        stop: a `StopRequest`, or the `AgreedStop` of several workers.
    """

    def __init__(self, run, config, intervals, stop):
        super().__init__()
        self.writes = run.writes
        self.directory = run.path / CHECKPOINTS
        self.metrics = run.path / METRICS
        self.config = json.loads(config.to_json())
        self.intervals = intervals
        self.stop = stop
        self._cost = 0.0

    def load(self):
        """Returns the newest checkpoint that is whole as `Restored`; None if the run is new.

        Raises:
            CheckpointError: there is none though the run has had some, or it is of another run.
        """
        found = checkpoint.load_newest(self.directory, console().warning)
        if found is None:
            self._check_new()
            return None
        arrays, position = found
        if position.get("config") != self.config:
            raise checkpoint.CheckpointError(
                f"the newest checkpoint in {self.directory} is of a run with other settings; put "
                "those of this run back, or start again in another --output_dir"
            )
        epochs, progress = position["epochs"], EpochProgress(**position["progress"])
        inside = f", step {progress.steps} of the next one" if progress.steps else ""
        console().info(f"Resuming after epoch {epochs}{inside}")
        return Restored(arrays, position["content"], epochs, progress)

    def _check_new(self):
        # Measurements are written after the checkpoint that contains them, so that there has been
        # one, though now even its directory is missing.
        if self.metrics.is_file() and self.metrics.stat().st_size:
            raise checkpoint.CheckpointError(
                f"{self.metrics} has measurements, but there is no checkpoint in {self.directory}; "
                "bring one back from a copy, or start again in another --output_dir"
            )

    def watch(self, variables, content, steps, epochs, progress):
        """Says what the state is from now on; its progress is updated by the loop.

        Args:
            variables: function that returns {name: variable or array}.
            content: function that returns what else is to be kept: an object for JSON.
            steps: per epoch.
            epochs: that the run has finished.
            progress: how far the next one is, `EpochProgress`.
        """
        self.variables = variables
        self.content = content
        self.steps = steps
        self.epochs = epochs
        self.progress = progress
        self._note_time()

    def finish_epoch(self):
        """Writes a checkpoint at the end of an epoch; returns the progress of the next one."""
        self.epochs += 1
        self.progress = EpochProgress()
        self.save()
        return self.progress

    def save(self):
        """Writes a checkpoint: the one place where a run's state goes to the disk.

        Among several workers only the one whose directory it is writes.

        Raises:
            WriteError: it cannot be written; those before it are still there.
        """
        if not self.writes:
            return
        start = time.monotonic()
        index = self.epochs * self.steps + self.progress.steps
        position = {
            "config": self.config,
            "epochs": self.epochs,
            "progress": dataclasses.asdict(self.progress),
            "content": self.content(),
        }
        keep = self.intervals.keep_checkpoints
        checkpoint.save(self.directory, index, self.variables(), position, keep)
        self._note_time()
        self._cost = self._saved - start

    def _note_time(self):
        self._saved = time.monotonic()
        self._steps_since = 0

    def on_train_batch_begin(self, batch, logs=None):
        """Ends the run if it was asked to stop."""
        self._end_if_asked()

    def on_test_batch_begin(self, batch, logs=None):
        """Ends the run if it was asked to stop."""
        self._end_if_asked()

    def _end_if_asked(self):
        signal = self.stop.signal  # asked for once, as an `AgreedStop` wants it
        if signal is not None:
            raise StoppedError(signal)

    def on_train_batch_end(self, batch, logs=None):
        """Writes a checkpoint if one is due."""
        self._steps_since += 1
        if self._due_by_steps() or self._due_by_time():
            self.save()

    def _due_by_steps(self):
        steps = self.intervals.checkpoint_every_steps
        return steps is not None and self._steps_since >= steps

    def _due_by_time(self):
        seconds = 60 * self.intervals.checkpoint_every_minutes
        least = max(seconds, self._cost / MOST_SHARE)
        return seconds > 0 and time.monotonic() - self._saved >= least
