"""Headers of image files, as Pillow writes them."""

import io

import numpy as np
import pytest
from PIL import Image

from pdarts_tf.data.image_header import Header, HeaderError, read_header


def encoded(mode, kind, size=(7, 5), **options):
    """A file of 7 pixels width and 5 height."""
    buffer = io.BytesIO()
    Image.new(mode, size).save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("mode", "kind", "channels"),
    [
        ("L", "PNG", 1),
        ("1", "PNG", 1),
        ("RGB", "PNG", 3),
        ("P", "PNG", 3),
        ("RGBA", "PNG", 4),
        ("L", "JPEG", 1),
        ("RGB", "JPEG", 3),
        ("L", "BMP", 1),
        ("RGB", "BMP", 3),
        ("RGBA", "BMP", 4),
        ("P", "GIF", 3),
        ("LA", "PNG", 4),
        ("RGB", "WEBP", 3),
        ("RGBA", "WEBP", 4),
        ("L", "WEBP", 3),
    ],
)
def test_size_and_channels_are_read(mode, kind, channels):
    assert read_header(io.BytesIO(encoded(mode, kind))) == Header(5, 7, channels)


def test_a_progressive_jpeg_with_a_comment_is_read():
    content = encoded("RGB", "JPEG", progressive=True, comment=b"\xff\xc0" * 500)
    assert read_header(io.BytesIO(content)) == Header(5, 7, 3)


@pytest.mark.parametrize(
    ("mode", "kind", "reason"),
    [
        ("I;16", "PNG", "16 bits per channel"),
        ("CMYK", "JPEG", "4 channels of CMYK"),
        ("1", "BMP", "1 bits per pixel"),
        ("RGB", "TIFF", "is not a PNG, JPEG, BMP, GIF or WebP"),
    ],
)
def test_other_pixels_are_refused(mode, kind, reason):
    with pytest.raises(HeaderError, match=reason):
        read_header(io.BytesIO(encoded(mode, kind)))


def test_a_bmp_with_a_palette_of_colours_is_refused():
    buffer = io.BytesIO()
    Image.fromarray(np.full((5, 7, 3), (9, 200, 50), np.uint8)).convert("P").save(buffer, "BMP")
    with pytest.raises(HeaderError, match="colour palette"):
        read_header(io.BytesIO(buffer.getvalue()))


@pytest.mark.parametrize("content", [b"", b"text", b"BMtext", b"GIxxxxxxxxxxxxxxxxxx"])
def test_what_is_no_image_is_refused(content):
    with pytest.raises(HeaderError):
        read_header(io.BytesIO(content))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "GIF", "WEBP"])
def test_a_file_that_ends_within_its_header_is_refused(kind):
    mode = "P" if kind == "GIF" else "RGB"
    with pytest.raises(HeaderError, match="truncated"):
        read_header(io.BytesIO(encoded(mode, kind)[:9]))
