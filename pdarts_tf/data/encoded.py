"""What an encoded image is, and whether it can be used, in a graph, before it is decoded.

The rules are those of `image_header`, which reads files. No operation here is stateful, so that a
loop over images stays parallel where results have to be deterministic.
"""

import functools
from collections.abc import Collection
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from pdarts_tf.data import graph_headers, image_header
from pdarts_tf.data.byte_strings import part, split, values
from pdarts_tf.data.exif import UPRIGHT
from pdarts_tf.data.graph_headers import (
    BMP,
    GIF,
    HEAD_SIZE,
    JPEG,
    PNG,
    PROBLEMS,
    UNKNOWN,
    WEBP,
    code,
    first,
)
from pdarts_tf.data.upright import tiff_orientation

_STARTS = {
    PNG: ((0, b"\x89PNG\r\n\x1a\n"),),
    JPEG: ((0, b"\xff\xd8\xff"),),
    BMP: ((0, b"BM"),),
    GIF: ((0, b"GIF8"),),
    WEBP: ((0, b"RIFF"), (8, b"WEBP")),
}
_START_SIZE = 12
_TURNED = frozenset(("PNG", "JPEG", "WebP"))  # formats that store an orientation
_FAILURE = "StringToNumberOp could not correctly convert string: "

_PIXELS, _LIMIT = len(PROBLEMS), len(PROBLEMS) + 1  # messages with the size of the image


class Encoded(NamedTuple):
    """An encoded image, as tensors of shape ().

    Args:
        kind: Its format, int32.
        content: Its bytes, as they go to the decoder.
        height: Height in pixels as it is stored, int64.
        width: Width in pixels as it is stored, int64.
        channels: 1, 3 or 4, int64.
        orientation: See `upright`, int32.
        problem: Why it cannot be used, an index, int64; 0 if it can.
        detail: Number in the message about the problem, int64.
    """

    kind: tf.Tensor
    content: tf.Tensor
    height: tf.Tensor
    width: tf.Tensor
    channels: tf.Tensor
    orientation: tf.Tensor
    problem: tf.Tensor
    detail: tf.Tensor


# Images of up to 4095x4095 pixels that need no further inspection: of 8 bits, grey, RGB or RGB with
# alpha. In this notation, which knows characters and not bytes, \\C is any byte.
_PLAIN_PNG = (
    r"\CPNG\r\n\x1a\n\x00\x00\x00\rIHDR"
    r"\x00\x00[\x00-\x0f]\C\x00\x00[\x00-\x0f]\C\x08[\x00\x02\x06]"
)
_PLAIN_SIZE = 26
PLAIN_MEGAPIXELS = 4095**2 / 1e6
"""Millions of pixels that the largest plain PNG has."""


def is_plain_png(content: tf.Tensor) -> tf.Tensor:
    """Returns whether an image is a PNG in which `inspect` finds nothing, except no pixels at all.

    Many data sets consist of small ones, which this, in few operations, lets be read fast.

    Args:
        content: String tensor of shape ().
    """
    begins = tf.strings.regex_full_match(part(content, 0, _PLAIN_SIZE), _PLAIN_PNG)
    return begins & tf.equal(tf.size(split(tf.where(begins, content, ""), b"eXIf", 1)), 1)


def orientation_of(content: tf.Tensor) -> tf.Tensor:
    """Returns the orientation of an encoded image, int32; 1 if it is none.

    Args:
        content: String tensor of shape ().
    """
    kinds = range(len(_STARTS) + 1)
    branches = [functools.partial(graph_headers.tiff_reader(kind), content) for kind in kinds]
    return _orientation(tf.switch_case(_kind(values(content, _START_SIZE)), branches))


def _orientation(tiff: tf.Tensor) -> tf.Tensor:
    """Returns the orientation in a TIFF header, empty for most images, and what follows it."""
    return tf.cond(
        tf.equal(tiff, ""),
        lambda: tf.constant(UPRIGHT),
        lambda: tiff_orientation(part(tiff, 0, graph_headers.EXIF_SIZE)),
    )


def inspect(
    content: tf.Tensor, channels: int, max_megapixels: float, formats: Collection[str]
) -> Encoded:
    """Reads the header of an encoded image.

    Args:
        content: String tensor of shape ().
        channels: Number of channels to decode it to; 4 requires that it has alpha.
        max_megapixels: Millions of pixels that it may have.
        formats: Names out of `image_header.FORMATS` that it may have; the fewer, the smaller is the
            graph.
    """
    head = values(content, HEAD_SIZE)
    kind = _kind(head)
    kinds = [
        number if name in formats else UNKNOWN
        for number, name in enumerate(("", *image_header.FORMATS))
    ]
    branches = [functools.partial(graph_headers.reader(each), content, head) for each in kinds]
    content, tiff, found = tf.switch_case(kind, branches)
    height, width, own_channels, problem, detail = tf.unstack(found)
    orientation = _orientation(tiff) if _TURNED.intersection(formats) else tf.constant(UPRIGHT)
    size = tf.cast(found[:2], tf.float64)  # its product may not fit into an integer
    problem = first(
        (tf.reduce_prod(size) > max_megapixels * 1e6, _LIMIT),
        (problem > 0, problem),
        (tf.reduce_min(size) < 1, _PIXELS),
        *(((own_channels != 4, code(image_header.NO_ALPHA)),) if channels == 4 else ()),
    )
    return Encoded(kind, content, height, width, own_channels, orientation, problem, detail)


def failure(image: Encoded, channels: int, max_megapixels: float) -> tf.Tensor:
    """Returns no image, but an error with a message, when it is computed.

    This is not `tf.debugging.Assert`, which is stateful. `problem_of` finds the message.

    Args:
        image: An image with a problem.
        channels: Number of channels of the image that it stands for.
        max_megapixels: See `inspect`.
    """
    size = [tf.strings.as_string(each) for each in (image.height, image.width)]
    pixels = tf.strings.join(["has ", size[0], "x", size[1], " pixels"])
    limit = tf.strings.join([pixels, f", more than --max_megapixels={max_megapixels:g}"])
    parts = [message.partition("{}") for message in PROBLEMS]
    detail = tf.where(
        tf.constant([bool(mark) for _, mark, _ in parts]), tf.strings.as_string(image.detail), ""
    )
    known = tf.strings.join(
        [tf.constant([first for first, _, _ in parts]), detail, [last for _, _, last in parts]]
    )
    return never(tf.concat([known, [pixels, limit]], 0)[image.problem], channels)


def never(message: tf.Tensor | str, channels: int) -> tf.Tensor:
    """Returns no image of some channels, but an error with this message, when it is computed."""
    number = tf.strings.to_number(message, tf.int32)
    return tf.fill([1, 1, channels], tf.cast(number, tf.uint8))


def problem_of(message: str) -> str | None:
    """Returns the problem that `never` reports in an error message, or None.

    >>> problem_of("{{node x}} StringToNumberOp could not correctly convert string: is no image")
    'is no image'
    """
    _, found, problem = message.partition(_FAILURE)
    return problem.split(" [Op:")[0].split("\n")[0].strip() if found else None


def _kind(head: tf.Tensor) -> tf.Tensor:
    """Returns the kind of an image by its first bytes."""
    wanted = np.full((len(_STARTS) + 1, _START_SIZE), -1, np.int64)
    for kind, starts in _STARTS.items():
        for place, start in starts:
            wanted[kind, place : place + len(start)] = list(start)
    wanted[UNKNOWN] = -2  # never
    same = tf.reduce_all((head[:_START_SIZE] == wanted) | (wanted == -1), 1)
    return tf.argmax(tf.cast(same, tf.int32), output_type=tf.int32)
