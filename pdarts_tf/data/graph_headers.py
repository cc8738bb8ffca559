"""Headers of encoded images of each format, in a graph; see `encoded`."""

from collections.abc import Callable, Sequence

import tensorflow as tf

from pdarts_tf.data import image_header
from pdarts_tf.data.byte_strings import after, length, numbers, part, split, values
from pdarts_tf.data.gif_frames import single_frame

UNKNOWN, PNG, JPEG, BMP, GIF, WEBP = range(6)
"""Kinds of images: none, and `image_header.FORMATS` in their order."""

HEAD_SIZE = 66
"""Bytes of the longest header, of a BMP with masks."""

_EXIF_BEFORE = 2**17  # the first bytes of a JPEG, in which its EXIF is looked for
EXIF_SIZE = 2**16
"""Bytes of EXIF that are read."""

PROBLEMS = (
    "",
    f"is not a {image_header.NAMES} image",
    image_header.TRUNCATED,
    image_header.TOO_SHORT,
    image_header.SIXTEEN_BITS,
    image_header.CMYK,
    image_header.PALETTE,
    image_header.COMPRESSED_BMP,
    image_header.ANIMATED,
    image_header.CHANNELS,
    image_header.PNG_COLOUR,
    image_header.GIF_FRAME,
    image_header.GIF_CANVAS,
    image_header.NO_WEBP,
    image_header.NOT_PNG,
    image_header.NO_ALPHA,
)
"""Messages about images that cannot be used, after their names; the first stands for none."""

# The decoder takes a JPEG that ends too early for complete, and makes the missing pixels up, if it
# meets the marker of the end. So that marker is taken away. Eight bytes (FF 00 is one) are what the
# decoder reads ahead of complete pixels; after FF FF it cannot go on, which is an error only while
# pixels are missing.
_INSTEAD_OF_END = b"\xff\x00" * 8 + b"\xff\xff"


_Read = tuple[tf.Tensor, tf.Tensor, tf.Tensor]


def code(problem: str) -> int:
    """Returns the index of a message in `PROBLEMS`."""
    return PROBLEMS.index(problem)


def first(*problems: tuple[tf.Tensor, int | tf.Tensor]) -> tf.Tensor:
    """Returns the code of the first problem whose condition holds, or 0."""
    found = tf.zeros([], tf.int64)
    for holds, code in reversed(problems):
        found = tf.where(holds, tf.cast(code, tf.int64), found)
    return found


def _fields(*fields: int | tf.Tensor) -> tf.Tensor:
    """Returns height, width, channels, problem and detail as one tensor."""
    return tf.stack([tf.cast(each, tf.int64) for each in fields])


def _unknown(content: tf.Tensor, head: tf.Tensor) -> _Read:
    return content, tf.constant(""), _fields(1, 1, 1, 1, 0)


def _png(content: tf.Tensor, head: tf.Tensor) -> _Read:
    kind, width, height, bits, colour = numbers(
        head, (12, 4), (16, 4), (20, 4), (24, 1), (25, 1), big_endian=True
    )
    table = [image_header.PNG_CHANNELS.get(each, 0) for each in range(256)]
    channels = tf.constant(table, tf.int64)[colour]
    problem = first(
        (length(content) < image_header.PNG_FIRST, code(image_header.TRUNCATED)),
        (kind != int.from_bytes(b"IHDR", "big"), code(image_header.NOT_PNG)),
        (tf.equal(bits, 16), code(image_header.SIXTEEN_BITS)),
        (tf.equal(channels, 0), code(image_header.PNG_COLOUR)),
    )
    fields = _fields(height, width, channels, problem, colour)
    return content, _png_tiff(content), fields


def _png_tiff(content: tf.Tensor) -> tf.Tensor:
    return after(content, b"eXIf")


def _no_tiff(content: tf.Tensor) -> tf.Tensor:
    return tf.constant("")


def _jpeg(content: tf.Tensor, head: tf.Tensor) -> _Read:
    found = tf.cast(tf.io.extract_jpeg_shape(content), tf.int64)
    channels = found[2]
    blocks = tf.reduce_prod((found[:2] + 7) // 8)
    problem = first(
        (tf.equal(channels, 4), code(image_header.CMYK)),
        ((channels != 1) & (channels != 3), code(image_header.CHANNELS)),
        (blocks > 8 * length(content), code(image_header.TOO_SHORT)),
    )
    fields = _fields(found[0], found[1], channels, problem, channels)
    return _without_end(content, channels), _jpeg_tiff(content), fields


def _jpeg_tiff(content: tf.Tensor) -> tf.Tensor:
    return after(part(content, 0, _EXIF_BEFORE), image_header.EXIF)


def _without_end(content: tf.Tensor, channels: tf.Tensor) -> tf.Tensor:
    """Returns a JPEG without the marker of its end, if all of it is in one scan.

    Others, such as progressive ones, are decoded only when the end has been read.
    """
    scan = split(content, b"\xff\xda")[-1]
    parts = split(scan, b"\xff\xd9", 1)
    scanned, grey, coloured = numbers(values(scan, 12), (2, 1), (5, 3), (9, 3), big_endian=True)
    spectrum = tf.where(tf.equal(channels, 1), grey, coloured)
    # All channels, coefficients 0 to 63, and all of their bits.
    single = tf.equal(scanned, channels) & tf.equal(spectrum, 0x003F00)
    kept = part(content, 0, length(content) - length(scan))
    whole = tf.strings.join([kept, parts[0], _INSTEAD_OF_END])
    return tf.where(single & (tf.size(parts) == 2), whole, content)


def _bmp(content: tf.Tensor, head: tf.Tensor) -> _Read:
    pixels, size, width, height, bits, compression, *masks = numbers(
        head, (10, 4), (14, 4), (18, 4), (22, 4), (28, 2), (30, 4), (54, 4), (58, 4), (62, 4)
    )
    supported = tf.equal(compression, 0) | (
        tf.equal(compression, 3) & _all_equal(masks, image_header.BMP_MASKS)
    )
    supported &= (size >= image_header.BMP_HEADER) & (tf.maximum(size, pixels) < 2**31)
    supported &= tf.reduce_any(tf.equal(bits, list(image_header.BMP_CHANNELS)))
    palette = part(content, 14 + size, tf.clip_by_value(pixels - 14 - size, 0, 1024))
    problem = first(
        (length(content) < 34, code(image_header.TRUNCATED)),
        (~supported, code(image_header.COMPRESSED_BMP)),
        (tf.equal(bits, 8) & ~_is_grey(palette), code(image_header.PALETTE)),
    )
    width, height = (each - 2**32 * (each // 2**31) for each in (width, height))  # with a sign
    channels = tf.maximum(bits // 8, 1)
    # A negative height says that the rows are stored from top to bottom.
    return content, _no_tiff(content), _fields(tf.abs(height), width, channels, problem, bits)


def _all_equal(found: Sequence[tf.Tensor], expected: Sequence[int]) -> tf.Tensor:
    return tf.reduce_all(tf.equal(tf.stack(found), list(expected)))


def _is_grey(palette: tf.Tensor) -> tf.Tensor:
    """Returns whether each colour of a BMP's palette is the grey of its place."""
    colours = part(palette, 0, length(palette) // 4 * 4)
    rows = tf.cast(tf.reshape(tf.io.decode_raw(colours, tf.uint8), [-1, 4])[:, :3], tf.int32)
    return tf.reduce_all(tf.equal(rows, tf.range(tf.shape(rows)[0])[:, tf.newaxis]))


def _gif(content: tf.Tensor, head: tf.Tensor) -> _Read:
    width, height = numbers(head, (6, 2), (8, 2))
    single, found, covers = single_frame(content, head)
    problem = first(
        (length(content) < 13, code(image_header.TRUNCATED)),
        (~found, code(image_header.GIF_FRAME)),
        (~covers, code(image_header.GIF_CANVAS)),
    )
    return single, _no_tiff(content), _fields(height, width, 3, problem, 0)


def _webp(content: tf.Tensor, head: tf.Tensor) -> _Read:
    kind, flags, bits, signature, lossy_size, width, height = numbers(
        head, (12, 4), (20, 1), (21, 4), (23, 3), (26, 4), (24, 3), (27, 3)
    )
    lossy, lossless, extended = (
        tf.equal(kind, int.from_bytes(name, "little")) for name in (b"VP8 ", b"VP8L", b"VP8X")
    )
    lossy &= tf.equal(signature, image_header.WEBP_LOSSY)
    lossless &= tf.equal(flags, image_header.WEBP_LOSSLESS)
    animated = extended & (flags // image_header.WEBP_ANIMATION % 2 > 0)
    problem = first(
        (length(content) < image_header.WEBP_HEADER, code(image_header.TRUNCATED)),
        (~(lossy | lossless | extended), code(image_header.NO_WEBP)),
        (animated, code(image_header.ANIMATED)),
    )
    width = tf.where(extended, width + 1, bits % 2**14 + 1)
    width = tf.where(lossy, lossy_size % 2**14, width)
    height = tf.where(extended, height + 1, bits // 2**14 % 2**14 + 1)
    height = tf.where(lossy, lossy_size // 2**16 % 2**14, height)
    alpha = extended & (flags // image_header.WEBP_ALPHA % 2 > 0)
    alpha |= lossless & (bits // 2**28 % 2 > 0)
    fields = _fields(height, width, tf.where(alpha, 4, 3), problem, 0)
    return content, _webp_tiff(content), fields


def _webp_tiff(content: tf.Tensor) -> tf.Tensor:
    extended = tf.equal(part(content, 12, 4), "VP8X")
    exif = part(after(tf.where(extended, content, ""), b"EXIF"), 4, EXIF_SIZE)
    marked = tf.equal(part(exif, 0, len(image_header.EXIF)), image_header.EXIF)
    return tf.where(marked, part(exif, len(image_header.EXIF), EXIF_SIZE), exif)


def reader(kind: int) -> Callable[[tf.Tensor, tf.Tensor], _Read]:
    """Returns the function that reads the header of a kind of images.

    Its arguments are the content of an image, and its first `HEAD_SIZE` bytes as numbers. It
    returns the content as it goes to the decoder; the TIFF header with the orientation, or nothing;
    and height, width, channels, problem and detail as one tensor, see `encoded.Encoded`.
    """
    return (_unknown, _png, _jpeg, _bmp, _gif, _webp)[kind]


def tiff_reader(kind: int) -> Callable[[tf.Tensor], tf.Tensor]:
    """Returns the function of the content of an image that returns its TIFF header, or nothing."""
    return (_no_tiff, _png_tiff, _jpeg_tiff, _no_tiff, _no_tiff, _webp_tiff)[kind]
