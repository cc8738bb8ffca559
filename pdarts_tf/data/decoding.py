"""Images of a split, decoded inside a tf.data pipeline."""

import functools
import math
import re
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from pdarts_tf.data import encoded, windows
from pdarts_tf.data.decoder import Window, decode, decode_again
from pdarts_tf.data.image_header import FORMATS
from pdarts_tf.data.images import AnySplit, DataError, EncodedSplit, Split
from pdarts_tf.errors import printable
from pdarts_tf.startup import held_back_stderr

_PLACE = re.compile(r"\{\{.*?\}\}|\[Op:.*")  # the part of a message that names TensorFlow's node
_PLACE_LINE = re.compile(r"\s*(Graph execution error|Detected at node|File \"|<stack traces)")
# Of a whole split, so many images are decoded per step that the cost per step vanishes, but no more
# than fit into little memory.
_MOST_IMAGES = 500
_BYTES_AT_ONCE = 64 * 2**20

_ReadImage = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]  # (index, seed) -> image


def image_reader(split: AnySplit, *, random_crop: bool) -> _ReadImage:
    """Returns a function that reads one image of a split, for use in a graph.

    Images on disk are taken to be what they were when `decoded_batches` checked them.

    Args:
        split: The images.
        random_crop: Whether to take a random resized crop (see `windows.random`), rather than the
            window of unaugmented images.

    Returns:
        Function (index, seed of shape (2,)) -> uint8 tensor of shape (height, width, channels).
    """
    height, width, _ = split.image_shape
    pixels = _cropper(split)

    def read(index: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        def window(shape: tf.Tensor) -> tf.Tensor:
            if random_crop:
                return windows.random(shape, width / height, seed)
            centre = isinstance(split, EncodedSplit) and split.centre
            return _unaugmented(split.image_shape, centre)(shape)

        image = windows.resize(pixels(index, window), (height, width))
        return tf.ensure_shape(image, split.image_shape)

    return read


def _unaugmented(image_shape: tuple[int, int, int], centre: bool) -> Window:
    """Returns the window of images that are not augmented; see `EncodedSplit`."""
    height, width, _ = image_shape
    if centre:
        return lambda shape: windows.centre(shape, width / height)
    return windows.whole


def _cropper(split: AnySplit) -> Callable[[tf.Tensor, Window], tf.Tensor]:
    """Returns a function (index, window) -> the pixels in that window."""
    channels = split.image_shape[2]
    if isinstance(split, Split):
        with tf.device("CPU"):
            images = tf.constant(split.images)

        def crop(index: tf.Tensor, window: Window) -> tf.Tensor:
            top, left, height, width = tf.unstack(window(tf.shape(images)[1:3]))
            return images[index][top : top + height, left : left + width]

        return crop
    read = split.contents.reader()
    if split.orientations is None:
        return lambda index, window: decode_again(read(index), channels, window)
    with tf.device("CPU"):
        orientations = tf.constant(split.orientations.astype(np.int32))
    return lambda index, window: decode_again(
        read(index), channels, window, tf.gather(orientations, index)
    )


def _checking_reader(split: EncodedSplit) -> Callable[[tf.Tensor], tf.Tensor]:
    """Returns a function that reads one image, unaugmented, and fails if it cannot be used."""
    read = split.contents.reader()
    decode_one = checking_decoder(
        split.image_shape, split.centre, split.max_megapixels, split.formats
    )
    return lambda index: decode_one(read(index))


@functools.lru_cache(maxsize=4)  # training and test images share it: tracing it takes time
def checking_decoder(
    image_shape: tuple[int, int, int],
    centre: bool,
    max_megapixels: float,
    formats: tuple[str, ...] = tuple(FORMATS),
) -> Callable[[tf.Tensor], tf.Tensor]:
    """Returns a function of an encoded image to the image, unaugmented; see `EncodedSplit`."""
    height, width, channels = image_shape
    window = _unaugmented(image_shape, centre)

    def decode_one(content: tf.Tensor) -> tf.Tensor:
        image = decode(content, channels, window, max_megapixels, formats)
        return tf.ensure_shape(windows.resize(image, (height, width)), image_shape)

    signature = [tf.TensorSpec([], tf.string)]
    traced: Callable[[tf.Tensor], tf.Tensor] = tf.function(
        decode_one, input_signature=signature, autograph=False
    )
    return traced


def images_at_once(image_shape: Sequence[int]) -> int:
    """Returns how many images to decode per step of reading a whole split, by their memory.

    >>> images_at_once((32, 32, 3)), images_at_once((4000, 4000, 3))
    (500, 1)
    """
    return max(1, min(_MOST_IMAGES, _BYTES_AT_ONCE // max(1, math.prod(image_shape))))


def decoded_batches(split: EncodedSplit) -> Iterator[npt.NDArray[np.uint8]]:
    """Yields all images in order, unaugmented, as arrays (n, height, width, channels).

    A batch has as many images as `images_at_once` says, the last one what is left.

    Raises:
        DataError: If an image cannot be decoded; the message names it. Or if memory is too small.
    """
    count = images_at_once(split.image_shape)
    images = tf.data.Dataset.range(split.num_images).map(
        _checking_reader(split), num_parallel_calls=tf.data.AUTOTUNE, deterministic=True
    )
    start, failure = 0, None
    with held_back_stderr():  # the decoders log lines of their own about damaged images
        try:
            for batch in images.batch(count).prefetch(1).as_numpy_iterator():
                yield batch
                start += len(batch)
        except (tf.errors.ResourceExhaustedError, MemoryError):
            failure = out_of_memory(split)
        except tf.errors.OpError as error:
            failure = _first_failure(split, start, error)
    if failure is not None:
        raise failure


def out_of_memory(split: AnySplit) -> DataError:
    """Returns the error that there is not enough memory for the images of a split."""
    shape = "x".join(map(str, split.image_shape))
    return DataError(
        f"there is not enough memory to decode {split.num_images:,} images of {shape}; set "
        "--image_size to resize them to less, or free some memory"
    )


def _first_failure(split: EncodedSplit, start: int, cause: tf.errors.OpError) -> DataError:
    """Returns an error about the first image, starting at an index, that cannot be decoded.

    Args:
        split: The images.
        start: Index of the first image that may be it.
        cause: Why a batch of them could not be decoded.
    """
    read = _checking_reader(split)
    for index in range(start, split.num_images):
        try:
            read(tf.constant(index, tf.int64))
        except tf.errors.ResourceExhaustedError:
            return out_of_memory(split)
        except tf.errors.OpError as error:
            return DataError(f"{split.contents.name(index)} {explained(error)}")
    return DataError(f"the images could not be read ({_reason(cause)})")


def explained(error: tf.errors.OpError) -> str:
    """Returns why an image could not be decoded, as the end of "<path> …"."""
    problem = encoded.problem_of(str(error.message))
    return problem or f"is damaged ({_reason(error)}); replace or remove it"


def _reason(error: tf.errors.OpError) -> str:
    """Returns the message without the places in TensorFlow's graph that it names."""
    lines = _PLACE.sub("", str(error.message)).splitlines()
    words = " ".join(line for line in lines if not _PLACE_LINE.match(line)).split()
    return printable(" ".join(words).removesuffix("[[]]").rstrip())


def in_memory(split: AnySplit) -> Split:
    """Returns a split in memory; decodes its images if they are on disk.

    Raises:
        DataError: See `decoded_batches`.
    """
    if isinstance(split, Split):
        return split
    try:
        images = np.empty((split.num_images, *split.image_shape), np.uint8)
    except MemoryError as error:
        raise out_of_memory(split) from error
    start = 0
    for batch in decoded_batches(split):
        images[start : start + len(batch)] = batch
        start += len(batch)
    return Split(images, split.labels)


def resized(split: Split, size: tuple[int, int]) -> Split:
    """Resizes the images of a split in memory to a given height and width."""
    count = images_at_once((*size, split.image_shape[2]))
    images = [
        windows.resize(split.images[i : i + count], size) for i in range(0, split.num_images, count)
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
