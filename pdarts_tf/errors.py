"""The two kinds of errors that end a command with one line instead of a traceback."""


class InputError(ValueError):
    """Wrong usage or input; the line says what was expected, what was received, what to do."""


class RunError(RuntimeError):
    """A run that cannot go on, though its input was right; the line says why and what is left."""
