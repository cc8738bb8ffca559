"""The kinds of errors that end a command with one line instead of a traceback."""


class InputError(ValueError):
    """Wrong usage or input; the line says what was expected, what was received, what to do."""


class RunError(RuntimeError):
    """A run that cannot go on, though its input was right; the line says why and what is left."""


class StoppedError(Exception):
    """A run that a signal asked to stop; raised between two steps, when its state is whole.

    Args:
        signal: the `signal.Signals` that asked.
    """

    def __init__(self, signal):
        super().__init__(
            f"stopped by {signal.name} with a checkpoint of the last step; the same command "
            "resumes the run"
        )
        self.signal = signal
