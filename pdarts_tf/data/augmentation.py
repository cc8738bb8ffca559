"""Augmentation of a batch of images: pure functions of the images and a seed.

Reference: P-DARTS (arXiv 1904.12760), sections 4.2 and 4.3; DeVries and Taylor, "Improved
Regularization of Convolutional Neural Networks with Cutout" (arXiv 1708.04552).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from pdarts_tf.data.color import color_jitter

__all__ = ["Augmentation", "cutout", "normalize", "random_crop_flip"]


@dataclass(frozen=True)
class Augmentation:
    """Random resized crop, colour jitter, random crop and flip, normalisation, then cutout.

    The first two are made image by image, while images are read (see `jitter`), the others at once
    for a batch. The border that a crop brings in is black, a square cut out has the mean colour, as
    in the official code.

    Args:
        padding: pixels that the image may be shifted by in each direction; 0 for no crop.
        flip: whether images may be mirrored.
        cutout_length: side in pixels of the square to cut out; 0 for none.
        resized_crop: instead of shifting images, show a random part of each, see `windows.random`.
            The pipeline does that when it reads them, so that JPEGs need not be decoded whole.
        color_jitter: strengths of brightness, contrast, saturation and hue, see `color_jitter`.

    Raises:
        ValueError: if a length is negative.
    """

    padding: int = 4
    flip: bool = True
    cutout_length: int = 0
    resized_crop: bool = False
    color_jitter: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        for name, value in (("padding", self.padding), ("cutout_length", self.cutout_length)):
            if value < 0:
                raise ValueError(f"{name} must be at least 0 pixels. Received: {name}={value}")

    @property
    def one_by_one(self) -> bool:
        """Whether anything is made image by image."""
        return self.resized_crop or any(self.color_jitter)

    def jitter(self, image: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """An image with its colours changed.

        Args:
            image: (height, width, channels) uint8.
            seed: (2,) integers.

        Returns:
            (height, width, channels) float32 from 0 to 255, or the image if there is no jitter.
        """
        if not any(self.color_jitter):
            return image
        return color_jitter(tf.cast(image, tf.float32) / 255, seed, self.color_jitter) * 255

    def __call__(
        self, images: tf.Tensor, seed: tf.Tensor, mean: Sequence[float], std: Sequence[float]
    ) -> tf.Tensor:
        """Augments and normalises a batch.

        Args:
            images: (batch, height, width, channels) from 0 to 255, any type.
            seed: (2,) integers.
            mean: per channel, in units of pixels from 0 to 1.
            std: per channel, in the same unit.

        Returns:
            (batch, height, width, channels) float32.
        """
        crop_seed, cutout_seed = tf.unstack(tf.random.split(seed, 2))
        padding = 0 if self.resized_crop else self.padding
        if padding or self.flip:
            images = random_crop_flip(images, crop_seed, padding, self.flip)
        images = normalize(images, mean, std)
        if self.cutout_length:
            images = cutout(images, cutout_seed, self.cutout_length)
        return images


def random_crop_flip(
    images: tf.Tensor, seed: tf.Tensor, padding: int = 4, flip: bool = True
) -> tf.Tensor:
    """Surrounds each image with zeros, crops it back at a random place, mirrors half of them.

    Both happen in one gather of pixels: per batch of 96 CIFAR images 1.1 ms on two cores, against
    10 ms for a `map_fn` over slices.

    Args:
        images: (batch, height, width, channels), any type.
        seed: (2,) integers.
        padding: zeros added on each side, in pixels.
        flip: whether an image is mirrored left to right with probability 1/2.

    Returns:
        A tensor as images.
    """
    batch, height, width, channels = _shape(images)
    padded = tf.pad(images, [[0, 0], [padding, padding], [padding, padding], [0, 0]])
    shift_seed, flip_seed = tf.unstack(tf.random.split(seed, 2))
    top, left = tf.unstack(
        tf.random.stateless_uniform([2, batch], shift_seed, 0, 2 * padding + 1, tf.int32)
    )
    columns = tf.range(width)
    if flip:
        mirrored = tf.random.stateless_uniform([batch, 1], flip_seed) < 0.5
        columns = tf.where(mirrored, columns[::-1], columns)
    rows = tf.range(height) + top[:, tf.newaxis]
    columns += left[:, tf.newaxis]
    # Numbers of pixels in the list of all pixels of the padded batch: (batch, height, width).
    rows += tf.range(batch)[:, tf.newaxis] * (height + 2 * padding)
    pixels = rows[:, :, tf.newaxis] * (width + 2 * padding) + columns[:, tf.newaxis, :]
    return tf.gather(tf.reshape(padded, [-1, channels]), pixels)


def cutout(images: tf.Tensor, seed: tf.Tensor, length: int) -> tf.Tensor:
    """Sets a square at a random place of each image to 0, the mean colour once normalised.

    As in the official code, the square's centre lies anywhere in the image, the square is clipped
    at the border, and an odd length counts as the next smaller even one.

    Args:
        images: (batch, height, width, channels) float, normalised.
        seed: (2,) integers.
        length: side of the square in pixels.

    Returns:
        A tensor as images.
    """
    batch, height, width, _ = _shape(images)
    row_seed, column_seed = tf.unstack(tf.random.split(seed, 2))
    in_rows = _random_interval(batch, height, row_seed, length)
    in_columns = _random_interval(batch, width, column_seed, length)
    inside = in_rows[:, :, tf.newaxis] & in_columns[:, tf.newaxis, :]
    return images * tf.cast(~inside, images.dtype)[..., tf.newaxis]


def normalize(images: tf.Tensor, mean: Sequence[float], std: Sequence[float]) -> tf.Tensor:
    """(images / 255 - mean) / std, per channel.

    Args:
        images: (batch, height, width, channels) from 0 to 255, any type.
        mean: per channel, in units of pixels from 0 to 1.
        std: per channel, in the same unit.

    Returns:
        (batch, height, width, channels) float32.
    """
    centre, spread = np.asarray(mean, np.float64), np.asarray(std, np.float64)
    scale = (1 / (255 * spread)).astype(np.float32)
    offset = (-centre / spread).astype(np.float32)
    return tf.cast(images, tf.float32) * scale + offset


def _random_interval(batch: tf.Tensor, size: int, seed: tf.Tensor, length: int) -> tf.Tensor:
    """(batch, size) booleans, true within length // 2 of a random centre."""
    centre = tf.random.stateless_uniform([batch, 1], seed, 0, size, tf.int32)
    place = tf.range(size)
    return (place >= centre - length // 2) & (place < centre + length // 2)


def _shape(images: tf.Tensor) -> tuple[tf.Tensor, int, int, int]:
    """Batch size, height, width and channels; only the batch size may be unknown in a graph."""
    batch, height, width, channels = images.shape
    return tf.shape(images)[0] if batch is None else batch, height, width, channels
