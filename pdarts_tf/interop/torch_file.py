"""Files that `torch.save` writes, read without PyTorch and without running anything in them.

Since PyTorch 1.6 such a file is a zip archive, stored without compression, with a checksum for
every entry: a pickle, `data.pkl`, and one entry per storage of tensors. Before, it was a sequence
of pickles followed by the storages, without any checksum.
"""

import io
import os
import zipfile
from dataclasses import dataclass
from typing import Any

import numpy as np

from pdarts_tf.errors import printable, quoted
from pdarts_tf.interop.pickle_reader import PickleError, read_pickle
from pdarts_tf.interop.stored_tensors import (
    ByteOrder,
    Storage,
    TensorFinder,
    TorchFileError,
    item_size,
    numbers_of,
)

_MAGIC = 0x1950A86A20F9469CFC6C
_ZIP_ERRORS = (
    OSError,
    EOFError,
    KeyError,
    RuntimeError,  # of zipfile: encrypted, or of a compression that it does not know
    ValueError,
    OverflowError,
    zipfile.BadZipFile,
)


@dataclass(frozen=True)
class TorchFile:
    """What a file holds.

    Args:
        content: The saved object: tensors are `StoredTensor` or `UnreadTensor`, other objects
            `Call`, see `pickle_reader`; containers and plain values are themselves.
        has_checksums: Whether damage would have been noticed.
    """

    content: Any
    has_checksums: bool


def read_torch_file(path: str | os.PathLike[str]) -> TorchFile:
    """Reads a file that `torch.save` wrote; tensors are read when they are asked for.

    Raises:
        TorchFileError: There is no such file, it is something else, or it is damaged.
    """
    try:
        with open(path, "rb") as file:
            head = file.read(64)
    except (OSError, ValueError) as error:
        raise TorchFileError(
            f"expected a file that torch.save wrote. Received: {path} ({_reason(error)})"
        ) from error
    try:
        if head.startswith(b"PK"):
            return TorchFile(_read_archive(path), has_checksums=True)
        if head.startswith(b"\x80") and _MAGIC.to_bytes(10, "little") in head:
            with open(path, "rb") as file:
                return TorchFile(_read_sequence(file.read()), has_checksums=False)
    except TorchFileError as error:
        raise TorchFileError(f"{path} {printable(str(error))}") from error
    except PickleError as error:
        raise TorchFileError(f"{path} is damaged ({_reason(error)}); bring it again") from error
    except (*_ZIP_ERRORS, MemoryError) as error:
        raise TorchFileError(f"{path} cannot be read ({_reason(error)}); bring it again") from error
    raise TorchFileError(
        f"expected a file that torch.save wrote. Received: {path}, {_likeness(head)}"
    )


def _reason(error: BaseException) -> str:
    return printable(" ".join(str(error).split()), 160) or type(error).__name__


def _likeness(head: bytes) -> str:
    """Returns what a file that begins so seems to be."""
    text = head.lstrip().lower()
    if not head:
        return "an empty file"
    if text.startswith((b"<!doctype", b"<html", b"<?xml")):
        return "a web page: the download has failed"
    if text.startswith(b"version https://git-lfs"):
        return "a pointer of Git LFS: fetch the file itself (git lfs pull)"
    if head.startswith(b"\x89HDF"):
        return "an HDF5 file, such as Keras writes"
    if head.startswith(b"\x93NUMPY"):
        return "an array of NumPy"
    if head.startswith(b"\x1f\x8b"):
        return "a gzip archive: unpack it first"
    return f"which begins with {quoted(head[:16])}"


def _read_archive(path: str | os.PathLike[str]) -> Any:
    with zipfile.ZipFile(path) as archive:
        names = set(archive.namelist())
        pickles = [name for name in names if name.split("/", 1)[-1] == "data.pkl"]
        if len(pickles) != 1:
            arrays = any(name.endswith(".npy") for name in names)
            found = "an archive of NumPy arrays" if arrays else "a zip archive without data.pkl"
            raise TorchFileError(f"was not written by torch.save: it is {found}")
        prefix = pickles[0].removesuffix("data.pkl")
        if f"{prefix}constants.pkl" in names:
            raise TorchFileError("is a TorchScript archive; save the state_dict() of its module")
        _check_whole(archive, os.path.getsize(path))
        entry = f"{prefix}byteorder"  # older versions, on little-endian machines, have none
        order = _byte_order(archive.read(entry) if entry in names else b"little")
        content = read_pickle(io.BytesIO(archive.read(pickles[0])))

    def read(storage: Storage) -> np.ndarray:
        try:
            with zipfile.ZipFile(path) as archive:
                data = archive.read(f"{prefix}data/{storage.key}")
        except _ZIP_ERRORS as error:
            raise TorchFileError(f"{path} is damaged ({_reason(error)}); bring it again") from error
        return numbers_of(data, storage, order)

    return TensorFinder(read).found(content)


def _check_whole(archive: zipfile.ZipFile, size: int) -> None:
    """Checks that an archive of so many bytes is one that torch.save writes, and undamaged."""
    entries = archive.infolist()
    if len({entry.filename for entry in entries}) < len(entries):
        raise TorchFileError("is damaged (two entries have one name); bring it again")
    if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
        raise TorchFileError("was not written by torch.save, which does not compress; save it anew")
    if sum(entry.file_size for entry in entries) > size:
        raise TorchFileError("is damaged (entries lie in one another); bring it again")
    if odd := archive.testzip():
        raise TorchFileError(
            f"is damaged (the checksum of {quoted(odd)} is another one); bring it again, or save "
            "it with the checksums that torch.save computes by default"
        )


def _byte_order(text: bytes) -> ByteOrder:
    orders: dict[bytes, ByteOrder] = {b"little": "<", b"big": ">"}
    if text not in orders:
        raise TorchFileError(f"is damaged (a byte order {quoted(text)}); bring it again")
    return orders[text]


def _read_sequence(data: bytes) -> Any:
    """Returns the content of a file of before PyTorch 1.6."""
    stream = io.BytesIO(data)
    magic, _, system = (read_pickle(stream) for _ in range(3))
    if magic != _MAGIC or not isinstance(system, dict):
        raise PickleError("no header of torch.save")
    order: ByteOrder = "<" if system.get("little_endian", True) else ">"
    tensors = TensorFinder(lambda storage: numbers_of(places[storage.key], storage, order))
    content = tensors.found(read_pickle(stream))
    keys = read_pickle(stream)
    places: dict[str, bytes] = {}
    for key in keys if isinstance(keys, list) else ():
        storage = tensors.storages.get(key) if isinstance(key, str) else None
        if storage is None:
            raise PickleError("a storage of no tensor")
        size = int.from_bytes(stream.read(8), "little" if order == "<" else "big")
        if size != storage.size:
            raise PickleError(f"a storage of {size} numbers instead of {storage.size}")
        places[key] = stream.read(size * item_size(storage))
    if tensors.storages.keys() != places.keys() or stream.read(1):
        raise PickleError("other storages than its tensors have")
    return content
