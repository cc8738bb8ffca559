"""Images in memory: what every data set is loaded into, whatever it comes from."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pdarts_tf.errors import InputError

READ_BATCH = 1000  # images per step of reading: enough to make the cost per step vanish


class DataError(InputError):
    """Data that cannot be had or used; one line says what was expected, received, and to do."""


@dataclass(frozen=True, eq=False)
class Split:
    """Images with their labels.

    Args:
        images: (n, height, width, channels) uint8.
        labels: (n,) int64.
    """

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]

    @property
    def num_images(self) -> int:
        """The number of images, n."""
        return len(self.images)


@dataclass(frozen=True, eq=False)
class ImageData:
    """A data set for image classification.

    Args:
        name: the name it was loaded by.
        class_names: the class that each label stands for.
        train: the training images.
        test: the test images.
        mean: per channel, the mean of the training images, in units of pixels from 0 to 1.
        std: per channel, their standard deviation, in the same unit.
    """

    name: str
    class_names: tuple[str, ...]
    train: Split
    test: Split
    mean: tuple[float, ...]
    std: tuple[float, ...]

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """The (height, width, channels) of every image."""
        _, height, width, channels = self.train.images.shape
        return height, width, channels

    @property
    def num_classes(self) -> int:
        """The number of classes."""
        return len(self.class_names)

    def description(self) -> dict[str, Any]:
        """What a run has to remember of its data, as values for JSON."""
        return {
            "name": self.name,
            "class_names": list(self.class_names),
            "image_shape": list(self.image_shape),
            "num_train": self.train.num_images,
            "num_test": self.test.num_images,
            "mean": list(self.mean),
            "std": list(self.std),
        }


def resized(data: ImageData, size: int | None) -> ImageData:
    """The data with images of another size.

    Args:
        data: the images as they are.
        size: their new height and width in pixels; None leaves them as they are.
    """
    if size is None or data.image_shape[:2] == (size, size):
        return data
    import tensorflow as tf

    def resize(split: Split) -> Split:
        parts = [
            tf.image.resize(split.images[i : i + READ_BATCH], (size, size), antialias=True)
            for i in range(0, split.num_images, READ_BATCH)
        ]
        images = tf.cast(tf.round(tf.concat(parts, 0)), tf.uint8)
        return Split(images.numpy(), split.labels)

    return dataclasses.replace(data, train=resize(data.train), test=resize(data.test))


def split_in_two(split: Split, portion: float, seed: int | Sequence[int]) -> tuple[Split, Split]:
    """Divides the images at random: `floor(portion * n)` of them, and the others.

    Within both parts the images keep their order. The same arguments give the same parts with every
    version of NumPy, which promises that for the raw output of its bit generators only.

    Args:
        split: n images.
        portion: the share of the first part, between 0 and 1.
        seed: one or several integers of at least 0.

    Raises:
        DataError: if either part were empty.
    """
    num_images = split.num_images
    num_first = int(portion * num_images)
    if not 0 < num_first < num_images:
        raise DataError(
            f"portion must leave at least one of the {num_images} images on either side. "
            f"Received: portion={portion}"
        )
    keys = np.random.PCG64(np.random.SeedSequence(seed)).random_raw(num_images)
    order = np.argsort(keys, kind="stable")
    return take(split, np.sort(order[:num_first])), take(split, np.sort(order[num_first:]))


def take(split: Split, indices: npt.NDArray[np.intp]) -> Split:
    """The images at these indices."""
    return Split(split.images[indices], split.labels[indices])
