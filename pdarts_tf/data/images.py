"""Image data sets as they are loaded from any source: splits, class names and statistics."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np
import numpy.typing as npt

from pdarts_tf.errors import InputError

MIN_CLASSES = 2
MAX_BYTES_IN_MEMORY = 2 * 2**30
"""Larger data sets, by the size of their pixels, stay on disk and are decoded batch by batch."""


class DataError(InputError):
    """Raised for data that is missing or unusable; the message says what to do, in one line."""


@dataclass(frozen=True, eq=False)
class Split:
    """Images in memory, with their labels.

    Args:
        images: uint8 array of shape (n, height, width, channels).
        labels: int64 array of shape (n,).

    Example:

    >>> split = Split(np.zeros((5, 8, 8, 1), np.uint8), np.arange(5))
    >>> split.take(np.array([0, 2])).num_images
    2
    """

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]

    @property
    def num_images(self) -> int:
        """Number of images, n."""
        return len(self.images)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Shape (height, width, channels) of every image."""
        _, height, width, channels = self.images.shape
        return height, width, channels

    def take(self, indices: npt.NDArray[np.intp]) -> "Split":
        """Returns the images at the given indices."""
        return Split(self.images[indices], self.labels[indices])


class Contents(Protocol):
    """Encoded images on disk, accessed by index."""

    def take(self, indices: npt.NDArray[np.intp]) -> Self:
        """Returns the images at the given indices."""

    def name(self, index: int) -> str:
        """Returns a name of an image for messages."""

    def reader(self) -> Callable[[Any], Any]:
        """Returns a function from the index of an image to its bytes, both as tensors."""


@dataclass(frozen=True, eq=False)
class EncodedSplit:
    """Images on disk, decoded when a batch needs them, with labels in memory.

    Args:
        contents: The n encoded images.
        labels: int64 array of shape (n,).
        image_shape: Shape (height, width, channels) that images are decoded to.
        centre: Whether unaugmented images are cropped to the centre (see `windows.centre`), as is
            usual with random resized crops.
    """

    contents: Contents
    labels: npt.NDArray[np.int64]
    image_shape: tuple[int, int, int]
    centre: bool = False

    @property
    def num_images(self) -> int:
        """Number of images, n."""
        return len(self.labels)

    def take(self, indices: npt.NDArray[np.intp]) -> "EncodedSplit":
        """Returns the images at the given indices."""
        return EncodedSplit(
            self.contents.take(indices), self.labels[indices], self.image_shape, self.centre
        )


AnySplit = Split | EncodedSplit


@dataclass(frozen=True, eq=False)
class ImageData:
    """A data set for image classification.

    Args:
        name: Name of the data set, as passed to `sources.load`.
        class_names: Name of the class of each label.
        train: Training images.
        test: Test images, in memory if and only if the training images are.
        mean: Mean of the training images per channel, for pixels scaled to [0, 1].
        std: Standard deviation of the training images per channel, for pixels scaled to [0, 1].
        tested_on: Origin of the test images, for people to read.
    """

    name: str
    class_names: tuple[str, ...]
    train: AnySplit
    test: AnySplit
    mean: tuple[float, ...]
    std: tuple[float, ...]
    tested_on: str = "the test split"

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Shape (height, width, channels) of every image of a batch."""
        return self.train.image_shape

    @property
    def num_classes(self) -> int:
        """Number of classes."""
        return len(self.class_names)

    def description(self) -> dict[str, Any]:
        """Returns what a run stores about its data, as values for JSON."""
        return {
            "name": self.name,
            "class_names": list(self.class_names),
            "image_shape": list(self.image_shape),
            "num_train": self.train.num_images,
            "num_test": self.test.num_images,
            "tested_on": self.tested_on,
            "mean": list(self.mean),
            "std": list(self.std),
        }


def check_classes(name: str, class_names: Sequence[str]) -> None:
    """Checks that there are at least two classes.

    Raises:
        DataError: If there are fewer.
    """
    if len(class_names) < MIN_CLASSES:
        raise DataError(
            f"{name} must have at least {MIN_CLASSES} classes. "
            f"Received: {', '.join(class_names) or 'none'}"
        )
