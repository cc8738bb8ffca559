"""Errors that end a command with a one-line message instead of a traceback."""

import reprlib
import signal as signals

_REPR = reprlib.Repr()
_REPR.maxstring = _REPR.maxother = 120


class InputError(ValueError):
    """Raised for wrong usage or input; the message says what was expected, received, and advised.

    Commands exit with code 2.
    """


class RunError(RuntimeError):
    """Raised if a run with valid input cannot continue; the message says why and what is left.

    Commands exit with code 1.
    """


class StoppedError(Exception):
    """Raised between two steps, when the state is consistent, after a signal asked a run to stop.

    Args:
        signal: The signal that was received.
    """

    def __init__(self, signal: signals.Signals) -> None:
        super().__init__(
            f"stopped by {signal.name} with a checkpoint of the last step; the same command "
            "resumes the run"
        )
        self.signal = signal


def printable(text: str, most: int = 300) -> str:
    """Returns untrusted text as it may go into a message: on one line, harmless and not long.

    Args:
        text: Any text, such as the name of a file.
        most: Number of characters to keep; longer text loses its middle.

    Example:

    >>> printable("a\\x1b[2J\\nb"), printable("x" * 90, most=10)
    ('a\\\\x1b[2J\\\\nb', 'xxxxx…xxxxx')
    """
    escaped = "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode("ascii")
        for each in text
    )
    return escaped if len(escaped) <= most else f"{escaped[: most // 2]}…{escaped[-most // 2 :]}"


def quoted(value: object) -> str:
    """Returns a value that nobody should trust as an error shows it: on one line, short, inert.

    Control characters, with which a terminal could be driven, become escapes.

    >>> quoted("a\\x1b[2Jb"), quoted([1] * 100)
    ("'a\\\\x1b[2Jb'", '[1, 1, 1, 1, 1, 1, ...]')
    """
    try:
        return " ".join(_REPR.repr(value).split())
    except (ValueError, RecursionError):  # an integer with more digits than Python prints
        return f"a huge {type(value).__name__}"
