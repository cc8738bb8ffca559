"""Headers of image files: format, size and channels.

Reading them finds, before any image is decoded, files that are not images, images that are too
large, and images whose pixels TensorFlow would silently change: 16 bits per channel, CMYK, palettes
of BMP files. `pdarts_tf.data.encoded` applies the same rules in a graph.
"""

import os
import struct
from dataclasses import dataclass
from typing import BinaryIO

from pdarts_tf.data.exif import UPRIGHT, read_orientation, swaps_sides

FORMATS = {
    "PNG": (".png",),
    "JPEG": (".jpg", ".jpeg"),
    "BMP": (".bmp",),
    "GIF": (".gif",),
    "WebP": (".webp",),
}
"""Formats that training, testing and serving read, and the suffixes of their files."""
SUFFIXES = tuple(suffix for suffixes in FORMATS.values() for suffix in suffixes)

NAMES = "PNG, JPEG, BMP, GIF or WebP"
MAX_MEGAPIXELS = 64.0
"""Larger images are refused by default; an image of 64 megapixels takes 192 MB decoded."""

# Problems of images; their messages continue "<path> …".
TRUNCATED = "ends within its header; it is truncated"
SIXTEEN_BITS = "has 16 bits per channel, expected 8; convert it"
CMYK = "has the 4 channels of CMYK, expected grey or RGB; convert it"
COMPRESSED_BMP = "is a compressed BMP or has {} bits per pixel; convert it to PNG"
PALETTE = "is a BMP with a colour palette; convert it to PNG"
TOO_SHORT = "has too little data for its size; it is truncated"
CHANNELS = "has {} channels, expected 1 or 3; convert it"
NOT_PNG = "is not a PNG image, although it begins like one"
PNG_COLOUR = "has an unknown PNG colour type, {}"
GIF_FRAME = "has no complete first frame; it is truncated or damaged"
GIF_CANVAS = "has a first frame that does not cover its canvas; convert it to PNG"
NO_WEBP = "is damaged: its WebP header is missing"
NO_ALPHA = "has no alpha channel, unlike the images that this model was trained on"
ANIMATED = "is an animated WebP, expected a single image; convert it"

PNG_CHANNELS = {0: 1, 2: 3, 3: 3, 4: 4, 6: 4}  # by colour type: a palette (3) becomes colours,
# and grey with alpha (4) becomes colours with alpha
BMP_CHANNELS = {8: 1, 24: 3, 32: 4}  # by bits per pixel
BMP_HEADER = 40  # bytes of the oldest header that TensorFlow reads
BMP_MASKS = (0xFF0000, 0xFF00, 0xFF)  # of red, green and blue, the order that TensorFlow reads
WEBP_ALPHA, WEBP_ANIMATION = 0x10, 0x02  # flags of its extended header

PNG_FIRST = 33  # bytes up to the end of the first chunk
WEBP_HEADER = 30  # bytes up to the end of the size, whichever kind it is
WEBP_LOSSLESS, WEBP_LOSSY = 0x2F, 0x2A019D  # what pixels begin with
EXIF = b"Exif\0\0"  # what EXIF begins with in JPEG, and of some writers in WebP

_STARTS = {b"\x89P": "PNG", b"\xff\xd8": "JPEG", b"BM": "BMP", b"GI": "GIF", b"RI": "WebP"}
_GREY_PALETTE = bytes(value for grey in range(256) for value in (grey, grey, grey))
_EXIF_SIZE = 2**16
# JPEG starts of frame: 0xC0 to 0xCF, except tables (C4), extensions (C8) and arithmetic (CC).
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})  # markers without a segment
_JPEG_DATA = 0xDA
_JPEG_EXIF = 0xE1


class HeaderError(ValueError):
    """Raised if a file cannot be used as an image; the message continues "<path> …"."""


@dataclass(frozen=True)
class Header:
    """Size and channels of an image, known before it is decoded.

    Args:
        height: Height in pixels of the image as it is shown, upright.
        width: Width in pixels of the image as it is shown.
        channels: 1 for grey, 3 for RGB, 4 for RGB with alpha.
        orientation: Orientation in EXIF, 1 to 8: the image is stored turned unless it is 1.
    """

    height: int
    width: int
    channels: int
    orientation: int = UPRIGHT


def read_header(file: BinaryIO, max_megapixels: float = MAX_MEGAPIXELS) -> Header:
    """Reads the header of an image file, whose format is recognized by its content.

    Args:
        file: The file, from its start.
        max_megapixels: Millions of pixels that an image may have.

    Raises:
        HeaderError: If the file has none of the `FORMATS`, ends within its header, or has too many
            pixels, or pixels in an unsupported form.

    Example:

    >>> import io
    >>> read_header(io.BytesIO(b"GIF89a" + bytes([3, 0, 2, 0])))
    Header(height=2, width=3, channels=3, orientation=1)
    """
    readers = {"PNG": _png, "JPEG": _jpeg, "BMP": _bmp, "GIF": _gif, "WebP": _webp}
    name = read_format(file)
    if name is None:
        raise HeaderError(f"is not a {NAMES} image")
    header = readers[name](file)
    if header.height < 1 or header.width < 1:
        raise HeaderError(f"has {header.height}x{header.width} pixels")
    if header.height * header.width > max_megapixels * 1e6:
        raise HeaderError(
            f"has {header.height}x{header.width} pixels, more than --max_megapixels="
            f"{max_megapixels:g}; make it smaller, or raise the limit if there is memory for it"
        )
    return header


def read_format(file: BinaryIO) -> str | None:
    """Returns the format that a file begins like, one of `FORMATS`, or None.

    Args:
        file: The file, which is at its start afterwards.
    """
    file.seek(0)
    start = file.read(2)
    file.seek(0)
    return _STARTS.get(start)


def _upright(height: int, width: int, channels: int, orientation: int) -> Header:
    """Returns the header of an image that is stored with an orientation."""
    if swaps_sides(orientation):
        height, width = width, height
    return Header(height, width, channels, orientation)


def _read(file: BinaryIO, size: int) -> bytes:
    data = file.read(size)
    if len(data) < size:
        raise HeaderError(TRUNCATED)
    return data


def _png(file: BinaryIO) -> Header:
    magic, kind, width, height, bits, colour = struct.unpack(">8s4x4sIIBB", _read(file, 26))
    if magic != b"\x89PNG\r\n\x1a\n" or kind != b"IHDR":
        raise HeaderError(NOT_PNG)
    if bits == 16:
        raise HeaderError(SIXTEEN_BITS)
    if colour not in PNG_CHANNELS:
        raise HeaderError(PNG_COLOUR.format(colour))
    return _upright(height, width, PNG_CHANNELS[colour], _png_orientation(file))


def _png_orientation(file: BinaryIO) -> int:
    """Returns the orientation in the chunk eXIf, which may stand before or after the pixels."""
    file.seek(PNG_FIRST)
    while len(head := file.read(8)) == 8:
        length, kind = struct.unpack(">I4s", head)
        if kind == b"eXIf":
            return read_orientation(file.read(min(length, _EXIF_SIZE)))
        if kind == b"IEND":
            break
        file.seek(length + 4, os.SEEK_CUR)
    return UPRIGHT


def _jpeg(file: BinaryIO) -> Header:
    _read(file, 2)
    orientation = None
    while True:
        if _read(file, 1) != b"\xff":
            raise HeaderError("is damaged: a JPEG marker is missing")
        marker = 0xFF
        while marker == 0xFF:  # any number of fill bytes
            marker = _read(file, 1)[0]
        if marker in _JPEG_ALONE:
            continue
        (length,) = struct.unpack(">H", _read(file, 2))
        if marker in _JPEG_FRAMES:
            break
        if marker == _JPEG_DATA or length < 2:
            raise HeaderError("is damaged: its JPEG frame header is missing")
        segment = _read(file, length - 2)
        if marker == _JPEG_EXIF and orientation is None and segment.startswith(EXIF):
            orientation = read_orientation(segment[len(EXIF) :])
    bits, height, width, channels = struct.unpack(">BHHB", _read(file, 6))
    if bits != 8:
        raise HeaderError(f"has {bits} bits per channel, expected 8; convert it")
    if channels == 4:
        raise HeaderError(CMYK)
    if channels not in (1, 3):
        raise HeaderError(CHANNELS.format(channels))
    return _upright(height, width, channels, orientation or UPRIGHT)


def _bmp(file: BinaryIO) -> Header:
    head = _read(file, 34)
    pixels, size, width, height, _, bits, compression = struct.unpack("<10xIIiiHHI", head)
    if size < BMP_HEADER or bits not in BMP_CHANNELS or compression not in (0, 3):
        raise HeaderError(COMPRESSED_BMP.format(bits))
    if compression == 3:
        _read(file, 20)
        if struct.unpack("<III", _read(file, 12)) != BMP_MASKS:
            raise HeaderError(COMPRESSED_BMP.format(bits))
    if bits == 8:
        file.seek(14 + size)
        palette = _read(file, min(max(0, pixels - 14 - size), 4 * 256))
        colours = bytes(v for i, v in enumerate(palette) if i % 4 != 3)
        if not _GREY_PALETTE.startswith(colours):
            raise HeaderError(PALETTE)
    return Header(abs(height), width, BMP_CHANNELS[bits])


def _gif(file: BinaryIO) -> Header:
    magic, width, height = struct.unpack("<6sHH", _read(file, 10))
    if magic not in (b"GIF87a", b"GIF89a"):
        raise HeaderError("is not a GIF image, although it begins like one")
    return Header(height, width, 3)


def _webp(file: BinaryIO) -> Header:
    head = _read(file, WEBP_HEADER)
    if head[:4] != b"RIFF" or head[8:12] != b"WEBP":
        raise HeaderError(f"is not a {NAMES} image")
    kind = head[12:16]
    if kind == b"VP8 " and head[23:26] == b"\x9d\x01\x2a":
        width, height = struct.unpack("<HH", head[26:30])
        return Header(height & 0x3FFF, width & 0x3FFF, 3)
    if kind == b"VP8L" and head[20] == WEBP_LOSSLESS:
        (bits,) = struct.unpack("<I", head[21:25])
        return Header((bits >> 14 & 0x3FFF) + 1, (bits & 0x3FFF) + 1, 4 if bits >> 28 & 1 else 3)
    if kind != b"VP8X":
        raise HeaderError(NO_WEBP)
    if head[20] & WEBP_ANIMATION:
        raise HeaderError(ANIMATED)
    height, width = (int.from_bytes(head[place : place + 3], "little") + 1 for place in (27, 24))
    alpha, orientation = _webp_chunks(file, bool(head[20] & WEBP_ALPHA))
    return _upright(height, width, 4 if alpha else 3, orientation)


def _webp_chunks(file: BinaryIO, alpha: bool) -> tuple[bool, int]:
    """Returns whether an extended WebP has an alpha channel, given its flag, and its orientation.

    Of lossless pixels their own flag counts, as in the decoder.
    """
    orientation = UPRIGHT
    file.seek(WEBP_HEADER)
    while len(head := file.read(8)) == 8:
        kind, length = struct.unpack("<4sI", head)
        content = (
            file.read(min(length, _EXIF_SIZE)) if kind == b"EXIF" else file.read(min(length, 5))
        )
        if kind == b"VP8L" and len(content) == 5:
            alpha = bool(content[4] >> 4 & 1)
        elif kind == b"ALPH":
            alpha = True
        elif kind == b"EXIF":
            orientation = read_orientation(content.removeprefix(EXIF))
        file.seek(length + length % 2 - len(content), os.SEEK_CUR)
    return alpha, orientation
