"""A terminal on which bars move, without what native code writes to standard error in between."""

import contextlib
import faulthandler
import logging
import os
import pathlib
import sys
from collections.abc import Iterator
from typing import TextIO

from pdarts_tf.runs.files import writing
from pdarts_tf.runs.log import LogFile
from pdarts_tf.streams import stream_like


@contextlib.contextmanager
def native_messages_in(path: pathlib.Path) -> Iterator[None]:
    """Sends what TensorFlow and its libraries write to standard error to a file instead.

    Only where standard output and error are terminals: elsewhere no bar moves. Python's own errors
    still go to the terminal. If native code ends the process, its last words are in the file, and
    the terminal has the place in Python's code.

    Args:
        path: The file, to which is appended.

    Raises:
        WriteError: It cannot be opened.
    """
    if not (sys.stdout.isatty() and sys.stderr.isatty() and os.isatty(2)):
        yield
        return
    with contextlib.ExitStack() as stack:
        with writing(path):
            file = stack.enter_context(open(path, "ab", buffering=0))
        terminal = os.dup(2)
        stack.callback(os.close, terminal)
        python_errors = stack.enter_context(_own_stream(terminal))
        os.dup2(file.fileno(), 2)
        stack.callback(os.dup2, terminal, 2)
        faulthandler.enable(python_errors)
        stack.callback(faulthandler.disable)
        stack.enter_context(_warnings_in(path))
        yield


@contextlib.contextmanager
def _warnings_in(path: pathlib.Path) -> Iterator[None]:
    """Sends Python's warnings to a file."""
    warnings, handler = logging.getLogger("py.warnings"), LogFile(path)
    warnings.addHandler(handler)
    warnings.propagate = False
    logging.captureWarnings(True)
    try:
        yield
    finally:
        logging.captureWarnings(False)
        warnings.propagate = True
        warnings.removeHandler(handler)


@contextlib.contextmanager
def _own_stream(descriptor: int) -> Iterator[TextIO]:
    """Makes a descriptor Python's standard error."""
    before = sys.stderr
    before.flush()
    with stream_like(before, descriptor) as stream:
        sys.stderr = stream
        try:
            yield stream
        finally:
            sys.stderr = before
