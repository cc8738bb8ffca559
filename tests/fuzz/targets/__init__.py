"""Readers of untrusted input, by name. Each module has a function `make(scratch)`."""

import importlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from pdarts_tf.errors import RunError

NAMES = (
    "genotypes",
    "flagfiles",
    "run_directories",
    "checkpoints",
    "images",
    "records",
    "record_files",
    "torch_files",
    "rest_answers",
    "grpc_answers",
)
_LONGEST_MESSAGE = 2000


class Target(NamedTuple):
    """A reader and inputs to begin with.

    Args:
        seeds: Inputs that the reader takes, or that it nearly does.
        read: Function that feeds one input to the reader and checks what comes back. It returns a
            word for the outcome.
        refusals: Errors that the reader documents.
        tokens: Words of the format, which mutations put in.
        share: Portion of the inputs to try, for a reader that takes long for each.
    """

    seeds: Sequence[bytes]
    read: Callable[[bytes], str]
    refusals: tuple[type[Exception], ...]
    tokens: Sequence[str] = ()
    share: float = 1.0


def make(name: str, scratch: Path) -> Target:
    """Returns a target, which keeps its files in an empty directory."""
    target: Target = importlib.import_module(f"{__name__}.{name}").make(scratch)
    return target


def outcome(target: Target, data: bytes) -> str:
    """Feeds one input, and returns what came of it.

    Raises:
        AssertionError: If it was read wrongly, or the error is not a short line.
        Exception: Any that the reader does not document.
    """
    try:
        return target.read(data)
    except target.refusals as error:
        if isinstance(
            error, ValueError | RunError
        ):  # those of TensorFlow are no message to a person yet
            message = str(error)
            assert message.isprintable(), f"an error of several lines: {message!r}"
            assert len(message) < _LONGEST_MESSAGE, f"an error of {len(message)} characters"
        return "refused"
