"""The decoder of single images, in a graph: one for training, testing and serving."""

import functools
from collections.abc import Callable, Collection

import tensorflow as tf

from pdarts_tf.data import encoded, upright, windows
from pdarts_tf.data.exif import UPRIGHT
from pdarts_tf.data.gif_frames import FRAMES
from pdarts_tf.data.image_header import FORMATS, MAX_MEGAPIXELS, NO_ALPHA, TOO_SHORT

CPU = "/device:CPU:0"
"""Device that decodes images; no other can."""
Window = Callable[[tf.Tensor], tf.Tensor]
"""Function from (height, width), int32 of shape (2,), to a window of shape (4,); see `windows`."""
_Decoder = Callable[[tf.Tensor, Window, int], tf.Tensor]  # (content, window, channels) -> image
_Way = Callable[[_Decoder, encoded.Encoded, Window, int], tf.Tensor]


def decode(
    content: tf.Tensor,
    channels: int,
    window: Window = windows.whole,
    max_megapixels: float = MAX_MEGAPIXELS,
    formats: Collection[str] = tuple(FORMATS),
) -> tf.Tensor:
    """Decodes a window of an image.

    The image is turned as its EXIF orientation says. Of a JPEG, only the part that the window needs
    is decoded. What cannot be used, see `image_header`, is an error before anything is decoded.

    Args:
        content: String tensor with the bytes of an image; of a GIF its first frame counts.
        channels: Number of channels of the result, 1, 3 or 4: grey images are converted to colour
            and coloured ones to grey as needed, and alpha is left out. 4 requires an image with
            alpha.
        window: Window of the image as it is shown.
        max_megapixels: Millions of pixels that an image may have.
        formats: Names out of `image_header.FORMATS` that it may have; see `encoded.inspect`.

    Returns:
        uint8 tensor of shape (height, width, channels).
    """

    def inspected() -> tf.Tensor:
        with tf.device(CPU):  # in a function of its own, which knows no device from outside
            return _inspected(content, channels, window, max_megapixels, formats)

    if channels == 4 or max_megapixels < encoded.PLAIN_MEGAPIXELS or "PNG" not in formats:
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
            lambda: _turned_by(decoder, content, window, channels, orientation),
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
    content: tf.Tensor,
    channels: int,
    window: Window,
    max_megapixels: float,
    formats: Collection[str],
) -> tf.Tensor:
    """Decodes an image of which nothing is known."""
    image = encoded.inspect(content, channels, max_megapixels, formats)
    # One branch out of all: every other way to choose takes more operations.
    by_format = {name: {"JPEG": _jpeg, "GIF": _gif}.get(name, _other) for name in formats}
    ways: list[tuple[_Way, _Decoder]] = [
        (way, decoder)
        for way in (_stored, _turned)
        for decoder in dict.fromkeys(by_format.values())
        if not (way is _turned and decoder is _gif)  # a GIF has no orientation
    ]
    branches = [lambda: encoded.failure(image, channels, max_megapixels)]
    branches += [functools.partial(way, decoder, image, window, channels) for way, decoder in ways]

    def places(way: _Way) -> list[int]:
        """Returns the branch for each kind of images; the first kind is none."""
        found = [(way, by_format.get(name)) for name in FORMATS]
        return [0, *(ways.index(each) + 1 if each in ways else 0 for each in found)]

    is_upright = tf.equal(image.orientation, UPRIGHT)
    branch = tf.where(is_upright, places(_stored), places(_turned))[image.kind]
    return tf.switch_case(tf.where(tf.equal(image.problem, 0), branch, 0), branches)


def _stored(decoder: _Decoder, image: encoded.Encoded, window: Window, channels: int) -> tf.Tensor:
    """Decodes an image that is stored upright."""
    return decoder(image.content, window, channels)


def _turned(decoder: _Decoder, image: encoded.Encoded, window: Window, channels: int) -> tf.Tensor:
    """Decodes an image that is not stored upright."""
    return _turned_by(decoder, image.content, window, channels, image.orientation)


def _turned_by(
    decoder: _Decoder, content: tf.Tensor, window: Window, channels: int, orientation: tf.Tensor
) -> tf.Tensor:
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
