"""The event file that TensorBoard reads."""

import io
import os
import pathlib
import socket
import time

from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.summary.writer.record_writer import RecordWriter

from pdarts_tf.runs.files import write_whole, writing
from pdarts_tf.runs.run_directory import TIMINGS

EVENT_FILES = "events.out.tfevents.*"


class Summaries:
    """Writes what a board makes of the records of epochs.

    The event file is made anew from the records whenever a run is resumed: an older one may end in
    a torn event, lack the last epoch, or have epochs that will be measured again.

    Args:
        directory: where the event file goes.
        board: gives the summaries, by `start(time)` and `epoch(records, step)`.
        epochs: the records of all epochs so far, in order; see `write`.

    Raises:
        WriteError: the file cannot be written.
    """

    def __init__(self, directory, board, epochs):
        directory = pathlib.Path(directory)
        with writing(directory):
            directory.mkdir(exist_ok=True)
        self.board = board
        older = list(directory.glob(EVENT_FILES))
        name = f"events.out.tfevents.{time.time_ns()}.{socket.gethostname()}.{os.getpid()}.v2"
        self._path = directory / name
        now = time.time()
        begun = epochs[0][TIMINGS]["time"] - epochs[0][TIMINGS]["seconds"] if epochs else now
        events = [
            Event(wall_time=now, file_version="brain.Event:2"),
            # A TensorBoard that is looking forgets what it has read from the older files.
            Event(wall_time=now, step=0, session_log=SessionLog(status=SessionLog.START)),
            Event(wall_time=begun, step=0, summary=board.start(begun)),
            *(self._event(records, step) for step, records in enumerate(epochs, 1)),
        ]
        write_whole(self._path, b"".join(map(_framed, events)))
        for old in older:
            old.unlink()

    def write(self, records, step):
        """Writes one epoch at a step, the epochs of the whole run counted through.

        Args:
            records: {name: record of the epoch}; that of TIMINGS has "time", when it was measured,
                in seconds since 1970.
            step: from 1.
        """
        with writing(self._path), open(self._path, "ab") as file:
            file.write(_framed(self._event(records, step)))

    def _event(self, records, step):
        summary = self.board.epoch(records, step)
        return Event(wall_time=records[TIMINGS]["time"], step=step, summary=summary)


def _framed(event):
    """Returns the bytes of an event in its file: with its length and checksums."""
    buffer = io.BytesIO()
    RecordWriter(buffer).write(event.SerializeToString())
    return buffer.getvalue()
