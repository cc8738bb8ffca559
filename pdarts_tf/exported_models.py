"""Exported models: their versions, in TensorFlow Serving's layout MODEL/1, MODEL/2, …; names."""

import os
import pathlib

PREDICT, PREDICT_INPUT, PREDICT_OUTPUT = "predict_bytes", "image_bytes", "probabilities"
"""The signature that takes encoded images, its input, and its output of probabilities."""
CLASSES = "classes.txt"
"""The asset with the names of the classes, one a line."""
LARGEST = 2**63 - 1
"""The largest version that a server can load: it reads names as 64-bit integers."""


def as_number(name: str) -> int | None:
    """Returns the version that a name stands for; None if a server cannot load it by that name.

    >>> as_number("12"), as_number("latest"), as_number("9" * 20)
    (12, None, None)
    """
    if not (name.isascii() and name.isdecimal()) or len(name) > len(str(LARGEST)):
        return None
    number = int(name)
    return number if number <= LARGEST else None


def numbers(model: str | os.PathLike[str]) -> list[int]:
    """Returns the versions in a model's directory that a server can load, in increasing order."""
    path = pathlib.Path(model)
    if not path.is_dir():
        return []
    found = (as_number(each.name) for each in path.iterdir())
    return sorted(number for number in found if number is not None)
