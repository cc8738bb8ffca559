"""The first frame of a GIF, in a graph.

The decoder reads all frames, whatever they take, and takes a frame with missing pixels for
complete. Here the first frame is cut out, which bounds what decoding takes by its size.
"""

import tensorflow as tf

from pdarts_tf.data.byte_strings import length, numbers, part, values

# A second frame, of one pixel, which the decoder does not reach if pixels of the first are missing.
_SECOND_FRAME = bytes.fromhex("2c 0000 0000 0100 0100 80 000000 ffffff 02 02 4401 00") + b";"
FRAMES = 2
"""Number of frames that a complete image decodes to."""

_LEAST_STEPS = 1000
_HEADER = 13
_IMAGE, _EXTENSION = 0x2C, 0x21  # first bytes of blocks
_BETWEEN, _IN_EXTENSION, _IN_IMAGE, _DONE = range(4)


def single_frame(content: tf.Tensor, head: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Returns a GIF with the first frame of another.

    Args:
        content: The GIF, a string tensor of shape ().
        head: Its first bytes, at least 13, as numbers.

    Returns:
        The new GIF, which decodes to `FRAMES` frames unless pixels are missing; whether the first
        frame ends within the content; and whether it covers the canvas.
    """
    canvas, packed = numbers(head, (6, 4), (10, 1))
    frame, end = _first_frame(content, _HEADER + _colour_bytes(packed))
    place, size = numbers(values(part(content, frame + 1, 8), 8), (0, 4), (4, 4))
    covers = tf.equal(place, 0) & tf.equal(size, canvas)
    single = tf.strings.join([part(content, 0, tf.maximum(end, 0)), _SECOND_FRAME])
    return single, end > 0, covers


def _colour_bytes(packed: tf.Tensor) -> tf.Tensor:
    """Returns the bytes of the colour table that a byte of flags announces."""
    return tf.where(packed >= 128, 3 * 2 ** (packed % 8 + 1), 0)


def _first_frame(content: tf.Tensor, start: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns where the first frame of a GIF begins and ends; the latter is -1 if it does not.

    Args:
        content: The GIF.
        start: Position of the first block.
    """
    data = tf.io.decode_raw(content, tf.uint8)
    size = length(content)
    # Blocks have up to 255 bytes, and nearly all of them have. Tiny ones would only take time.
    most_steps = _LEAST_STEPS + size // 64

    def byte(place: tf.Tensor) -> tf.Tensor:
        return tf.cast(data[tf.clip_by_value(place, 0, size - 1)], tf.int64)

    def step(
        count: tf.Tensor, place: tf.Tensor, state: tf.Tensor, frame: tf.Tensor
    ) -> tuple[tf.Tensor, ...]:
        value = byte(place)
        image, between = tf.equal(value, _IMAGE), tf.equal(state, _BETWEEN)
        # After the first byte of an image its place, size, flags and colours, and one byte more;
        # after that of an extension its kind; after anything else nothing that could be read.
        skipped = tf.where(tf.equal(value, _EXTENSION), tf.cast(2, tf.int64), size)
        skipped = tf.where(image, 11 + _colour_bytes(byte(place + 9)), skipped)
        entered = tf.where(image, _IN_IMAGE, _IN_EXTENSION)
        ended = tf.where(tf.equal(state, _IN_IMAGE), _DONE, _BETWEEN)
        going_on = tf.where(tf.equal(value, 0), ended, state)
        return (
            count + 1,
            place + tf.where(between, skipped, 1 + value),
            tf.where(between, entered, going_on),
            tf.where(between & image, place, frame),
        )

    zero = tf.zeros([], tf.int64)
    _, place, state, frame = tf.while_loop(
        lambda count, place, state, frame: (state < _DONE) & (place < size) & (count < most_steps),
        step,
        (zero, start, tf.constant(_BETWEEN), zero),
    )
    return frame, tf.where(tf.equal(state, _DONE) & (place <= size), place, -1)
