"""Index of the examples in TFRecord files, made once and stored beside the files.

TFRecord files can only be read from front to back, but a training needs images in any order and,
after an interruption, in the same order again.
"""

import os
import pathlib
import tempfile
import zipfile
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

_BEFORE = 12  # bytes before an example: its length and a checksum
_AROUND = 16  # bytes before and after it, where another checksum follows
_READ_BATCH = 1000
_ARRAYS = ("number", "offset", "length", "labels")  # of the stored index

Index = tuple[
    npt.NDArray[np.int32],
    npt.NDArray[np.int64],
    npt.NDArray[np.int64],
    npt.NDArray[np.int64],
]


def record_index(files: Sequence[str], label: str, cache: os.PathLike[str]) -> Index:
    """Returns the position and the label of every example, in the order of the files.

    Making the index reads all files once and verifies the checksum of every example.

    Args:
        files: Paths of TFRecord files.
        label: Key of the label, an integer, in an example.
        cache: File to store the index in; if its directory is read-only, the index is made anew
            every time.

    Returns:
        Four arrays of shape (n,) for n examples: the index of the file, the position in it and the
        length, in bytes, and the label.

    Raises:
        OSError: If a file cannot be read.
        tf.errors.OpError: If a file is damaged.
    """
    sizes = np.array([os.path.getsize(file) for file in files], np.int64)
    cache = pathlib.Path(cache)
    index = _load(cache, sizes)
    if index is None:
        index = _make(files, label)
        _save(cache, sizes, index)
    return index


def _make(files: Sequence[str], label: str) -> Index:
    import tensorflow as tf

    features = {label: tf.io.FixedLenFeature([], tf.int64)}

    def describe(record: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return tf.strings.length(record), tf.io.parse_single_example(record, features)[label]

    def examples(number: tf.Tensor, path: tf.Tensor) -> tf.data.Dataset:
        return tf.data.TFRecordDataset(path).map(describe).map(lambda n, y: (number, n, y))

    found = tf.data.Dataset.zip(
        tf.data.Dataset.range(len(files)), tf.data.Dataset.from_tensor_slices(list(files))
    ).interleave(examples, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    parts = list(found.batch(_READ_BATCH).as_numpy_iterator())
    file, length, labels = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.argsort(file, kind="stable")
    file, length, labels = file[order], length[order].astype(np.int64), labels[order]
    ends = np.cumsum(length + _AROUND)
    first = np.searchsorted(file, file)  # the first example in the same file
    offset = ends - ends[first] + length[first] - length + _BEFORE
    return file.astype(np.int32), offset, length, labels.astype(np.int64)


def _load(cache: pathlib.Path, sizes: npt.NDArray[np.int64]) -> Index | None:
    """Returns the stored index, or None if there is none or the files have changed."""
    try:
        with np.load(cache, allow_pickle=False) as stored:
            if not np.array_equal(stored["sizes"], sizes):
                return None
            number, offset, length, labels = (stored[name] for name in _ARRAYS)
            return number, offset, length, labels
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        return None


def _save(cache: pathlib.Path, sizes: npt.NDArray[np.int64], index: Index) -> None:
    arrays: dict[str, Any] = dict(zip(_ARRAYS, index, strict=True))
    try:
        with tempfile.NamedTemporaryFile(dir=cache.parent, prefix=".", delete=False) as file:
            np.savez(file, sizes=sizes, **arrays)
        os.replace(file.name, cache)
    except OSError:  # a read-only directory: the index is made again next time
        return
