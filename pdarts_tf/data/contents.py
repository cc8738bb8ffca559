"""Encoded images outside of memory: files, or records of TFRecord files."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, eq=False)
class Files:
    """Images that are files of their own.

    Args:
        paths: (n,) array of their paths.
    """

    paths: npt.NDArray[np.str_]

    def take(self, indices: npt.NDArray[np.intp]) -> "Files":
        """The images at these indices."""
        return Files(self.paths[indices])

    def name(self, index: int) -> str:
        """The path of an image."""
        return str(self.paths[index])

    def reader(self) -> Callable[[Any], Any]:
        """A function from a number, a tensor, to the bytes of the image, a string tensor."""
        import tensorflow as tf

        with tf.device("CPU"):
            paths = tf.constant([os.fsencode(path) for path in self.paths])
        return lambda index: tf.io.read_file(tf.gather(paths, index))


@dataclass(frozen=True, eq=False)
class Records:
    """Images that are a feature of examples in TFRecord files.

    Args:
        files: paths of the files.
        feature: the key of the image in an example.
        file: (n,) the number of the file that an image is in.
        offset: (n,) where its example begins in that file, in bytes.
        length: (n,) the bytes of its example.
    """

    files: Sequence[str]
    feature: str
    file: npt.NDArray[np.int32]
    offset: npt.NDArray[np.int64]
    length: npt.NDArray[np.int64]

    def take(self, indices: npt.NDArray[np.intp]) -> "Records":
        """The images at these indices."""
        return Records(
            self.files,
            self.feature,
            self.file[indices],
            self.offset[indices],
            self.length[indices],
        )

    def name(self, index: int) -> str:
        """The file and the place of an image."""
        return f"{self.files[self.file[index]]}, the record at byte {self.offset[index]},"

    def reader(self) -> Callable[[Any], Any]:
        """A function from a number, a tensor, to the bytes of the image, a string tensor."""
        import tensorflow as tf

        features = {self.feature: tf.io.FixedLenFeature([], tf.string)}

        def read(index: npt.NDArray[np.int64]) -> bytes:
            descriptor = os.open(self.files[int(self.file[index])], os.O_RDONLY)
            try:
                return os.pread(descriptor, int(self.length[index]), int(self.offset[index]))
            finally:
                os.close(descriptor)

        def read_image(index: tf.Tensor) -> tf.Tensor:
            # Not stateful: else TensorFlow, told to be deterministic, reads one after the other.
            example = tf.numpy_function(read, [index], tf.string, stateful=False)
            example = tf.ensure_shape(example, [])
            return tf.io.parse_single_example(example, features)[self.feature]

        return read_image
