"""Images turned as their EXIF orientation says, in a graph.

Orientations are int32 tensors of shape (), 1 to 8: an image is stored transposed from 5 on, and
then mirrored as below.
"""

import tensorflow as tf

from pdarts_tf.data.byte_strings import length, numbers, part, values
from pdarts_tf.data.exif import UPRIGHT

_ORIENTATION = 0x0112
_SHORT = 3
_ENTRY = 12  # bytes of an entry of a TIFF directory
_TRANSPOSED = (False, False, False, False, True, True, True, True)
_ROWS_MIRRORED = (False, False, True, True, False, False, True, True)
_COLUMNS_MIRRORED = (False, True, True, False, False, True, True, False)


def tiff_orientation(tiff: tf.Tensor) -> tf.Tensor:
    """Returns the orientation in a TIFF header, as `exif.read_orientation` does.

    Args:
        tiff: String tensor of shape (), from the byte order on.
    """
    order = part(tiff, 0, 4)
    big = tf.equal(order, b"MM\0*")

    def number(start: int | tf.Tensor, size: int) -> tf.Tensor:
        digits = values(part(tiff, start, size), size)
        little, great = (numbers(digits, (0, size), big_endian=each)[0] for each in (False, True))
        return tf.where(big, great, little)

    directory = number(4, 4)
    # Whole entries only, should the header end within one.
    whole = tf.maximum(length(tiff) - directory - 2, 0) // _ENTRY
    entries = part(tiff, directory + 2, _ENTRY * tf.minimum(number(directory, 2), whole))
    pairs = tf.reshape(tf.cast(tf.io.decode_raw(entries, tf.uint8), tf.int32), [-1, 6, 2])
    words = tf.where(big, 256 * pairs[..., 0] + pairs[..., 1], 256 * pairs[..., 1] + pairs[..., 0])
    found = tf.boolean_mask(words, words[:, 0] == _ORIENTATION)
    _, kind, one, other, value, _ = tf.unstack(tf.concat([found, tf.zeros([1, 6], tf.int32)], 0)[0])
    single = tf.where(big, (one == 0) & (other == 1), (one == 1) & (other == 0))
    known = big | tf.equal(order, b"II*\0")
    valid = known & (kind == _SHORT) & single & (value >= 1) & (value <= 8)
    return tf.where(valid, value, UPRIGHT)


def shown_shape(shape: tf.Tensor, orientation: tf.Tensor) -> tf.Tensor:
    """Returns height and width of an image as it is shown, of shape (2,), from those stored."""
    return tf.where(_is(_TRANSPOSED, orientation), shape[::-1], shape)


def stored_window(window: tf.Tensor, shape: tf.Tensor, orientation: tf.Tensor) -> tf.Tensor:
    """Returns the window of the stored image that is shown in a window of the shown one.

    Args:
        window: Window of the shown image, see `windows`.
        shape: Height and width of the shown image, int32 of shape (2,).
        orientation: The orientation.

    Example:

    >>> stored_window([0, 1, 2, 3], tf.constant([10, 20]), tf.constant(6)).numpy().tolist()
    [16, 0, 3, 2]
    """
    top, left, height, width = tf.unstack(window)
    top = tf.where(_is(_ROWS_MIRRORED, orientation), shape[0] - top - height, top)
    left = tf.where(_is(_COLUMNS_MIRRORED, orientation), shape[1] - left - width, left)
    return tf.where(
        _is(_TRANSPOSED, orientation), [left, top, width, height], [top, left, height, width]
    )


def turned(image: tf.Tensor, orientation: tf.Tensor) -> tf.Tensor:
    """Returns a stored image as it is shown.

    Args:
        image: Tensor of shape (height, width, channels).
        orientation: The orientation.

    Example:

    >>> turned(tf.constant([[[1], [2]], [[3], [4]]]), tf.constant(6))[..., 0].numpy().tolist()
    [[3, 1], [4, 2]]
    """
    axes = tf.where(_is(_TRANSPOSED, orientation), [1, 0, 2], [0, 1, 2])
    mirrored = tf.stack(
        [_is(_ROWS_MIRRORED, orientation), _is(_COLUMNS_MIRRORED, orientation), False]
    )
    return tf.raw_ops.Reverse(tensor=tf.transpose(image, axes), dims=mirrored)


def _is(table: tuple[bool, ...], orientation: tf.Tensor) -> tf.Tensor:
    return tf.constant(table)[orientation - 1]
