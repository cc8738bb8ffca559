"""Encoded images on disk: single files, or records of TFRecord files."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, eq=False)
class Files:
    """Images in files of their own.

    Args:
        paths: Paths of the n images, an array of shape (n,).
    """

    paths: npt.NDArray[np.str_]

    def take(self, indices: npt.NDArray[np.intp]) -> "Files":
        """Returns the images at the given indices."""
        return Files(self.paths[indices])

    def name(self, index: int) -> str:
        """Returns the path of an image."""
        return str(self.paths[index])

    def reader(self) -> Callable[[Any], Any]:
        """Returns a function from the index of an image to its bytes, both as tensors."""
        import tensorflow as tf

        with tf.device("CPU"):
            paths = tf.constant([os.fsencode(path) for path in self.paths])
        return lambda index: tf.io.read_file(tf.gather(paths, index))


@dataclass(frozen=True, eq=False)
class Records:
    """Images that are a feature of the examples in TFRecord files.

    Args:
        files: Paths of the files.
        feature: Key of the image in an example.
        file: Index of the file that holds each of the n examples, of shape (n,).
        offset: Position of each example in its file, in bytes, of shape (n,).
        length: Length of each example in bytes, of shape (n,).
    """

    files: Sequence[str]
    feature: str
    file: npt.NDArray[np.int32]
    offset: npt.NDArray[np.int64]
    length: npt.NDArray[np.int64]

    def take(self, indices: npt.NDArray[np.intp]) -> "Records":
        """Returns the images at the given indices."""
        return Records(
            self.files,
            self.feature,
            self.file[indices],
            self.offset[indices],
            self.length[indices],
        )

    def name(self, index: int) -> str:
        """Returns the file of an image and its position there."""
        return f"{self.files[self.file[index]]}, the record at byte {self.offset[index]},"

    def reader(self) -> Callable[[Any], Any]:
        """Returns a function from the index of an image to its bytes, both as tensors."""
        import tensorflow as tf

        features = {self.feature: tf.io.FixedLenFeature([], tf.string)}

        def read(index: npt.NDArray[np.int64]) -> bytes:
            descriptor = os.open(self.files[int(self.file[index])], os.O_RDONLY)
            try:
                return os.pread(descriptor, int(self.length[index]), int(self.offset[index]))
            finally:
                os.close(descriptor)

        def read_image(index: tf.Tensor) -> tf.Tensor:
            # Not stateful, or TensorFlow, told to be deterministic, would read one by one.
            example = tf.numpy_function(read, [index], tf.string, stateful=False)
            example = tf.ensure_shape(example, [])
            return tf.io.parse_single_example(example, features)[self.feature]

        return read_image
