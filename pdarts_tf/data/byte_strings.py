"""Numbers in strings of bytes, in a graph.

Images are inspected one by one, so that what counts is the number of operations.
"""

import numpy as np
import numpy.typing as npt
import tensorflow as tf


def part(text: tf.Tensor, start: int | tf.Tensor, size: int | tf.Tensor) -> tf.Tensor:
    """Returns the bytes text[start : start + size], or as many of them as there are.

    Args:
        text: String tensor of shape ().
        start: Position of the first byte, at least 0.
        size: Number of bytes, at least 0.

    Example:

    >>> part(tf.constant("abcdef"), 4, 9).numpy()
    b'ef'
    """
    if isinstance(start, int) and start == 0 and isinstance(size, int):
        return tf.strings.substr(text, 0, size)
    start, size = tf.cast(start, tf.int64), tf.cast(size, tf.int64)
    return tf.strings.substr(text, tf.minimum(start, length(text)), size)


def length(text: tf.Tensor) -> tf.Tensor:
    """Returns the number of bytes, int64 of shape ()."""
    return tf.cast(tf.strings.length(text), tf.int64)


def values(text: tf.Tensor, size: int) -> tf.Tensor:
    """Returns the first bytes as numbers; zeros stand for those that are missing.

    Args:
        text: String tensor of shape ().
        size: Number of bytes.

    Returns:
        int64 tensor of shape (size,).

    Example:

    >>> values(tf.constant("AB"), 3).numpy().tolist()
    [65, 66, 0]
    """
    padded = tf.strings.join([tf.strings.substr(text, 0, size), bytes(size)])
    digits = tf.io.decode_raw(padded, tf.uint8)[:size]
    return tf.cast(tf.ensure_shape(digits, [size]), tf.int64)


def numbers(
    digits: tf.Tensor, *places: tuple[int, int], big_endian: bool = False
) -> list[tf.Tensor]:
    """Returns the numbers without a sign at some places among bytes.

    Args:
        digits: The bytes, int64 of shape (n,).
        *places: Position of the first byte of each number, and the number of its bytes, 1 to 7.
        big_endian: Whether the highest byte stands first, rather than the lowest.

    Returns:
        int64 tensors of shape ().

    Example:

    >>> [each.numpy().item() for each in numbers(tf.constant([1, 2, 3], tf.int64), (0, 2), (2, 1))]
    [513, 3]
    """
    weights: npt.NDArray[np.int64] = np.zeros((len(places), digits.shape[0]), np.int64)
    for row, (start, size) in zip(weights, places, strict=True):
        powers = 256 ** np.arange(size, dtype=np.int64)
        row[start : start + size] = powers[::-1] if big_endian else powers
    found: list[tf.Tensor] = tf.unstack(tf.reduce_sum(digits * weights, 1))
    return found


def split(text: tf.Tensor, mark: bytes, most: int = -1) -> tf.Tensor:
    """Returns the parts of a text between the occurrences of a mark, of shape (n,).

    Args:
        text: String tensor of shape ().
        mark: The mark.
        most: Number of occurrences that count; -1 for all.
    """
    return tf.raw_ops.StringSplitV2(input=[text], sep=mark, maxsplit=most).values


def after(text: tf.Tensor, mark: bytes) -> tf.Tensor:
    """Returns what follows the first occurrence of a mark, or nothing if there is none.

    >>> after(tf.constant("key=a=b"), b"=").numpy()
    b'a=b'
    """
    return tf.concat([split(text, mark, 1), ["", ""]], 0)[1]
