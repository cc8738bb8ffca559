"""What was measured in the epochs of a run: kept in its checkpoints, and written for people."""

import time

from pdarts_tf.runs.run_directory import METRICS, TENSORBOARD
from pdarts_tf.tensorboard.summaries import Summaries


def timing(images, seconds):
    """Returns the times of an epoch, which stand apart: all else is the same in every repetition.

    Args:
        images: that its steps have seen.
        seconds: that its steps have taken.
    """
    return {"seconds": seconds, "images_per_second": images / seconds, "time": time.time()}


class Journal:
    """The records of a run's epochs, as JSON lines and in TensorBoard.

    Args:
        run: an open `RunDirectory`.
        names: of the files, with one object per epoch each; METRICS and TIMINGS among them.
        content: {name: records so far}, from a checkpoint; {} for a new run.
        board: what TensorBoard is to show of them; see `Summaries`.

    Raises:
        WriteError: a file cannot be written.
    """

    def __init__(self, run, names, content, board):
        self.run = run
        self.content = {name: content.get(name, []) for name in names}
        self._write_files()
        epochs = [self._epoch(i) for i in range(len(self.metrics))]
        path = run.path / TENSORBOARD
        self._summaries = Summaries(path, board, epochs) if run.writes else None

    @property
    def metrics(self):
        """The measurements of every epoch so far."""
        return self.content[METRICS]

    def add(self, records):
        """Notes {name: record} of an epoch; the files follow when a checkpoint has them."""
        for name, earlier in self.content.items():
            earlier.append(records[name])

    def publish(self):
        """Brings the files up to date, after a checkpoint: they never say more than it does."""
        self._write_files()
        if self._summaries is not None:
            self._summaries.write(self._epoch(-1), len(self.metrics))

    def _epoch(self, index):
        """All records of one epoch, {name: record}."""
        return {name: records[index] for name, records in self.content.items()}

    def _write_files(self):
        for name, records in self.content.items():
            self.run.write_records(name, records)
