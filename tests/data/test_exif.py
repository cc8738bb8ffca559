"""Orientation in EXIF: the same from files and in a graph, whatever the bytes."""

import struct

import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from pdarts_tf.data.exif import read_orientation
from pdarts_tf.data.upright import tiff_orientation


def tiff(orientation, order="<", tag=0x0112, kind=3, count=1, before=0):
    """A TIFF header with a directory of one entry, or with other entries before it."""
    entry = struct.pack(f"{order}HHIHH", tag, kind, count, orientation, 0)
    other = struct.pack(f"{order}HHIHH", 0x010F, 2, 4, 0, 0)
    start = b"II*\0" if order == "<" else b"MM\0*"
    return start + struct.pack(f"{order}IH", 8, before + 1) + other * before + entry


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("before", [0, 3])
def test_the_orientation_is_found_in_either_byte_order(order, before):
    content = tiff(6, order, before=before)
    assert read_orientation(content) == tiff_orientation(tf.constant(content)) == 6


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"II*\0",
        tiff(0),
        tiff(9),
        tiff(6, kind=4),
        tiff(6, count=2),
        tiff(6)[:-3],
        tiff(6, tag=1),
    ],
)
def test_without_a_valid_one_the_image_is_upright(content):
    assert read_orientation(content) == tiff_orientation(tf.constant(content)) == 1


@given(
    changes=st.lists(st.tuples(st.integers(0, 45), st.integers(0, 255)), max_size=4),
    end=st.integers(0, 46),
    order=st.sampled_from("<>"),
)
@settings(max_examples=150, deadline=None)
def test_damaged_headers_say_the_same_in_files_and_in_a_graph(changes, end, order):
    content = bytearray(tiff(8, order, before=2))
    for place, value in changes:
        content[place] = value
    damaged = bytes(content[:end])
    assert read_orientation(damaged) == tiff_orientation(tf.constant(damaged))
