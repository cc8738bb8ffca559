"""Shared views of a source node: which pixels they show, and that each is made once."""

import numpy as np
import pytest
import tensorflow as tf

from pdarts_tf.layers.source import SourceViews
from tests import numpy_layers


@pytest.fixture
def x():
    """Images (2, 6, 4, 3) of both signs."""
    return np.random.default_rng(0).normal(size=(2, 6, 4, 3)).astype(np.float32)


def test_relu_is_the_positive_part(x):
    np.testing.assert_array_equal(SourceViews(x, 1).relu, np.maximum(x, 0.0))


def test_phases_of_relu_are_stacked_along_the_batch(x):
    phases = SourceViews(x, 1).relu_phases
    positive = np.maximum(x, 0.0)
    expected = [positive[:, i::2, j::2] for i in (0, 1) for j in (0, 1)]
    np.testing.assert_array_equal(phases, np.concatenate(expected))


def test_even_and_odd_pixels(x):
    views = SourceViews(x, 2)
    positive = np.maximum(x, 0.0)
    np.testing.assert_array_equal(views.relu_even, positive[:, ::2, ::2])
    np.testing.assert_array_equal(views.relu_odd, positive[:, 1::2, 1::2])


@pytest.mark.parametrize(
    ("size", "even"), [((6, 4), True), ((7, 4), False), ((6, 5), False), ((7, 7), False)]
)
def test_only_even_images_split_into_phases(size, even):
    assert SourceViews(np.zeros((1, *size, 1), np.float32), 1).has_phases is even


@pytest.mark.parametrize("size", [1, 2, 3])
def test_padded_relu_has_a_border_of_zeros(x, size):
    padded = SourceViews(x, 2).relu_padded(size)
    margins = [(0, 0), (size, size), (size, size), (0, 0)]
    np.testing.assert_array_equal(padded, np.pad(np.maximum(x, 0.0), margins))


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("for_xla", [False, True])
def test_pools_read_the_node_itself(x, stride, for_xla):
    views = SourceViews(tf.constant(x), stride, for_xla=for_xla)
    np.testing.assert_array_equal(views.max_pool, numpy_layers.max_pool_3x3(x, stride))
    expected = numpy_layers.avg_pool_3x3(x, stride)
    np.testing.assert_allclose(views.avg_pool, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "name", ["relu", "relu_phases", "relu_even", "relu_odd", "max_pool", "avg_pool"]
)
def test_a_view_is_made_once(x, name):
    views = SourceViews(x, 2)
    assert getattr(views, name) is getattr(views, name)


def test_padded_views_are_kept_by_size(x):
    views = SourceViews(x, 2)
    assert views.relu_padded(1) is views.relu_padded(1)
    assert views.relu_padded(2) is not views.relu_padded(1)
