"""The decoder of single images, in a graph: one for training, testing and serving."""

from collections.abc import Callable

import tensorflow as tf

from pdarts_tf.data import encoded, upright, windows
from pdarts_tf.data.exif import UPRIGHT
from pdarts_tf.data.gif_frames import FRAMES
from pdarts_tf.data.image_header import MAX_MEGAPIXELS, NO_ALPHA, TOO_SHORT

Window = Callable[[tf.Tensor], tf.Tensor]
"""Function from (height, width), int32 of shape (2,), to a window of shape (4,); see `windows`."""
_Decoder = Callable[[tf.Tensor, Window, int], tf.Tensor]  # (content, window, channels) -> image


def decode(
    content: tf.Tensor,
    channels: int,
    window: Window = windows.whole,
    max_megapixels: float = MAX_MEGAPIXELS,
) -> tf.Tensor:
    """Decodes a window of an image.

    The image is turned as its EXIF orientation says. Of a JPEG, only the part that the window needs
    is decoded. What cannot be used, see `image_header`, is an error before anything is decoded.

    Args:
        content: String tensor with the bytes of an image in one of `image_header.FORMATS`; of a GIF
            its first frame counts.
        channels: Number of channels of the result, 1, 3 or 4: grey images are converted to colour
            and coloured ones to grey as needed, and alpha is left out. 4 requires an image with
            alpha.
        window: Window of the image as it is shown.
        max_megapixels: Millions of pixels that an image may have.

    Returns:
        uint8 tensor of shape (height, width, channels).
    """

    def inspected() -> tf.Tensor:
        return _inspected(content, channels, window, max_megapixels)

    if channels == 4 or max_megapixels < encoded.PLAIN_MEGAPIXELS:
        pixels = inspected()
    else:
        plain = encoded.is_plain_png(content)
        pixels = tf.cond(plain, lambda: _other(content, window, channels), _called(inspected))
    return tf.ensure_shape(pixels, [None, None, channels])


def decode_again(
    content: tf.Tensor,
    channels: int,
    window: Window = windows.whole,
    orientation: tf.Tensor | None = None,
) -> tf.Tensor:
    """Decodes a window of an image that `decode` has decoded before, and does not check it again.

    This takes no more operations than decoding needs, and the pixels are the same.

    Args:
        content: See `decode`.
        channels: See `decode`.
        window: See `decode`.
        orientation: See `upright`; None if the image is upright.

    Returns:
        See `decode`.
    """

    def by(decoder: _Decoder) -> tf.Tensor:
        if orientation is None:
            return decoder(content, window, channels)
        return tf.cond(
            tf.equal(orientation, UPRIGHT),
            lambda: decoder(content, window, channels),
            lambda: _turned(decoder, content, window, channels, orientation),
        )

    if channels == 4:  # no JPEG has alpha
        pixels = by(_other)
    else:
        pixels = tf.cond(tf.io.is_jpeg(content), lambda: by(_jpeg), lambda: by(_other))
    return tf.ensure_shape(pixels, [None, None, channels])


def _called(function: Callable[[], tf.Tensor]) -> Callable[[], tf.Tensor]:
    """Returns a function that stays one operation, which costs nothing where it is not called."""
    called: Callable[[], tf.Tensor] = tf.function(
        function, autograph=False, experimental_attributes={"_noinline": True}
    )
    return called


def _inspected(
    content: tf.Tensor, channels: int, window: Window, max_megapixels: float
) -> tf.Tensor:
    """Decodes an image of which nothing is known."""
    image = encoded.inspect(content, channels, max_megapixels)

    def upright_by(decoder: _Decoder) -> Callable[[], tf.Tensor]:
        return lambda: decoder(image.content, window, channels)

    def turned_by(decoder: _Decoder) -> Callable[[], tf.Tensor]:
        return lambda: _turned(decoder, image.content, window, channels, image.orientation)

    # One branch out of all: every other way to choose takes more operations.
    branches = [lambda: encoded.failure(image, channels, max_megapixels)]
    branches += [upright_by(decoder) for decoder in (_jpeg, _gif, _other)]
    branches += [turned_by(decoder) for decoder in (_jpeg, _other)]  # a GIF has no orientation
    is_upright = tf.equal(image.orientation, UPRIGHT)
    by_kind = tf.where(is_upright, [3, 3, 1, 3, 2, 3], [5, 5, 4, 5, 2, 5])
    usable = tf.equal(image.problem, 0)
    return tf.switch_case(tf.where(usable, by_kind[image.kind], 0), branches)


def _turned(
    decoder: _Decoder, content: tf.Tensor, window: Window, channels: int, orientation: tf.Tensor
) -> tf.Tensor:
    """Decodes an image that is not stored upright."""

    def stored(shape: tf.Tensor) -> tf.Tensor:
        shown = upright.shown_shape(shape, orientation)
        return upright.stored_window(window(shown), shown, orientation)

    return upright.turned(decoder(content, stored, channels), orientation)


def _jpeg(content: tf.Tensor, window: Window, channels: int) -> tf.Tensor:
    if channels == 4:
        return encoded.never(NO_ALPHA, channels)
    shape = tf.io.extract_jpeg_shape(content)[:2]
    return tf.io.decode_and_crop_jpeg(content, window(shape), channels)


def _gif(content: tf.Tensor, window: Window, channels: int) -> tf.Tensor:
    """Decodes what `gif_frames.single_frame` has made."""
    frames = tf.io.decode_gif(content)
    return tf.cond(
        tf.equal(tf.shape(frames)[0], FRAMES),
        lambda: _with_channels(_crop(frames[0], window), channels),
        lambda: encoded.never(TOO_SHORT, channels),
    )


def _other(content: tf.Tensor, window: Window, channels: int) -> tf.Tensor:
    image = tf.io.decode_image(content, expand_animations=False)
    return _with_channels(_crop(image, window), channels)


def _crop(image: tf.Tensor, window: Window) -> tf.Tensor:
    top, left, height, width = tf.unstack(window(tf.shape(image)[:2]))
    return image[top : top + height, left : left + width]


def _with_channels(image: tf.Tensor, channels: int) -> tf.Tensor:
    """Converts an image of 1 to 4 channels: grey, grey and alpha, RGB, RGB and alpha."""
    found = tf.shape(image)[2]
    if channels == 1:
        return _to_grey(image)
    if channels == 3:
        grey = image[..., : tf.where(found < 3, 1, 3)]
        return tf.broadcast_to(grey, tf.concat([tf.shape(image)[:2], [channels]], 0))
    return tf.cond(found == 4, lambda: image, lambda: tf.gather(image, [0, 0, 0, 1], axis=-1))


def _to_grey(image: tf.Tensor) -> tf.Tensor:
    """Returns the luma of a coloured image, or the first channel of another: (height, width, 1)."""
    return tf.cond(
        tf.shape(image)[2] >= 3,
        lambda: tf.image.rgb_to_grayscale(image[..., :3]),
        lambda: image[..., :1],
    )
