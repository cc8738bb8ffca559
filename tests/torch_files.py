"""Files as `torch.save` writes them, made without PyTorch."""

import io
import pickle
import struct
import zipfile
from typing import Any, NamedTuple

import numpy as np

STORAGES = {
    "float32": "FloatStorage",
    "float64": "DoubleStorage",
    "float16": "HalfStorage",
    "int64": "LongStorage",
    "bool": "BoolStorage",
    "uint8": "ByteStorage",
    "bfloat16": "BFloat16Storage",
}


class Named(NamedTuple):
    """A class or function in a pickle."""

    module: str
    name: str


class Called(NamedTuple):
    """An object in a pickle, made by a call; `state` is given to it afterwards."""

    function: Any
    arguments: tuple = ()
    state: Any = None


class Outside(NamedTuple):
    """An object that is not in the pickle."""

    identity: tuple


ORDERED = Called(Named("collections", "OrderedDict"))
NAMESPACE = Called(Named("argparse", "Namespace"), (), {"lr": 0.1})
NUMPY_SCALAR = Called(
    Named("numpy._core.multiarray", "scalar"), (Called(Named("numpy", "dtype"), ("f8",)), "x")
)


def parameter(tensor):
    """An array as an `nn.Parameter`, in `saved`."""
    return Called(Named("torch._utils", "_rebuild_parameter"), (tensor, True, ORDERED))


def pickled(value, tensor):
    """Pickle operations that make a value; arrays become what `tensor` makes of them."""
    match value:
        case Named():
            return f"c{value.module}\n{value.name}\n".encode()
        case Called(function, arguments, state):
            made = pickled(function, tensor) + pickled(arguments, tensor) + b"R"
            return made if state is None else made + pickled(state, tensor) + b"b"
        case Outside(identity):
            return pickled(identity, tensor) + b"Q"
        case dict():
            items = (pickled(each, tensor) for pair in value.items() for each in pair)
            return b"}(" + b"".join(items) + b"u"
        case tuple() | list():
            inner = b"".join(pickled(each, tensor) for each in value)
            return b"(" + inner + (b"t" if isinstance(value, tuple) else b"l")
        case np.ndarray():
            return pickled(tensor(value), tensor)
    return pickle.dumps(value, 2)[2:-1]  # a plain value, without header and end


class Tensors:
    """Storages of the arrays of a file, by key."""

    def __init__(self, view=()):
        self.storages: dict[str, np.ndarray] = {}
        self._view = view

    def __call__(self, array):
        key = str(len(self.storages))
        self.storages[key] = array
        strides = tuple(step // array.itemsize for step in array.strides)
        kind = Named("torch", STORAGES[array.dtype.name])
        identity = ("storage", kind, key, "cpu", array.size, *self._view)
        arguments = (Outside(identity), 0, array.shape, strides, False, ORDERED)
        return Called(Named("torch._utils", "_rebuild_tensor_v2"), arguments)


def saved(content, name="archive"):
    """Bytes of a file in the format of PyTorch 1.6 and later."""
    tensors = Tensors()
    data = b"\x80\x02" + pickled(content, tensors) + b"."
    return archive(data, tensors.storages, name)


def archive(data, storages, name="archive"):
    """Bytes of a file with a given pickle and storages."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as entries:
        entries.writestr(f"{name}/data.pkl", data)
        entries.writestr(f"{name}/byteorder", "little")
        for key, array in storages.items():
            entries.writestr(f"{name}/data/{key}", array.tobytes("A"))
        entries.writestr(f"{name}/version", "3\n")
    return file.getvalue()


def saved_before_1_6(content):
    """Bytes of a file in the older format."""
    tensors = Tensors(view=(None,))
    data = b"\x80\x02" + pickled(content, tensors) + b"."
    magic = 0x1950A86A20F9469CFC6C
    header = (pickle.dumps(each, 2) for each in (magic, 1001, {"little_endian": True}))
    keys = pickle.dumps(list(tensors.storages), 2)
    parts = (struct.pack("<q", each.size) + each.tobytes("A") for each in tensors.storages.values())
    return b"".join([*header, data, keys, *parts])
