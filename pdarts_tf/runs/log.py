"""The log of a run: lines for people, on standard output and in run.log."""

import logging
import pathlib
import sys
import traceback

from pdarts_tf.errors import InputError, RunError, StoppedError, printable
from pdarts_tf.runs.files import writing

_NAME = "pdarts_tf"


def logger() -> logging.Logger:
    """Returns the logger whose lines are printed and, while a run directory is open, kept in it.

    Lines of level DEBUG are only kept: those that a terminal shows in another way.
    """
    found = logging.getLogger(_NAME)
    if not found.handlers:
        handler = logging.StreamHandler(sys.stdout)
        handler.setFormatter(logging.Formatter("%(message)s"))
        handler.setLevel(logging.INFO)
        found.addHandler(handler)
        found.setLevel(logging.DEBUG)
        found.propagate = False
    return found


class LogFile(logging.Handler):
    """Appends lines to a file, each at once; unlike logging's own handler it raises errors.

    Args:
        path: The file.
    """

    def __init__(self, path: pathlib.Path) -> None:
        super().__init__()
        self.path = path
        self.setFormatter(logging.Formatter("%(asctime)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        """Appends a line.

        Raises:
            WriteError: It cannot be written.
        """
        with writing(self.path), open(self.path, "a", encoding="utf-8") as file:
            file.write(self.format(record) + "\n")


def ending_line(error: BaseException) -> str:
    """Returns the line of the log about what has ended a run before its result.

    >>> ending_line(InputError("no data")), ending_line(KeyboardInterrupt())
    ('no data', 'KeyboardInterrupt')
    """
    message = printable(" ".join(str(error).split()))
    if isinstance(error, InputError | RunError | StoppedError):
        return message
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{where}{f': {message}' if message else ''}"
