"""Errors that end a command with a one-line message instead of a traceback."""

import signal as signals


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
