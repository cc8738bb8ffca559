"""Image data sets as they are loaded from any source: splits, class names and statistics."""

import dataclasses
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np
import numpy.typing as npt

from pdarts_tf.data.image_header import FORMATS, MAX_MEGAPIXELS
from pdarts_tf.errors import InputError, printable

MIN_CLASSES = 2
TEST_NAMES = ("test", "testing", "val", "valid", "validation")
"""Names of splits and directories of test images; the first that exists is used."""
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
        max_megapixels: Millions of pixels that an image may have, before it is resized.
        orientations: EXIF orientation of each image, 1 to 8, uint8 of shape (n,); None if all are
            stored upright.
        formats: Names out of `image_header.FORMATS` that the images have.
    """

    contents: Contents
    labels: npt.NDArray[np.int64]
    image_shape: tuple[int, int, int]
    centre: bool = False
    max_megapixels: float = MAX_MEGAPIXELS
    orientations: npt.NDArray[np.uint8] | None = None
    formats: tuple[str, ...] = tuple(FORMATS)

    @property
    def num_images(self) -> int:
        """Number of images, n."""
        return len(self.labels)

    def take(self, indices: npt.NDArray[np.intp]) -> "EncodedSplit":
        """Returns the images at the given indices."""
        orientations = None if self.orientations is None else self.orientations[indices]
        return dataclasses.replace(
            self,
            contents=self.contents.take(indices),
            labels=self.labels[indices],
            orientations=orientations,
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
        notes: What was not used, or not used as its name says, one line each, for people to read.
    """

    name: str
    class_names: tuple[str, ...]
    train: AnySplit
    test: AnySplit
    mean: tuple[float, ...]
    std: tuple[float, ...]
    tested_on: str = "the test split"
    notes: tuple[str, ...] = ()

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


# Control characters, surrogates (what is left of a name that is not UTF-8), and separators of lines
# and paragraphs: files have one class a line, and are written as UTF-8.
_NOT_IN_NAMES = ("Cc", "Cs", "Zl", "Zp")


def check_classes(name: str, class_names: Sequence[str]) -> None:
    """Checks that there are at least two classes, whose names can be written to the files of a run.

    Args:
        name: What has the classes, for the message.
        class_names: Their names.

    Raises:
        DataError: If there are fewer, a name occurs twice, is empty, or has characters that no file
            with one name a line can hold.

    Example:

    >>> check_classes("animals", ["cat", "caf\\udce9"])
    Traceback (most recent call last):
    ...
    pdarts_tf.data.images.DataError: animals must have classes with names in UTF-8, without line \
breaks and control characters. Received: caf\\udce9; rename it
    """
    if len(class_names) < MIN_CLASSES:
        raise DataError(
            f"{name} must have at least {MIN_CLASSES} classes. "
            f"Received: {', '.join(map(printable, class_names)) or 'none'}"
        )
    seen: set[str] = set()
    for each in class_names:
        if not each or each in seen:
            what = f"{printable(each)} twice" if each else "an empty name"
            raise DataError(f"{name} must have classes of different names. Received: {what}")
        if any(unicodedata.category(letter) in _NOT_IN_NAMES for letter in each):
            raise DataError(
                f"{name} must have classes with names in UTF-8, without line breaks and control "
                f"characters. Received: {printable(each)}; rename it"
            )
        seen.add(each)
