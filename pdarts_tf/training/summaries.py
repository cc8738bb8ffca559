"""What TensorBoard shows of a run."""

import io
import os
import pathlib
import socket
import time

from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.plugins.scalar.summary_v2 import scalar_pb
from tensorboard.summary.writer.record_writer import RecordWriter

from pdarts_tf.training.files import write_whole, writing

# Where each value of an epoch's record appears in TensorBoard.
_TAGS = {
    "loss": "loss/weights",
    "arch_loss": "loss/alphas",
    "valid_loss": "loss/validation",
    "test_loss": "loss/test",
    "accuracy": "accuracy/weights",
    "arch_accuracy": "accuracy/alphas",
    "valid_accuracy": "accuracy/validation",
    "test_accuracy": "accuracy/test",
    "test_top5": "accuracy/test_top5",
    "learning_rate": "schedule/learning_rate",
    "skip_dropout_rate": "schedule/skip_dropout_rate",
    "drop_path_rate": "schedule/drop_path_rate",
    "weight_grad_norm": "gradient_norm/weights",
    "arch_grad_norm": "gradient_norm/alphas",
    "entropy_normal": "alphas/entropy_normal",
    "entropy_reduce": "alphas/entropy_reduce",
    "skip_connects": "alphas/skip_connects",
    "images_per_second": "speed/images_per_second",
}


class Summaries:
    """Writes the records of epochs as TensorBoard scalars.

    The event file is made anew from the records whenever a run is resumed: an older one may end in
    a torn event, lack the last epoch, or have epochs that will be measured again.

    Args:
        directory: where the event file goes.
        records: of all epochs so far, in order; see `write`.

    Raises:
        WriteError: the file cannot be written.
    """

    def __init__(self, directory, records):
        directory = pathlib.Path(directory)
        with writing(directory):
            directory.mkdir(exist_ok=True)
        older = list(directory.glob("events.out.tfevents.*"))
        name = f"events.out.tfevents.{time.time_ns()}.{socket.gethostname()}.{os.getpid()}.v2"
        self._path = directory / name
        now = time.time()
        events = [
            Event(wall_time=now, file_version="brain.Event:2"),
            # A TensorBoard that is looking forgets what it has read from the older files.
            Event(wall_time=now, step=0, session_log=SessionLog(status=SessionLog.START)),
            *(_event(record, step) for step, record in enumerate(records, 1)),
        ]
        write_whole(self._path, b"".join(map(_framed, events)))
        for old in older:
            old.unlink()

    def write(self, record, step):
        """Writes one record at a step, the epochs of the whole run counted through.

        Args:
            record: {name: value}; "time" is when it was measured, in seconds since 1970.
            step: from 1.
        """
        with writing(self._path), open(self._path, "ab") as file:
            file.write(_framed(_event(record, step)))


def _event(record, step):
    event = Event(wall_time=record["time"], step=step)
    for name, tag in _TAGS.items():
        if name in record:
            event.summary.MergeFrom(scalar_pb(tag, record[name]))
    return event


def _framed(event):
    """Returns the bytes of an event in its file: with its length and checksums."""
    buffer = io.BytesIO()
    RecordWriter(buffer).write(event.SerializeToString())
    return buffer.getvalue()
