"""Headers of image files: format, size and channels.

Reading them finds, before any image is decoded, files that are not images, and images whose pixels
TensorFlow would silently change: 16 bits per channel, CMYK, palettes of BMP files.
"""

import struct
from dataclasses import dataclass
from typing import BinaryIO

_PNG_CHANNELS = {0: 1, 2: 3, 3: 3, 6: 4}  # by colour type; a palette (3) becomes colours
_PNG_GREY_ALPHA = 4
_BMP_CHANNELS = {8: 1, 24: 3, 32: 4}  # by bits per pixel
_BMP_HEADER = 40  # bytes of the oldest header that TensorFlow reads
_GREY_PALETTE = bytes(value for grey in range(256) for value in (grey, grey, grey))
# JPEG starts of frame: 0xC0 to 0xCF, except tables (C4), extensions (C8) and arithmetic (CC).
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})  # markers without a segment
_JPEG_DATA = 0xDA


class HeaderError(ValueError):
    """Raised if a file cannot be used as an image; the message continues "<path> …"."""


@dataclass(frozen=True)
class Header:
    """Size and channels of an image, known before it is decoded.

    Args:
        height: Height in pixels.
        width: Width in pixels.
        channels: 1 for grey, 3 for RGB, 4 for RGB with alpha.
    """

    height: int
    width: int
    channels: int


def read_header(file: BinaryIO) -> Header:
    """Reads the header of a PNG, JPEG, BMP or GIF file, recognized by its content.

    Raises:
        HeaderError: If the file is none of these, ends within its header, or has pixels in an
            unsupported format.

    Example:

    >>> import io
    >>> read_header(io.BytesIO(b"GIF89a" + bytes([3, 0, 2, 0])))
    Header(height=2, width=3, channels=3)
    """
    start = file.read(2)
    file.seek(0)
    readers = {b"\x89P": _png, b"\xff\xd8": _jpeg, b"BM": _bmp, b"GI": _gif}
    if start not in readers:
        raise HeaderError("is not a PNG, JPEG, BMP or GIF image")
    header = readers[start](file)
    if header.height < 1 or header.width < 1:
        raise HeaderError(f"has {header.height}x{header.width} pixels")
    return header


def _read(file: BinaryIO, size: int) -> bytes:
    data = file.read(size)
    if len(data) < size:
        raise HeaderError("ends within its header; it is truncated")
    return data


def _png(file: BinaryIO) -> Header:
    magic, kind, width, height, bits, colour = struct.unpack(">8s4x4sIIBB", _read(file, 26))
    if magic != b"\x89PNG\r\n\x1a\n" or kind != b"IHDR":
        raise HeaderError("is not a PNG image, although it begins like one")
    if bits == 16:
        raise HeaderError("has 16 bits per channel, expected 8; convert it")
    if colour == _PNG_GREY_ALPHA:
        raise HeaderError("has 2 channels, grey and alpha, expected 1, 3 or 4; convert it")
    if colour not in _PNG_CHANNELS:
        raise HeaderError(f"has an unknown PNG colour type, {colour}")
    return Header(height, width, _PNG_CHANNELS[colour])


def _jpeg(file: BinaryIO) -> Header:
    _read(file, 2)
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
        _read(file, length - 2)
    bits, height, width, channels = struct.unpack(">BHHB", _read(file, 6))
    if bits != 8:
        raise HeaderError(f"has {bits} bits per channel, expected 8; convert it")
    if channels == 4:
        raise HeaderError("has the 4 channels of CMYK, expected grey or RGB; convert it")
    if channels not in (1, 3):
        raise HeaderError(f"has {channels} channels, expected 1 or 3; convert it")
    return Header(height, width, channels)


def _bmp(file: BinaryIO) -> Header:
    pixels, size, width, height, _, bits, compression = struct.unpack(
        "<10xIIiiHHI", _read(file, 34)
    )
    if size < _BMP_HEADER or bits not in _BMP_CHANNELS or compression not in (0, 3):
        raise HeaderError(f"is a compressed BMP or has {bits} bits per pixel; convert it to PNG")
    if bits == 8:
        _read(file, size - 20)
        palette = _read(file, max(0, pixels - 14 - size))
        colours = bytes(v for i, v in enumerate(palette) if i % 4 != 3)
        if not _GREY_PALETTE.startswith(colours):
            raise HeaderError("is a BMP with a colour palette; convert it to PNG")
    return Header(abs(height), width, _BMP_CHANNELS[bits])


def _gif(file: BinaryIO) -> Header:
    magic, width, height = struct.unpack("<6sHH", _read(file, 10))
    if magic not in (b"GIF87a", b"GIF89a"):
        raise HeaderError("is not a GIF image, although it begins like one")
    return Header(height, width, 3)
