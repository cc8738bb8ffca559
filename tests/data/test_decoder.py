"""The one decoder of images: same rules for files and in a graph, nothing made up, nothing huge."""

import io
import re

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from pdarts_tf.data import encoded
from pdarts_tf.data.decoder import decode, decode_again
from pdarts_tf.data.image_header import FORMATS, HeaderError, read_header
from tests.encoded_images import (
    CLAIMING,
    animated,
    bmp_claiming,
    gif_claiming,
    jpeg_claiming,
    picture,
    plain,
    png_claiming,
    with_orientation,
)
from tests.encoded_images import (
    encoded as encode,
)
from tests.source_tree import ROOT

KINDS = ("PNG", "JPEG", "BMP", "GIF", "WEBP")
LOSSLESS = ("PNG", "BMP", "GIF", "WEBP")
MODES = ("L", "LA", "RGB", "RGBA", "P", "1", "CMYK", "I;16")


@pytest.fixture(scope="module")
def graphs():
    """The decoder by the number of channels, as a function of a graph."""
    signature = [tf.TensorSpec([], tf.string)]
    return {
        channels: tf.function(
            lambda content, channels=channels: decode(content, channels),
            input_signature=signature,
            autograph=False,
        )
        for channels in (1, 3, 4)
    }


@pytest.fixture
def decoded(graphs):
    """Decodes an image in a graph."""
    return lambda content, channels=3: graphs[channels](tf.constant(content)).numpy()


@pytest.fixture
def refused(graphs):
    """Why an image is not decoded; None if it is an error of TensorFlow's decoder."""

    def problem(content, channels=3):
        with pytest.raises(tf.errors.InvalidArgumentError) as error:
            graphs[channels](tf.constant(content))
        return encoded.problem_of(error.value.message)

    return problem


def written(mode, kind):
    """A file of a kind in a mode, or None if Pillow does not write it."""
    try:
        image = Image.new("I;16", (30, 20)) if mode == "I;16" else picture(mode)
        return encode(image, kind)
    except (OSError, KeyError, ValueError):
        return None


def rgb(content):
    """The pixels as Pillow shows them, turned upright, without alpha."""
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(content)))
    return np.asarray(image.convert("RGBA").convert("RGB")).astype(int)


FILES = [(m, k, c) for m in MODES for k in KINDS if (c := written(m, k)) is not None]


@pytest.mark.parametrize(("mode", "kind", "content"), FILES, ids=[f"{m}-{k}" for m, k, _ in FILES])
def test_files_and_graph_accept_the_same_and_see_what_pillow_sees(
    mode, kind, content, decoded, refused
):
    try:
        header = read_header(io.BytesIO(content))
    except HeaderError as error:
        assert refused(content) == str(error)
        return
    assert decoded(content).shape == (header.height, header.width, 3)
    if (mode, kind) not in [("P", "GIF"), ("RGBA", "GIF")]:  # of transparent pixels any colour
        tolerance = 0 if kind in LOSSLESS else 12
        np.testing.assert_allclose(decoded(content), rgb(content), atol=tolerance)
    if header.channels == 4:
        assert decoded(content, 4).shape == (header.height, header.width, 4)
    else:
        assert "has no alpha channel" in refused(content, 4)


def test_grey_with_alpha_is_grey_in_every_colour(decoded):
    image = picture("LA")
    grey, alpha = (np.asarray(part) for part in image.split())
    content = encode(image, "PNG")
    np.testing.assert_array_equal(decoded(content, 1)[..., 0], grey)
    np.testing.assert_array_equal(decoded(content, 3), np.stack([grey] * 3, -1))
    np.testing.assert_array_equal(decoded(content, 4), np.stack([grey] * 3 + [alpha], -1))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_what_a_camera_has_turned_is_shown_upright(kind, orientation, decoded):
    content = with_orientation(kind, orientation)
    header = read_header(io.BytesIO(content))
    assert (header.height, header.width) == rgb(content).shape[:2]
    assert header.orientation == orientation
    np.testing.assert_allclose(decoded(content), rgb(content), atol=12 if kind == "JPEG" else 0)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_window_is_that_of_the_image_as_it_is_shown(orientation, kind):
    # Without subsampling, or pixels at the edge would see other neighbours.
    options = {"subsampling": 0, "quality": 95} if kind == "JPEG" else {}
    content = tf.constant(with_orientation(kind, orientation, **options))
    window = [3, 5, 11, 9]
    part = decode(content, 3, lambda shape: tf.constant(window)).numpy().astype(int)
    whole = decode(content, 3).numpy().astype(int)
    np.testing.assert_allclose(part, whole[3:14, 5:14], atol=2 if kind == "JPEG" else 0)
    again = decode_again(content, 3, lambda shape: tf.constant(window), tf.constant(orientation))
    np.testing.assert_array_equal(again, part)


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_decoded_again_has_the_same_pixels(mode, kind):
    content = tf.constant(encode(picture(mode), kind))
    np.testing.assert_array_equal(decode_again(content, 3), decode(content, 3))


def test_of_a_gif_with_several_frames_the_first_is_shown(decoded):
    assert (decoded(animated("GIF")) == [200, 0, 0]).all()


def test_an_animated_webp_is_refused_since_the_decoder_would_end_the_process(refused):
    content = animated("WEBP")
    assert "is an animated WebP" in refused(content)
    with pytest.raises(HeaderError, match="is an animated WebP"):
        read_header(io.BytesIO(content))


@pytest.mark.parametrize("content", [b"", b"\xff", b"BM", b"<svg/>", b"\xff\x0a" + bytes(99)])
def test_what_has_no_format_of_the_list_is_refused(content, refused):
    assert refused(content) is not None  # the last begins like JPEG XL, which TensorFlow decodes


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(("height", "width"), [(8001, 8000), (16383, 16383)])
def test_images_that_claim_too_many_pixels_are_refused_before_they_are_decoded(
    name, height, width, refused
):
    content = CLAIMING[name](height, width)
    expected = f"has {height}x{width} pixels, more than --max_megapixels=64"
    assert refused(content) == expected
    with pytest.raises(HeaderError, match=expected):
        read_header(io.BytesIO(content))


@pytest.mark.parametrize("size", [(2**31 - 1, 2**31 - 1), (500_000_000, 1), (1, 2**30)])
def test_sizes_whose_product_is_no_number_of_a_graph_are_refused(size, refused):
    height, width = size
    assert "more than --max_megapixels=64" in refused(png_claiming(height, width, bits=1, colour=0))


def test_the_limit_may_be_moved():
    content = tf.constant(plain("PNG"))  # 600 pixels
    assert decode(content, 3, max_megapixels=0.0006).shape == (20, 30, 3)
    with pytest.raises(
        tf.errors.InvalidArgumentError, match=r"more than --max_megapixels=0\.00059"
    ):
        decode(content, 3, max_megapixels=0.00059)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (gif_claiming(8, 8, frame_size=(4, 4)), "does not cover its canvas"),
        (gif_claiming(8, 8)[:-3], "no complete first frame"),
        (bmp_claiming(8, -8), "has 8x-8 pixels"),
        (bmp_claiming(0, 8), "has 0x8 pixels"),
        (png_claiming(8, 8, bits=16), "has 16 bits per channel"),
        (png_claiming(8, 8, colour=5), "unknown PNG colour type, 5"),
        (jpeg_claiming(2000, 2000), "too little data"),
        (jpeg_claiming(4000, 4000, progressive=True), "too little data"),
    ],
)
def test_images_that_contradict_themselves_are_refused(content, problem, refused):
    assert problem in refused(content)


def test_a_gif_whose_frame_has_too_little_data_is_an_error(refused):
    refused(gif_claiming(8, 8))


def test_frames_after_the_first_take_nothing(decoded):
    first = encode(picture("P"), "GIF")
    huge = gif_claiming(30000, 30000)[19:]
    np.testing.assert_array_equal(decoded(first[:-1] + huge), decoded(first))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("eighths", range(1, 8))
def test_a_truncated_image_is_an_error(kind, eighths, refused):
    content = encode(picture(size=(64, 48)), kind)
    refused(content[: len(content) * eighths // 8])


@pytest.mark.parametrize("portion", [0.3, 0.6, 0.9])
@pytest.mark.parametrize("options", [{}, {"optimize": True}, {"subsampling": 0, "quality": 95}])
def test_a_jpeg_whose_data_ends_early_is_an_error_although_its_end_is_marked(
    portion, options, refused
):
    content = encode(picture(size=(64, 48)), "JPEG", **options)
    start = content.rindex(b"\xff\xda")
    cut = start + int((len(content) - start) * portion)
    refused(content[:cut].rstrip(b"\xff") + b"\xff\xd9")


@given(
    size=st.tuples(st.integers(1, 70), st.integers(1, 70)),
    mode=st.sampled_from(["L", "RGB"]),
    options=st.fixed_dictionaries(
        {"quality": st.integers(5, 98), "optimize": st.booleans(), "progressive": st.booleans()},
        optional={"restart_marker_blocks": st.integers(1, 6), "comment": st.binary(max_size=40)},
    ),
    behind=st.binary(max_size=20),
)
@settings(max_examples=40, deadline=None)
def test_a_complete_jpeg_has_the_pixels_that_tensorflow_gives_it(
    graphs, size, mode, options, behind
):
    content = encode(picture(mode, size), "JPEG", **options) + behind
    np.testing.assert_array_equal(graphs[3](tf.constant(content)), tf.io.decode_jpeg(content, 3))


@given(
    kind=st.sampled_from(KINDS),
    changes=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=6),
    end=st.floats(0.2, 1),
)
@settings(max_examples=150, deadline=None)
def test_damaged_images_are_decoded_or_refused(graphs, kind, changes, end):
    damaged = bytearray(plain(kind))
    for place, value in changes:
        damaged[int(place * (len(damaged) - 1))] = value
    content = bytes(damaged[: int(end * len(damaged))])
    try:
        image = graphs[3](tf.constant(content)).numpy()
    except tf.errors.InvalidArgumentError:
        return
    header = read_header(io.BytesIO(content))
    assert image.shape == (header.height, header.width, 3)


def test_the_formats_of_the_documentation_are_those_that_are_tested():
    page = (ROOT / "docs" / "data.md").read_text("utf-8")
    listed = re.search(r"The formats, recognized by their content, are: (.*)\.\n", page)
    assert listed is not None
    assert listed[1].split(", ") == list(FORMATS)
    assert [kind.upper() for kind in FORMATS] == list(KINDS)
    assert "[images](data.md#images)" in (ROOT / "docs" / "serving.md").read_text("utf-8")
