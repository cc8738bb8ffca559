"""Standard output and error that outlive their readers: no command ends because of its prints."""

import contextlib
import errno
import io
import os
import select
import sys
from typing import Any, TextIO

from pdarts_tf.errors import RunError

_STANDARD = (0, 1, 2)


class OutputError(RunError):
    """Raised if what a command was asked to print cannot be written."""


class Stream(io.FileIO):
    """A standard stream that drops what cannot be written, instead of raising an error.

    What comes later is tried again, since a disk may be full for a while only.

    Args:
        descriptor: Descriptor of the stream; it stays open.

    Attributes:
        failure: Why something was dropped; None if all was written, or if it was dropped only
            because nobody reads any more, as after `| head -1`.
        in_line: Whether a line was begun and not ended.
    """

    def __init__(self, descriptor: int) -> None:
        super().__init__(descriptor, "w", closefd=False)
        self.failure: OSError | None = None
        self.in_line = False

    def write(self, data: Any) -> int:
        """Writes what can be written; returns the number of bytes written or dropped."""
        if data:
            self.in_line = bytes(data[-1:]) != b"\n"
        try:
            while (written := super().write(data)) is None:  # full, and set not to block
                select.select([], [self.fileno()], [])
        except OSError as error:
            if error.errno != errno.EPIPE:
                self.failure = self.failure or error
            return memoryview(data).nbytes
        return written


def outlive_readers() -> None:
    """Makes standard output and error drop what cannot be written, and opens those that are closed.

    A closed descriptor would be given to the next file that is opened, into which messages of
    native code would then go. Streams that something else stands for, as in tests, are left alone.
    """
    for descriptor in _STANDARD:
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free descriptor: this one
    if sys.stdout is sys.__stdout__:
        sys.stdout = stream_like(sys.__stdout__, 1)
    if sys.stderr is sys.__stderr__:
        sys.stderr = stream_like(sys.__stderr__, 2)


def stream_like(stream: TextIO | None, descriptor: int) -> TextIO:
    """Returns a stream like another one that drops what cannot be written.

    Args:
        stream: The other one, which is flushed; None if it was closed.
        descriptor: Descriptor to write to; it stays open.
    """
    if stream is not None:
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    return io.TextIOWrapper(
        io.BufferedWriter(Stream(descriptor)),
        encoding=getattr(stream, "encoding", "utf-8"),
        errors="backslashreplace",  # a name that the terminal has no characters for ends nothing
        line_buffering=descriptor == 2 or getattr(stream, "line_buffering", False),
        write_through=getattr(stream, "write_through", False),
    )


def end_line() -> None:
    """Ends a line that was begun on standard output, such as a bar, so that others can follow."""
    sys.stdout.flush()
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    if isinstance(raw, Stream) and raw.in_line:
        print(flush=True)


def output_failure() -> OSError | None:
    """Returns why something printed so far is missing from standard output; None if nothing is."""
    sys.stdout.flush()
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    return raw.failure if isinstance(raw, Stream) else None


def show(*lines: object) -> None:
    """Prints what a command is for, such as a description: without it, the command has failed.

    Args:
        *lines: Lines to print.

    Raises:
        OutputError: They cannot be written. That nobody reads them any more is no error.

    >>> show("the answer")
    the answer
    """
    print(*lines, sep="\n")
    if failure := output_failure():
        raise OutputError(
            f"standard output cannot be written ({failure.strerror}); print to another place"
        )
