"""Decoding of images inside a tf.data pipeline."""

import re
from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from pdarts_tf.data import windows
from pdarts_tf.data.images import AnySplit, DataError, EncodedSplit, Split
from pdarts_tf.startup import held_back_stderr

_PLACE = re.compile(r"\{\{.*?\}\}|\[Op:.*")  # the part of a message that names TensorFlow's node
READ_BATCH = 500  # images per step of reading a whole split, so that the cost per step vanishes

_Window = Callable[[tf.Tensor], tf.Tensor]  # (2,) height and width -> (4,) window
_ReadImage = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]  # (index, seed) -> image


def image_reader(split: AnySplit, *, random_crop: bool) -> _ReadImage:
    """Returns a function that reads one image of a split, for use in a graph.

    Args:
        split: The images.
        random_crop: Whether to take a random resized crop (see `windows.random`), rather than the
            window of unaugmented images.

    Returns:
        Function (index, seed of shape (2,)) -> uint8 tensor of shape (height, width, channels).
    """
    height, width, channels = split.image_shape
    aspect = width / height
    pixels = _cropper(split, channels)

    def read(index: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        def window(shape: tf.Tensor) -> tf.Tensor:
            if random_crop:
                return windows.random(shape, aspect, seed)
            if isinstance(split, EncodedSplit) and split.centre:
                return windows.centre(shape, aspect)
            return windows.whole(shape)

        image = windows.resize(pixels(index, window), (height, width))
        return tf.ensure_shape(image, split.image_shape)

    return read


def _cropper(split: AnySplit, channels: int) -> Callable[[tf.Tensor, _Window], tf.Tensor]:
    """Returns a function (index, window) -> the pixels in that window."""
    if isinstance(split, Split):
        with tf.device("CPU"):
            images = tf.constant(split.images)
        return lambda index, window: _crop(images[index], window)
    read = split.contents.reader()
    return lambda index, window: decode(read(index), channels, window)


def decode(content: tf.Tensor, channels: int, window: _Window = windows.whole) -> tf.Tensor:
    """Decodes a window of an image.

    Of a JPEG, only the part that the window needs is decoded.

    Args:
        content: String tensor with the bytes of a PNG, JPEG, BMP or GIF (its first frame).
        channels: Number of channels of the result; grey images are converted to colour and
            coloured ones to grey as needed.
        window: Function from (height, width) to a window of shape (4,); see `windows`.

    Returns:
        uint8 tensor of shape (height, width, channels).
    """

    def jpeg() -> tf.Tensor:
        shape = tf.io.extract_jpeg_shape(content)[:2]
        return tf.io.decode_and_crop_jpeg(content, window(shape), channels)

    def other() -> tf.Tensor:
        image = tf.io.decode_image(content, expand_animations=False)
        image = _to_grey(image) if channels == 1 else image[..., :channels]
        shape = tf.concat([tf.shape(image)[:2], [channels]], 0)
        return _crop(tf.broadcast_to(image, shape), window)

    if channels == 4:  # the only JPEGs with four channels are CMYK
        return tf.ensure_shape(other(), [None, None, channels])
    return tf.ensure_shape(tf.cond(tf.io.is_jpeg(content), jpeg, other), [None, None, channels])


def _to_grey(image: tf.Tensor) -> tf.Tensor:
    """Returns the luma of a coloured image, or the first channel of another: (height, width, 1)."""
    return tf.cond(
        tf.shape(image)[2] >= 3,
        lambda: tf.image.rgb_to_grayscale(image[..., :3]),
        lambda: image[..., :1],
    )


def _crop(image: tf.Tensor, window: _Window) -> tf.Tensor:
    top, left, height, width = tf.unstack(window(tf.shape(image)[:2]))
    return image[top : top + height, left : left + width]


def decoded_batches(split: EncodedSplit) -> Iterator[npt.NDArray[np.uint8]]:
    """Yields all images in order, unaugmented, as arrays (up to 500, height, width, channels).

    Raises:
        DataError: If an image cannot be decoded; the message names it.
    """
    read = image_reader(split, random_crop=False)
    seed = tf.zeros([2], tf.int64)
    images = tf.data.Dataset.range(split.num_images).map(
        lambda index: read(index, seed), num_parallel_calls=tf.data.AUTOTUNE, deterministic=True
    )
    start, failure = 0, None
    with held_back_stderr():  # the decoders log lines of their own about damaged images
        try:
            for batch in images.batch(READ_BATCH).prefetch(1).as_numpy_iterator():
                yield batch
                start += len(batch)
        except tf.errors.OpError:
            failure = _first_failure(split, start)
    if failure is not None:
        raise failure


def _first_failure(split: EncodedSplit, start: int) -> DataError:
    """Returns an error about the first image, starting at an index, that cannot be decoded."""
    read = split.contents.reader()
    for index in range(start, split.num_images):
        try:
            decode(read(tf.constant(index)), split.image_shape[2])
        except tf.errors.OpError as error:
            reason = " ".join(_PLACE.sub("", str(error.message)).split())
            return DataError(
                f"{split.contents.name(index)} is damaged ({reason}); replace or remove it"
            )
    return DataError("an image could not be read, but can be now; start again")


def in_memory(split: AnySplit) -> Split:
    """Returns a split in memory; decodes its images if they are on disk.

    Raises:
        DataError: See `decoded_batches`.
    """
    if isinstance(split, Split):
        return split
    images = np.empty((split.num_images, *split.image_shape), np.uint8)
    start = 0
    for batch in decoded_batches(split):
        images[start : start + len(batch)] = batch
        start += len(batch)
    return Split(images, split.labels)


def resized(split: Split, size: tuple[int, int]) -> Split:
    """Resizes the images of a split in memory to a given height and width."""
    images = [
        windows.resize(split.images[i : i + READ_BATCH], size)
        for i in range(0, split.num_images, READ_BATCH)
    ]
    return Split(tf.concat(images, 0).numpy(), split.labels)


def statistics(split: AnySplit) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Computes the exact mean and standard deviation per channel, for pixels scaled to [0, 1].

    A constant channel, such as an unused alpha channel, gets the deviation 1, so that it is
    normalized to 0.

    Raises:
        DataError: See `decoded_batches`.

    Example:

    >>> images = np.array([0, 255], np.uint8).reshape(2, 1, 1, 1)
    >>> statistics(Split(images, np.zeros(2, np.int64)))
    ((0.5,), (0.5,))
    """
    channels = split.image_shape[2]
    counts = np.zeros((channels, 256), np.int64)
    for batch in [split.images] if isinstance(split, Split) else decoded_batches(split):
        for channel in range(channels):
            counts[channel] += np.bincount(batch[..., channel].ravel(), minlength=256)
    share = counts / counts.sum(1, keepdims=True)
    values = np.arange(256) / 255
    mean = share @ values
    std = np.sqrt(np.sum(share * np.square(values - mean[:, np.newaxis]), 1))
    return tuple(mean.tolist()), tuple(np.where(std > 0, std, 1.0).tolist())
