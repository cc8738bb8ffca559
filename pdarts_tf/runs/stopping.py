"""Requests to stop: SIGTERM, as schedulers send it before they take a machine away, or Ctrl-C."""

import contextlib
import itertools
import os
import signal
import socket
import threading
from types import FrameType
from typing import Protocol

from pdarts_tf.runs.files import WriteError
from pdarts_tf.runs.log import logger

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Stop(Protocol):
    """Tells whether a run has been asked to stop."""

    @property
    def signal(self) -> signal.Signals | None:
        """The signal that asked, or None."""


class StopRequest:
    """Context in which the first signal only asks to stop, and the second one ends the process.

    Python runs a signal's handler only between two of its instructions, which native code can
    delay by a minute while TensorFlow optimizes a graph. What the kernel calls at once writes to a
    descriptor, though, on which a thread waits here.

    Attributes:
        signal: the `signal.Signals` that asked to stop, or None.
    """

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None

    def __enter__(self) -> "StopRequest":
        self._reader, self._writer = socket.socketpair()
        self._writer.setblocking(False)
        self._handlers = {number: signal.signal(number, _ignore) for number in _SIGNALS}
        self._wakeup = signal.set_wakeup_fd(self._writer.fileno())
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        signal.set_wakeup_fd(self._wakeup)
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._writer.close()  # which ends the thread
        self._thread.join()
        self._reader.close()

    def _watch(self) -> None:
        numbers = itertools.chain.from_iterable(iter(lambda: self._reader.recv(1), b""))
        asked = (signal.Signals(number) for number in numbers if number in _SIGNALS)
        first = next(asked, None)
        if first is None:
            return
        self.signal = first
        with contextlib.suppress(OSError, WriteError):
            print(
                f"\n{first.name}: stopping after this step, with a checkpoint; another "
                f"{first.name} ends the run at once\n",
                end="",  # in one piece, whatever the run prints at that moment
                flush=True,
            )
            logger().debug(f"{first.name}: stopping after this step")
        for second in asked:
            os._exit(128 + second)  # as a shell reports a process that a signal has ended


def _ignore(number: int, frame: FrameType | None) -> None:
    """Does nothing; without a handler the kernel would end the process."""
