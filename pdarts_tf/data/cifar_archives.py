"""CIFAR-10 and CIFAR-100 in the archives of their authors, as they lie in a directory.

Archives are never extracted: the files wanted are read by name, and everything else in them is
ignored or, if its name leads elsewhere, refused. Python archives hold pickles, which may name
nothing but what an array is made of, and are not parsed before their checksum is right.

Reference: Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009;
https://www.cs.toronto.edu/~kriz/cifar.html has the formats and checksums.
"""

import hashlib
import io
import os
import pathlib
import pickle
import tarfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pdarts_tf.data.images import DataError, Split

_SIZE, _CHANNELS = 32, 3
_PIXELS = _SIZE * _SIZE * _CHANNELS


@dataclass(frozen=True)
class _Format:
    """One of the forms that a data set is given away in.

    Args:
        archive: name of the archive.
        directory: that it unpacks to.
        train: names of the files with training images.
        test: name of the file with test images.
        names: name of the file with the class names.
        label_key: of the labels in a pickle.
        names_key: of the class names in a pickle.
        label_bytes: that a binary record begins with, the last of them the label; 0 for pickles.
    """

    archive: str
    directory: str
    train: tuple[str, ...]
    test: str
    names: str
    label_key: str = ""
    names_key: str = ""
    label_bytes: int = 0

    @property
    def files(self) -> tuple[str, ...]:
        """All files that are needed."""
        return (*self.train, self.test, self.names)


_FORMATS: Mapping[str, tuple[_Format, ...]] = {
    "cifar10": (
        _Format(
            "cifar-10-python.tar.gz",
            "cifar-10-batches-py",
            tuple(f"data_batch_{i}" for i in range(1, 6)),
            "test_batch",
            "batches.meta",
            label_key="labels",
            names_key="label_names",
        ),
        _Format(
            "cifar-10-binary.tar.gz",
            "cifar-10-batches-bin",
            tuple(f"data_batch_{i}.bin" for i in range(1, 6)),
            "test_batch.bin",
            "batches.meta.txt",
            label_bytes=1,
        ),
    ),
    "cifar100": (
        _Format(
            "cifar-100-python.tar.gz",
            "cifar-100-python",
            ("train",),
            "test",
            "meta",
            label_key="fine_labels",
            names_key="fine_label_names",
        ),
        _Format(
            "cifar-100-binary.tar.gz",
            "cifar-100-binary",
            ("train.bin",),
            "test.bin",
            "fine_label_names.txt",
            label_bytes=2,
        ),
    ),
}
# Of the archives, and of the files of the Python archives once they are unpacked.
MD5: Mapping[str, str] = {
    "cifar-10-python.tar.gz": "c58f30108f718f92721af3b95e74349a",
    "cifar-10-binary.tar.gz": "c32a1d4ab5d03f1284b67883e8d87530",
    "cifar-100-python.tar.gz": "eb9058c3a382ffc7106e4002c42a8d85",
    "cifar-100-binary.tar.gz": "03b5dce01913d631647c71ecec9e9cb8",
    "cifar-10-batches-py/data_batch_1": "c99cafc152244af753f735de768cd75f",
    "cifar-10-batches-py/data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "cifar-10-batches-py/data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "cifar-10-batches-py/data_batch_4": "634d18415352ddfa80567beed471001a",
    "cifar-10-batches-py/data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    "cifar-10-batches-py/test_batch": "40351d587109b95175f43aff81a1287e",
    "cifar-10-batches-py/batches.meta": "5ff9c542aee3614f3951f8cda6e48888",
    "cifar-100-python/train": "16019d7e3df5f24257cddd939b257f8d",
    "cifar-100-python/test": "f0ef6b0ae62326f3e7ffdfab6717acfc",
    "cifar-100-python/meta": "7973b15100ade9c7d40fb424638fde48",
}


def find_archive(name: str, data_dir: str | os.PathLike[str] | None) -> pathlib.Path | None:
    """Returns where an archive, or the directory it unpacks to, lies in a directory.

    Args:
        name: "cifar10" or "cifar100".
        data_dir: the directory.

    Returns:
        Its path; None if neither is there.
    """
    if data_dir is None:
        return None
    root = pathlib.Path(data_dir).expanduser()
    for each in _FORMATS[name]:
        for path in (root / each.archive, root / each.directory):
            if path.exists():
                return path
    return None


def read_archive(
    name: str, path: pathlib.Path, md5: Mapping[str, str] = MD5
) -> tuple[tuple[str, ...], Split, Split]:
    """Reads the images of an archive, or of the directory it unpacks to.

    Args:
        name: "cifar10" or "cifar100".
        path: what `find_archive` has found.
        md5: checksums; a file without one is not checked. They are an argument so that a part of
            the images can be tested in the same containers.

    Returns:
        Class names, training images, test images.

    Raises:
        DataError: it is not the official one, or cannot be read.
    """
    form = next(f for f in _FORMATS[name] if path.name in (f.archive, f.directory))
    if path.is_dir():
        contents = _read_directory(path, form, md5)
    else:
        _check(path.read_bytes(), path, md5.get(form.archive))
        contents = _read_tar(path, form)
    class_names = _class_names(contents[form.names], form, path)
    train = [_split(contents[file], form, path / file, len(class_names)) for file in form.train]
    test = _split(contents[form.test], form, path / form.test, len(class_names))
    images = np.concatenate([part.images for part in train])
    return class_names, Split(images, np.concatenate([part.labels for part in train])), test


def _check(content: bytes, path: pathlib.Path, expected: str | None) -> None:
    received = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if expected is not None and received != expected:
        raise DataError(
            f"{path} has a wrong checksum: expected md5 {expected}, received {received}; download "
            "it again, or for images of your own use --dataset=folder"
        )


def _read_directory(path: pathlib.Path, form: _Format, md5: Mapping[str, str]) -> dict[str, bytes]:
    contents = {}
    for name in form.files:
        try:
            contents[name] = (path / name).read_bytes()
        except OSError as error:
            raise DataError(
                f"{path / name} cannot be read ({error.strerror}); unpack {form.archive} again"
            ) from error
        _check(contents[name], path / name, md5.get(f"{form.directory}/{name}"))
    return contents


def _read_tar(path: pathlib.Path, form: _Format) -> dict[str, bytes]:
    """Reads the files wanted of an archive into memory."""
    contents = {}
    try:
        with tarfile.open(path, "r:gz") as archive:
            for member in archive:
                parts = pathlib.PurePosixPath(member.name).parts
                if parts[:1] != (form.directory,) or ".." in parts:
                    raise DataError(
                        f"{path} must have files in {form.directory} only. Received: "
                        f"{member.name!r}; download it again"
                    )
                file = archive.extractfile(member) if member.isreg() else None
                if file is not None and len(parts) == 2 and parts[1] in form.files:
                    contents[parts[1]] = file.read()
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be read ({error}); download it again") from error
    missing = [name for name in form.files if name not in contents]
    if missing:
        raise DataError(f"{path} has no {form.directory}/{missing[0]}; download it again")
    return contents


def _class_names(content: bytes, form: _Format, path: pathlib.Path) -> tuple[str, ...]:
    if form.label_bytes:
        return tuple(content.decode("ascii", "replace").split())
    names = _unpickle(content, path / form.names).get(form.names_key)
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise DataError(f"{path / form.names} has no list {form.names_key!r}; download it again")
    return tuple(names)


def _split(content: bytes, form: _Format, path: pathlib.Path, num_classes: int) -> Split:
    """Returns the images of one file."""
    if form.label_bytes:
        width = form.label_bytes + _PIXELS
        if len(content) % width:
            raise DataError(
                f"{path} must have a multiple of {width} bytes. Received: {len(content):,}; "
                "download it again"
            )
        records = np.frombuffer(content, np.uint8).reshape(-1, width)
        labels = records[:, form.label_bytes - 1].astype(np.int64)
        pixels = records[:, form.label_bytes :]
    else:
        batch = _unpickle(content, path)
        found, data = batch.get(form.label_key), batch.get("data")
        if not isinstance(found, list) or not isinstance(data, np.ndarray):
            raise DataError(f"{path} has no {form.label_key!r} or no 'data'; download it again")
        labels, pixels = np.array(found), data
    fits = pixels.dtype == np.uint8 and pixels.shape == (len(labels), _PIXELS)
    if not fits or labels.dtype.kind != "i" or not ((labels >= 0) & (labels < num_classes)).all():
        raise DataError(f"{path} has images or labels of another kind; download it again")
    planes = pixels.reshape(-1, _CHANNELS, _SIZE, _SIZE)
    images = np.ascontiguousarray(planes.transpose(0, 2, 3, 1))
    return Split(images, labels.astype(np.int64))


# By Python 2 and an old NumPy, as in the official archives, and by newer ones.
_ARRAY_PARTS = frozenset(
    {
        ("numpy.core.multiarray", "_reconstruct"),
        ("numpy._core.multiarray", "_reconstruct"),
        ("numpy", "ndarray"),
        ("_codecs", "encode"),
    }
)


class _ArrayUnpickler(pickle.Unpickler):
    """Reads pickles of containers, numbers, strings and arrays."""

    def find_class(self, module: str, name: str) -> object:
        """Returns what a pickle names, and thereby may call.

        Raises:
            UnpicklingError: If no array needs it.
        """
        if (module, name) == ("numpy", "dtype"):
            return _dtype
        if (module, name) not in _ARRAY_PARTS:
            raise pickle.UnpicklingError(f"it names {module}.{name}, which no array needs")
        return super().find_class(module, name)


def _dtype(name: str, align: int = 0, copy: int = 0) -> np.dtype:
    """Returns `np.dtype(...)`, which warns of the 0 and 1 that Python 2 wrote for booleans."""
    return np.dtype(name, bool(align), bool(copy))


def _unpickle(content: bytes, path: pathlib.Path) -> dict[str, object]:
    """Returns the dictionary that a file holds; strings of Python 2 become text."""
    try:
        found = _ArrayUnpickler(io.BytesIO(content), encoding="latin1").load()
    except Exception as error:  # damaged pickles raise nearly anything
        raise DataError(f"{path} cannot be unpickled ({error}); download it again") from error
    if not isinstance(found, dict):
        raise DataError(f"{path} must hold a dictionary; download it again")
    return found
