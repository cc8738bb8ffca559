"""Index of the examples in TFRecord files, made once and stored beside the files.

TFRecord files can only be read from front to back, but a training needs images in any order and,
after an interruption, in the same order again.
"""

import os
import pathlib
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

_BEFORE = 12  # bytes before an example: its length and a checksum
_AROUND = 16  # bytes before and after it, where another checksum follows
_READ_BATCH = 1000


class Index(NamedTuple):
    """Where the n examples of TFRecord files are, and what is known of them.

    Args:
        number: Index of the file that holds each example, of shape (n,).
        offset: Position of each example in its file, in bytes, of shape (n,).
        length: Length of each example in bytes, of shape (n,).
        labels: Label of each example, of shape (n,).
        orientations: EXIF orientation of each image, 1 to 8, of shape (n,).
    """

    number: npt.NDArray[np.int32]
    offset: npt.NDArray[np.int64]
    length: npt.NDArray[np.int64]
    labels: npt.NDArray[np.int64]
    orientations: npt.NDArray[np.uint8]


def record_index(files: Sequence[str], image: str, label: str, cache: os.PathLike[str]) -> Index:
    """Returns the index of all examples, in the order of the files.

    Making it reads all files once and verifies the checksum of every example. A stored one is used
    as long as no file has been written to since, or replaced.

    Args:
        files: Paths of TFRecord files.
        image: Key of the encoded image in an example.
        label: Key of the label, an integer, in an example.
        cache: File to store the index in; if its directory is read-only, the index is made anew
            every time.

    Raises:
        OSError: If a file cannot be read.
        tf.errors.OpError: If a file is damaged.
    """
    state = np.array([_state(file) for file in files], np.int64)
    cache = pathlib.Path(cache)
    index = _load(cache, state)
    if index is None:
        index = _make(files, image, label)
        _save(cache, state, index)
    return index


def _state(file: str) -> tuple[int, ...]:
    """Returns what changes whenever the content of a file does."""
    found = os.stat(file)
    # The last is the time of any change, which copying a file's times to it does not preserve.
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns


def example_reader(image: str, label: str) -> Callable[[Any], tuple[Any, ...]]:
    """Returns a function of a serialized example to its length, its label and its orientation.

    Args:
        image: See `record_index`.
        label: See `record_index`.
    """
    import tensorflow as tf

    from pdarts_tf.data.encoded import orientation_of

    features = {
        label: tf.io.FixedLenFeature([], tf.int64),
        image: tf.io.FixedLenFeature([], tf.string),
    }

    def describe(record: tf.Tensor) -> tuple[tf.Tensor, ...]:
        example = tf.io.parse_single_example(record, features)
        return tf.strings.length(record), example[label], orientation_of(example[image])

    return describe


def _make(files: Sequence[str], image: str, label: str) -> Index:
    import tensorflow as tf

    describe = example_reader(image, label)

    def examples(number: tf.Tensor, path: tf.Tensor) -> tf.data.Dataset:
        return tf.data.TFRecordDataset(path).map(lambda record: (number, *describe(record)))

    found = tf.data.Dataset.zip(
        tf.data.Dataset.range(len(files)), tf.data.Dataset.from_tensor_slices(list(files))
    ).interleave(examples, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    parts = list(found.batch(_READ_BATCH).as_numpy_iterator())
    if not parts:
        return Index(*(np.empty(0, kind) for kind in (np.int32, *[np.int64] * 3, np.uint8)))
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    order = np.argsort(columns[0], kind="stable")
    file, length, labels, orientations = (column[order] for column in columns)
    length = length.astype(np.int64)
    ends = np.cumsum(length + _AROUND)
    first = np.searchsorted(file, file)  # the first example in the same file
    offset = ends - ends[first] + length[first] - length + _BEFORE
    return Index(
        file.astype(np.int32),
        offset,
        length,
        labels.astype(np.int64),
        orientations.astype(np.uint8),
    )


def _load(cache: pathlib.Path, state: npt.NDArray[np.int64]) -> Index | None:
    """Returns the stored index, or None if there is none or the files have changed."""
    try:
        with np.load(cache, allow_pickle=False) as stored:
            if not np.array_equal(stored["state"], state):
                return None
            return Index(*(stored[name] for name in Index._fields))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
        return None


def _save(cache: pathlib.Path, state: npt.NDArray[np.int64], index: Index) -> None:
    arrays: dict[str, Any] = index._asdict()
    try:
        with tempfile.NamedTemporaryFile(dir=cache.parent, prefix=".", delete=False) as file:
            np.savez(file, state=state, **arrays)
        os.replace(file.name, cache)
    except OSError:  # a read-only directory: the index is made again next time
        return
