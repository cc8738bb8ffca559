"""Encoded images of many kinds, made by Pillow or by hand, for tests of what reads them."""

import functools
import io
import struct
import zlib
from collections.abc import Callable

import numpy as np
from PIL import Image


def picture(mode="RGB", size=(30, 20), seed=0):
    """A smooth Pillow image in a mode."""
    noise = np.random.default_rng(seed).integers(0, 256, (3, 4, 4), np.uint8)
    return Image.fromarray(noise, "RGBA").resize(size, Image.Resampling.BICUBIC).convert(mode)


def encoded(image, kind, **options):
    """The bytes of a file; WebP without loss, GIF of one frame."""
    if kind == "WEBP":
        options = {"lossless": True} | options
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def with_orientation(kind, orientation, **options):
    """An image that a camera has turned."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encoded(picture(), kind, exif=exif, **options)


def png_claiming(height, width, bits=8, colour=2):
    """A PNG with the header of a large image and hardly any data."""

    def chunk(name, content):
        checksum = struct.pack(">I", zlib.crc32(name + content))
        return struct.pack(">I", len(content)) + name + content + checksum

    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    data = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(9))) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + data


def jpeg_claiming(height, width, **options):
    """A JPEG of 64x64 pixels whose header tells another size."""
    content = bytearray(encoded(picture("L", (64, 64)), "JPEG", **options))
    frame = content.index(b"\xff\xc2" if options.get("progressive") else b"\xff\xc0")
    content[frame + 5 : frame + 9] = struct.pack(">HH", height, width)
    return bytes(content)


def bmp_claiming(height, width, bits=24):
    """A BMP with the header of a large image and hardly any data."""
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, 0, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 154, 0, 0, 54) + header + bytes(100)


def gif_claiming(height, width, frames=1, frame_size=None):
    """A GIF whose frames have one pixel of data each."""
    size = struct.pack("<HH", *(frame_size or (width, height)))
    frame = b"\x2c" + bytes(4) + size + b"\0" + b"\x02\x02\x44\x01\x00"
    colours = b"\0\0\0\xff\xff\xff"
    screen = struct.pack("<HHBBB", width, height, 0x80, 0, 0)
    return b"GIF89a" + screen + colours + frame * frames + b";"


def webp_claiming(height, width):
    """A lossless WebP with the header of a large image and hardly any data."""
    content = bytearray(encoded(picture(), "WEBP"))
    content[21:25] = struct.pack("<I", (width - 1) | (height - 1) << 14)
    return bytes(content)


def animated(kind):
    """Three frames: red, darker red, black."""
    frames = [Image.new("RGB", (6, 4), (value, 0, 0)) for value in (200, 100, 0)]
    return encoded(frames[0], kind, save_all=True, append_images=frames[1:])


@functools.cache
def plain(kind):
    """A colour image in a format."""
    return encoded(picture(), kind)


CLAIMING: dict[str, Callable[[int, int], bytes]] = {
    "PNG": png_claiming,
    "JPEG": jpeg_claiming,
    "BMP": bmp_claiming,
    "GIF": gif_claiming,
    "WebP": webp_claiming,
}
