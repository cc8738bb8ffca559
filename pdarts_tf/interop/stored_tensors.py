"""Tensors of PyTorch's files: what a pickle says about them, and their numbers."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

from pdarts_tf.errors import InputError, printable
from pdarts_tf.interop.pickle_reader import Call, Global, Persistent, PickleError

ByteOrder = Literal["<", ">"]
_BFLOAT16 = "bfloat16"
# NumPy's types by the names of storages; bfloat16 is the upper half of a float32.
_TYPES = {
    "FloatStorage": "f4",
    "DoubleStorage": "f8",
    "HalfStorage": "f2",
    "BFloat16Storage": _BFLOAT16,
    "LongStorage": "i8",
    "IntStorage": "i4",
    "ShortStorage": "i2",
    "CharStorage": "i1",
    "ByteStorage": "u1",
    "BoolStorage": "?",
}
_MAX_EMPTY = 2**31  # product of the other sizes of a tensor without numbers
_MAX_DEPTH = 8  # of the dictionaries of a state dict in one another


class TorchFileError(InputError):
    """Raised for a file that is not what `torch.save` writes, or is damaged."""


class Storage(NamedTuple):
    """A row of numbers that tensors are views of."""

    key: str
    type: str
    size: int


@dataclass(frozen=True, eq=False)
class StoredTensor:
    """A tensor that is still in its file.

    Args:
        storage: The numbers that it is a view of.
        offset: Index of its first number.
        shape: Its shape.
        strides: Steps along its dimensions, in numbers.
        read: Function of the storage that returns its numbers.
    """

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    read: Callable[[Storage], np.ndarray]

    def numpy(self) -> np.ndarray:
        """Returns the numbers; those of half precision become float32, which has them all.

        Raises:
            TorchFileError: The storage has fewer numbers, or cannot be read.
        """
        last = sum((n - 1) * step for n, step in zip(self.shape, self.strides, strict=True))
        size = math.prod(self.shape)
        fits = self.offset + last < self.storage.size and size <= self.storage.size
        if not fits if size else math.prod(filter(None, self.shape)) > _MAX_EMPTY:
            raise TorchFileError(
                f"expected a tensor of shape {self.shape} to have a storage of as many numbers. "
                f"Received: {self.storage.size} numbers; save a copy of it, tensor.clone()"
            )
        numbers = self.read(self.storage)
        dtype = np.dtype(np.float32) if numbers.dtype == np.float16 else numbers.dtype
        if not size:
            return np.zeros(self.shape, dtype)
        sizes = zip(self.shape, self.strides, strict=True)
        steps = [step * numbers.itemsize if n > 1 else 0 for n, step in sizes]
        view = np.lib.stride_tricks.as_strided(
            numbers[self.offset :], self.shape, steps, writeable=False
        )
        return np.array(view, dtype)


@dataclass(frozen=True, eq=False)
class UnreadTensor:
    """A tensor of a kind that is not read; `kind` says which."""

    kind: str


def item_size(storage: Storage) -> int:
    """Returns the bytes of each number of a storage."""
    return 2 if storage.type == _BFLOAT16 else np.dtype(storage.type).itemsize


def numbers_of(data: bytes, storage: Storage, order: ByteOrder) -> np.ndarray:
    """Returns the numbers of a storage, those of bfloat16 as float32.

    Args:
        data: Its bytes.
        storage: Says how many numbers they are, and of what type.
        order: Order of the bytes of a number.

    Raises:
        TorchFileError: The bytes are not as many as the numbers need.
    """
    if len(data) != storage.size * item_size(storage):
        raise TorchFileError(
            f"the file is damaged: {len(data)} bytes for {storage.size} numbers; bring it again"
        )
    if storage.type == _BFLOAT16:
        upper = np.frombuffer(data, np.dtype("u2").newbyteorder(order)).astype(np.uint32)
        return (upper << 16).view(np.float32)
    numbers = np.frombuffer(data, np.dtype(storage.type).newbyteorder(order))
    return numbers.astype(numbers.dtype.newbyteorder("="), copy=False)


class TensorFinder:
    """Replaces what a pickle says about tensors by tensors.

    Args:
        read: See `StoredTensor`.
    """

    def __init__(self, read: Callable[[Storage], np.ndarray]) -> None:
        self._read = read
        self._done: dict[int, dict[Any, Any]] = {}  # by the identity of what was gone through
        self.storages: dict[str, Storage] = {}

    def found(self, value: Any, depth: int = 0) -> Any:
        """Returns a value with its tensors; what lies deeper than in any state dict is left out.

        Every dictionary is gone through once, however often the pickle refers to it.
        """
        if depth > _MAX_DEPTH:
            return None
        if isinstance(value, Call):
            return self._called(value, depth)
        if not isinstance(value, dict):
            return value
        if id(value) not in self._done:
            found: dict[Any, Any] = {}
            self._done[id(value)] = found
            found |= {key: self.found(each, depth + 1) for key, each in value.items()}
        return self._done[id(value)]

    def _called(self, call: Call, depth: int) -> Any:
        match str(call.function), call.arguments:
            case (("collections.OrderedDict" | "collections.defaultdict"), _):
                return self.found(call.items, depth)
            case (
                ("torch._utils._rebuild_tensor_v2" | "torch._utils._rebuild_tensor"),
                (Persistent(identity=identity), offset, shape, strides, *_),
            ):
                return self._tensor(identity, offset, _ints(shape), _ints(strides))
            case (
                ("torch._utils._rebuild_parameter" | "torch._utils._rebuild_parameter_with_state"),
                (Call() as data, *_),
            ):
                return self.found(data, depth + 1)
            case "torch._tensor._rebuild_from_type_v2", (
                Global() as function,
                _,
                tuple() as each,
                _,
            ):
                return self._called(Call(function, each), depth)
            case "torch._utils._rebuild_sparse_tensor", _:
                return UnreadTensor("a sparse tensor: save its to_dense()")
            case name, _ if name.startswith(("torch._utils._rebuild_", "torch._tensor._rebuild_")):
                return UnreadTensor("a tensor of an unusual kind: save its float()")
        return call

    def _tensor(
        self, identity: Any, offset: Any, shape: tuple[int, ...], strides: tuple[int, ...]
    ) -> "StoredTensor | UnreadTensor":
        match identity:
            case ("storage", Global(_, kind), str(key), _, int(size), *view) if size >= 0:
                if view not in ([], [None]):
                    return UnreadTensor("a view of PyTorch 0.1: load and save it with a newer one")
                if kind not in _TYPES:
                    return UnreadTensor(f"a tensor of {printable(kind)}: save its float()")
                storage = self.storages.setdefault(key, Storage(key, _TYPES[kind], size))
                if storage == (key, _TYPES[kind], size) and len(shape) == len(strides) <= 32:
                    (start,) = _ints((offset,))
                    return StoredTensor(storage, start, shape, strides, self._read)
        raise PickleError("a tensor that contradicts itself")


def _ints(values: Any) -> tuple[int, ...]:
    """Returns the sizes, offsets or strides of a tensor."""
    if isinstance(values, Call) and str(values.function) == "torch.Size" and values.arguments:
        values = values.arguments[0]
    if not isinstance(values, tuple | list) or any(type(v) is not int or v < 0 for v in values):
        raise PickleError("a tensor whose shape is no row of sizes")
    return tuple(values)
