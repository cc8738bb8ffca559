"""What every data set is loaded as, whatever it comes from: two splits, class names, statistics."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np
import numpy.typing as npt

from pdarts_tf.errors import InputError

MIN_CLASSES = 2
MAX_BYTES_IN_MEMORY = 2 * 2**30
"""Data sets whose pixels take more stay outside of memory, and are decoded batch by batch."""


class DataError(InputError):
    """Data that cannot be had or used; one line says what was expected, received, and to do."""


@dataclass(frozen=True, eq=False)
class Split:
    """Images in memory, with their labels.

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

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """The (height, width, channels) of every image."""
        _, height, width, channels = self.images.shape
        return height, width, channels

    def take(self, indices: npt.NDArray[np.intp]) -> "Split":
        """The images at these indices."""
        return Split(self.images[indices], self.labels[indices])


class Contents(Protocol):
    """Encoded images outside of memory, found by their number."""

    def take(self, indices: npt.NDArray[np.intp]) -> Self:
        """The images at these indices."""

    def name(self, index: int) -> str:
        """What to call an image in a message."""

    def reader(self) -> Callable[[Any], Any]:
        """A function from a number, a tensor, to the bytes of the image, a string tensor."""


@dataclass(frozen=True, eq=False)
class EncodedSplit:
    """Images outside of memory, decoded whenever a batch needs them; labels in memory.

    Args:
        contents: n encoded images.
        labels: (n,) int64.
        image_shape: (height, width, channels) that they are decoded to.
        centre: whether unaugmented images show the centre only (see `windows.centre`), as is usual
            beside random resized crops; else they show everything.
    """

    contents: Contents
    labels: npt.NDArray[np.int64]
    image_shape: tuple[int, int, int]
    centre: bool = False

    @property
    def num_images(self) -> int:
        """The number of images, n."""
        return len(self.labels)

    def take(self, indices: npt.NDArray[np.intp]) -> "EncodedSplit":
        """The images at these indices."""
        return EncodedSplit(
            self.contents.take(indices), self.labels[indices], self.image_shape, self.centre
        )


AnySplit = Split | EncodedSplit


@dataclass(frozen=True, eq=False)
class ImageData:
    """A data set for image classification.

    Args:
        name: the name it was loaded by.
        class_names: the class that each label stands for.
        train: the training images.
        test: the test images, in memory if and only if the training images are.
        mean: per channel, the mean of the training images, in units of pixels from 0 to 1.
        std: per channel, their standard deviation, in the same unit.
        tested_on: where the test images come from, for people to read.
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
        """The (height, width, channels) of every image of a batch."""
        return self.train.image_shape

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
            "tested_on": self.tested_on,
            "mean": list(self.mean),
            "std": list(self.std),
        }


def check_classes(name: str, class_names: Sequence[str]) -> None:
    """Sees to it that there is something to tell apart.

    Raises:
        DataError: if there are fewer than two classes.
    """
    if len(class_names) < MIN_CLASSES:
        raise DataError(
            f"{name} must have at least {MIN_CLASSES} classes. "
            f"Received: {', '.join(class_names) or 'none'}"
        )
