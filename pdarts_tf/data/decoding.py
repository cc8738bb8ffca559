"""From encoded images to pixels, inside a tf.data pipeline."""

import re
from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from pdarts_tf.data import windows
from pdarts_tf.data.images import AnySplit, DataError, EncodedSplit, Split
from pdarts_tf.startup import held_back_stderr

_PLACE = re.compile(r"\{\{.*?\}\}|\[Op:.*")  # where in TensorFlow an error was seen
READ_BATCH = 500  # images per step of reading everything: the cost per step vanishes

_Window = Callable[[tf.Tensor], tf.Tensor]  # (2,) height and width -> (4,) window
_ReadImage = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]  # (index, seed) -> image


def image_reader(split: AnySplit, *, random_crop: bool) -> _ReadImage:
    """A function that reads one image of a split, for use in a graph.

    Args:
        split: n images.
        random_crop: show a random part (see `windows.random`), else what the split shows of
            unaugmented images.

    Returns:
        Function (index, (2,) seed) -> (height, width, channels) uint8.
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
    """A function (index, window) -> the pixels in that window."""
    if isinstance(split, Split):
        with tf.device("CPU"):
            images = tf.constant(split.images)
        return lambda index, window: _crop(images[index], window)
    read = split.contents.reader()
    return lambda index, window: decode(read(index), channels, window)


def decode(content: tf.Tensor, channels: int, window: _Window = windows.whole) -> tf.Tensor:
    """The pixels of a window of an encoded image.

    Of a JPEG no more is decoded than the window needs.

    Args:
        content: bytes of a PNG, JPEG, BMP or GIF (its first frame), a string tensor.
        channels: of the result; grey images become coloured ones, and coloured ones grey, if need
            be.
        window: function from (2,) height and width to a (4,) window, see `windows`.

    Returns:
        (height, width, channels) uint8.
    """

    def jpeg() -> tf.Tensor:
        shape = tf.io.extract_jpeg_shape(content)[:2]
        return tf.io.decode_and_crop_jpeg(content, window(shape), channels)

    def other() -> tf.Tensor:
        image = tf.io.decode_image(content, expand_animations=False)
        image = _to_grey(image) if channels == 1 else image[..., :channels]
        shape = tf.concat([tf.shape(image)[:2], [channels]], 0)
        return _crop(tf.broadcast_to(image, shape), window)

    if channels == 4:  # no JPEG has four channels but CMYK
        return tf.ensure_shape(other(), [None, None, channels])
    return tf.ensure_shape(tf.cond(tf.io.is_jpeg(content), jpeg, other), [None, None, channels])


def _to_grey(image: tf.Tensor) -> tf.Tensor:
    """(height, width, 1): the brightness of a coloured image, or the first channel of another."""
    return tf.cond(
        tf.shape(image)[2] >= 3,
        lambda: tf.image.rgb_to_grayscale(image[..., :3]),
        lambda: image[..., :1],
    )


def _crop(image: tf.Tensor, window: _Window) -> tf.Tensor:
    top, left, height, width = tf.unstack(window(tf.shape(image)[:2]))
    return image[top : top + height, left : left + width]


def decoded_batches(split: EncodedSplit) -> Iterator[npt.NDArray[np.uint8]]:
    """All images in order, unaugmented: arrays (up to 500, height, width, channels).

    Raises:
        DataError: if an image cannot be decoded; it is named.
    """
    read = image_reader(split, random_crop=False)
    seed = tf.zeros([2], tf.int64)
    images = tf.data.Dataset.range(split.num_images).map(
        lambda index: read(index, seed), num_parallel_calls=tf.data.AUTOTUNE, deterministic=True
    )
    start, failure = 0, None
    with held_back_stderr():  # the decoders write lines of their own about damaged images
        try:
            for batch in images.batch(READ_BATCH).prefetch(1).as_numpy_iterator():
                yield batch
                start += len(batch)
        except tf.errors.OpError:
            failure = _first_failure(split, start)
    if failure is not None:
        raise failure


def _first_failure(split: EncodedSplit, start: int) -> DataError:
    """What is wrong with the first image from a number on that cannot be decoded."""
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
    """The images of a split, decoded if they are not in memory yet.

    Raises:
        DataError: see `decoded_batches`.
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
    """The images of a split in memory, at another height and width."""
    images = [
        windows.resize(split.images[i : i + READ_BATCH], size)
        for i in range(0, split.num_images, READ_BATCH)
    ]
    return Split(tf.concat(images, 0).numpy(), split.labels)


def statistics(split: AnySplit) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation per channel, in units of pixels from 0 to 1; exact.

    A channel that is the same everywhere, such as an unused alpha channel, has the deviation 1, so
    that it becomes 0 when it is normalised.

    Raises:
        DataError: see `decoded_batches`.
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
