"""Reads a pickle of containers, strings and NumPy arrays of bytes, as data.

Unpickling calls what the pickle names. Here it may name only the few things that stand for an
array, and what it gets in their place just keeps what it is called with; nothing is imported.
"""

import io
import math
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np


class ArrayPickleError(ValueError):
    """Bytes that are no such pickle."""


class _Dtype:
    """Stands for a numpy.dtype: its name, such as "u1"."""

    def __init__(self, name: Any, *_: Any):
        self.name = name.decode("latin1") if isinstance(name, bytes) else name

    def __setstate__(self, state: Any) -> None:
        """Takes byte order and the like, which a byte does not have."""


class _Array:
    """Stands for a numpy.ndarray."""

    state: Any = None

    def __init__(self, *_: Any):
        """Takes the type and the shape of an empty array, which its state replaces."""

    def __setstate__(self, state: Any) -> None:
        """Takes version, shape, dtype, whether columns come first, and the bytes."""
        self.state = state

    def to_numpy(self) -> np.ndarray:
        """The array.

        Raises:
            ArrayPickleError: it is not one of bytes.
        """
        match self.state:
            case (int(), tuple(shape), _Dtype(name="u1"), False | 0, bytes(content)) if all(
                isinstance(size, int) and size >= 0 for size in shape
            ) and math.prod(shape) == len(content):
                return np.frombuffer(content, np.uint8).reshape(shape)
        raise ArrayPickleError("holds an array of another kind than bytes")


def _encode(text: Any, encoding: Any = None) -> bytes:
    """Stands for _codecs.encode, by which Python 3 writes bytes in old pickles."""
    if not isinstance(text, str) or encoding != "latin1":
        raise ArrayPickleError(f"has bytes in the encoding {encoding!r}")
    return text.encode("latin1")


_STAND_INS: dict[tuple[str, str], Callable[..., Any]] = {
    ("numpy.core.multiarray", "_reconstruct"): _Array,
    ("numpy._core.multiarray", "_reconstruct"): _Array,
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Dtype,
    ("_codecs", "encode"): _encode,
}


class _Unpickler(pickle.Unpickler):
    """An unpickler that finds nothing but the stand-ins."""

    def find_class(self, module: str, name: str) -> Any:
        """Returns what stands for a name.

        Raises:
            ArrayPickleError: nothing does.
        """
        if (module, name) not in _STAND_INS:
            raise ArrayPickleError(f"names {module}.{name}, which no array needs")
        return _STAND_INS[module, name]


def loads(content: bytes) -> Any:
    """Returns the object that was pickled, by Python 2 or 3; bytes become text.

    Raises:
        ArrayPickleError: it is damaged, or holds anything but dictionaries, lists, tuples, numbers,
            strings and arrays of bytes.
    """
    try:
        return _plain(_Unpickler(io.BytesIO(content), encoding="bytes").load())
    except ArrayPickleError:
        raise
    except Exception as error:  # damaged pickles raise nearly anything
        raise ArrayPickleError(f"is not a pickle ({type(error).__name__})") from error


def _plain(found: Any) -> Any:
    """The object with arrays for their stand-ins and text for bytes."""
    match found:
        case bytes():
            return found.decode("latin1")
        case dict():
            return {_plain(key): _plain(value) for key, value in found.items()}
        case list():
            return [_plain(value) for value in found]
        case tuple():
            return tuple(_plain(value) for value in found)
        case _Array():
            return found.to_numpy()
        case str() | int() | float() | None:
            return found
    raise ArrayPickleError(f"holds a {type(found).__name__}")
