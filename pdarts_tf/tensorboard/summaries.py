"""The event file that TensorBoard reads."""

import io
import os
import pathlib
import socket
import time
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter

from pdarts_tf.runs.files import write_whole, writing
from pdarts_tf.runs.observers import Observer
from pdarts_tf.runs.run_directory import TENSORBOARD, TIMINGS
from pdarts_tf.runs.state import RunState
from pdarts_tf.tensorboard.board_layout import table_row_end

EVENT_FILES = "events.out.tfevents.*"


class Board(Protocol):
    """Gives the summaries of a run."""

    def start(self, time: float) -> Summary:
        """Returns the summary before the first epoch of a run begun at a time."""

    def epoch(self, records: Mapping[str, Mapping[str, Any]], step: int) -> Summary:
        """Returns the summary of an epoch, {name of a file: its record}; steps count from 1."""


class Summaries:
    """Writes the summaries that a board gives for the records of epochs.

    The event file is made anew from the records whenever a run is resumed: an older one may end in
    a torn event, lack the last epoch, or have epochs that will be measured again.

    Args:
        directory: Where the event file goes.
        board: Gives the summaries.
        epochs: Records of all epochs so far, in order; see `write`.

    Raises:
        WriteError: The file cannot be written.
    """

    def __init__(
        self, directory: pathlib.Path, board: Board, epochs: Sequence[Mapping[str, Any]]
    ) -> None:
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

    def write(self, records: Mapping[str, Any], step: int) -> None:
        """Writes one epoch at a step, the epochs of the whole run counted through.

        Args:
            records: {name of a file: record of the epoch}; that of TIMINGS has "time", when it was
                measured, in seconds since 1970.
            step: Number of the epoch, from 1.
        """
        self._add(self._event(records, step))

    def end(self, time: float, step: int) -> None:
        """Writes that the run has ended, with the epoch of a step, at a time."""
        self._add(Event(wall_time=time, step=step, summary=table_row_end(time)))

    def _add(self, event: Event) -> None:
        with writing(self._path), open(self._path, "ab") as file:
            file.write(_framed(event))

    def _event(self, records: Mapping[str, Any], step: int) -> Event:
        summary = self.board.epoch(records, step)
        return Event(wall_time=records[TIMINGS]["time"], step=step, summary=summary)


class TensorBoard(Observer):
    """Writes every epoch of a run for TensorBoard.

    Args:
        path: The run directory.
        board: Gives the summaries.
        state: State that the run begins with; its epochs are written at once.

    Raises:
        WriteError: The file cannot be written.
    """

    def __init__(self, path: pathlib.Path, board: Board, state: RunState) -> None:
        self._state = state
        epochs = [state.epoch(i) for i in range(state.epochs)]
        self._summaries = Summaries(path / TENSORBOARD, board, epochs)

    def end_epoch(self, state: RunState) -> None:
        """Writes the newest epoch."""
        self._summaries.write(state.epoch(-1), state.epochs)

    def end(self, result: Any) -> None:
        """Writes that the run has ended with its last epoch."""
        self._summaries.end(self._state.timings[-1]["time"], self._state.epochs)


def _framed(event: Event) -> bytes:
    """Returns the bytes of an event in its file: with its length and checksums."""
    buffer = io.BytesIO()
    RecordWriter(buffer).write(event.SerializeToString())
    return buffer.getvalue()
