"""Augmentation of a batch of images: pure functions of the images and a seed.

Reference: P-DARTS (arXiv 1904.12760), sections 4.2 and 4.3; DeVries and Taylor, "Improved
Regularization of Convolutional Neural Networks with Cutout" (arXiv 1708.04552).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from pdarts_tf.data.color import color_jitter
from pdarts_tf.data.keras_augmentation import RandAugment

__all__ = ["Augmentation", "cutout", "normalize", "random_crop_flip"]

_RAND_AUGMENT = 1  # folded into the seed of a batch; crop and cutout have its two halves


@dataclass(frozen=True)
class Augmentation:
    """Resized crop, colour jitter, crop and flip, RandAugment, normalization, then cutout.

    The first two are applied to single images while they are read (see `jitter`), the others to a
    whole batch. As in the official code, crops are padded with black and cutout squares have the
    mean colour.

    Args:
        padding: Largest shift of the image in each direction, in pixels; 0 for no crop.
        flip: Whether to flip images horizontally at random.
        cutout_length: Side of the cutout square in pixels; 0 for no cutout.
        resized_crop: Take a random resized crop of each image instead of shifting it; see
            `windows.random`. The pipeline crops while it reads images, so that JPEGs need not be
            decoded whole.
        color_jitter: Strengths of brightness, contrast, saturation and hue; see `color_jitter`.
        rand_augment: Changes by random operations, of the pixels from 0 to 255; None for none.

    Raises:
        ValueError: If a length is negative.

    Example:

    >>> augment = Augmentation(padding=1, flip=False, cutout_length=2)
    >>> images = np.zeros((3, 8, 8, 1), np.uint8)
    >>> augment(images, tf.constant([0, 1], tf.int64), mean=[0.5], std=[0.5]).shape
    TensorShape([3, 8, 8, 1])
    """

    padding: int = 4
    flip: bool = True
    cutout_length: int = 0
    resized_crop: bool = False
    color_jitter: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0)
    rand_augment: RandAugment | None = None

    def __post_init__(self) -> None:
        for name, value in (("padding", self.padding), ("cutout_length", self.cutout_length)):
            if value < 0:
                raise ValueError(f"{name} must be at least 0 pixels. Received: {name}={value}")

    @property
    def one_by_one(self) -> bool:
        """Whether any augmentation is applied to single images."""
        return self.resized_crop or any(self.color_jitter)

    def jitter(self, image: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Applies colour jitter to an image.

        Args:
            image: uint8 tensor of shape (height, width, channels).
            seed: Two integers.

        Returns:
            float32 tensor of shape (height, width, channels) with values from 0 to 255, or the
            image itself if there is no jitter.
        """
        if not any(self.color_jitter):
            return image
        return color_jitter(tf.cast(image, tf.float32) / 255, seed, self.color_jitter) * 255

    def __call__(
        self, images: tf.Tensor, seed: tf.Tensor, mean: Sequence[float], std: Sequence[float]
    ) -> tf.Tensor:
        """Augments and normalizes a batch.

        Args:
            images: Tensor of shape (batch, height, width, channels) and any type, with values from
                0 to 255.
            seed: Two integers.
            mean: Mean per channel, for pixels scaled to [0, 1].
            std: Standard deviation per channel, for pixels scaled to [0, 1].

        Returns:
            float32 tensor of shape (batch, height, width, channels).
        """
        crop_seed, cutout_seed = tf.unstack(tf.random.split(seed, 2))
        padding = 0 if self.resized_crop else self.padding
        if padding or self.flip:
            images = random_crop_flip(images, crop_seed, padding, self.flip)
        if self.rand_augment is not None:
            images = self.rand_augment(images, tf.random.fold_in(seed, _RAND_AUGMENT))
        images = normalize(images, mean, std)
        if self.cutout_length:
            images = cutout(images, cutout_seed, self.cutout_length)
        return images


def random_crop_flip(
    images: tf.Tensor, seed: tf.Tensor, padding: int = 4, flip: bool = True
) -> tf.Tensor:
    """Pads each image with zeros, crops it at a random position, and flips it at random.

    Both are done by a single gather of pixels: 1.1 ms for a batch of 96 CIFAR images on two cores,
    compared with 10 ms for a `map_fn` over slices.

    Args:
        images: Tensor of shape (batch, height, width, channels) and any type.
        seed: Two integers.
        padding: Width of the padding on each side, in pixels.
        flip: Whether to flip each image left to right with probability 1/2.

    Returns:
        Tensor of the shape and type of `images`.
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
    # Indices into the list of all pixels of the padded batch: (batch, height, width).
    rows += tf.range(batch)[:, tf.newaxis] * (height + 2 * padding)
    pixels = rows[:, :, tf.newaxis] * (width + 2 * padding) + columns[:, tf.newaxis, :]
    return tf.gather(tf.reshape(padded, [-1, channels]), pixels)


def cutout(images: tf.Tensor, seed: tf.Tensor, length: int) -> tf.Tensor:
    """Sets a square at a random position of each image to 0, the mean colour after normalization.

    As in the official code, the centre of the square may lie anywhere in the image, the square is
    clipped at the border, and an odd length is rounded down to an even one.

    Args:
        images: Normalized images, a float tensor of shape (batch, height, width, channels).
        seed: Two integers.
        length: Side of the square in pixels.

    Returns:
        Tensor of the shape and type of `images`.
    """
    batch, height, width, _ = _shape(images)
    row_seed, column_seed = tf.unstack(tf.random.split(seed, 2))
    in_rows = _random_interval(batch, height, row_seed, length)
    in_columns = _random_interval(batch, width, column_seed, length)
    inside = in_rows[:, :, tf.newaxis] & in_columns[:, tf.newaxis, :]
    return images * tf.cast(~inside, images.dtype)[..., tf.newaxis]


def normalize(images: tf.Tensor, mean: Sequence[float], std: Sequence[float]) -> tf.Tensor:
    """Computes (images / 255 - mean) / std, per channel.

    Args:
        images: Tensor of shape (batch, height, width, channels) and any type, with values from 0 to
            255.
        mean: Mean per channel, for pixels scaled to [0, 1].
        std: Standard deviation per channel, for pixels scaled to [0, 1].

    Returns:
        float32 tensor of shape (batch, height, width, channels).

    Example:

    >>> normalize(np.full((1, 1, 1, 1), 255, np.uint8), mean=[0.5], std=[0.5]).numpy().item()
    1.0
    """
    centre, spread = np.asarray(mean, np.float64), np.asarray(std, np.float64)
    scale = (1 / (255 * spread)).astype(np.float32)
    offset = (-centre / spread).astype(np.float32)
    return tf.cast(images, tf.float32) * scale + offset


def _random_interval(batch: tf.Tensor, size: int, seed: tf.Tensor, length: int) -> tf.Tensor:
    """Returns a (batch, size) mask that is true within length // 2 of a random centre."""
    centre = tf.random.stateless_uniform([batch, 1], seed, 0, size, tf.int32)
    place = tf.range(size)
    return (place >= centre - length // 2) & (place < centre + length // 2)


def _shape(images: tf.Tensor) -> tuple[tf.Tensor, int, int, int]:
    """Returns the shape of a batch, of which only the batch size may be unknown in a graph."""
    batch, height, width, channels = images.shape
    return tf.shape(images)[0] if batch is None else batch, height, width, channels
