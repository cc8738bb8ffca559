"""The log of a run: lines for people, on standard output and in run.log."""

import logging
import pathlib
import sys

from pdarts_tf.runs.files import writing

_NAME = "pdarts_tf"


def logger() -> logging.Logger:
    """Returns the logger whose lines are printed and, while a run directory is open, kept in it."""
    found = logging.getLogger(_NAME)
    if not found.handlers:
        handler = logging.StreamHandler(sys.stdout)
        handler.setFormatter(logging.Formatter("%(message)s"))
        found.addHandler(handler)
        found.setLevel(logging.INFO)
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
