"""Pools against plain NumPy: borders, strides, odd sizes and gradients."""

import functools

import numpy as np
import pytest
import tensorflow as tf

from pdarts_tf.layers import pure
from pdarts_tf.layers.device_kind import traced_for
from pdarts_tf.layers.pooling import avg_pool_3x3, max_pool_3x3
from tests import numpy_layers

SIZES = [(8, 8), (7, 7), (6, 5), (1, 1)]

pytestmark = pytest.mark.parametrize("stride", [1, 2])


def normal(*shape):
    """Standard normal float32 values, the same for the same shape."""
    return np.random.default_rng(shape).normal(size=shape).astype(np.float32)


def gradient(pool, x, stride):
    """Returns (dy, dx) of a pool for an arbitrary dy."""
    x = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = pool(x, stride)
    dy = np.random.default_rng(1).integers(1, 9, y.shape).astype(np.float32)
    return dy, tape.gradient(y, x, dy).numpy()


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_max_pool_equals_numpy(stride, size):
    x = normal(2, *size, 3)
    expected = numpy_layers.max_pool_3x3(x, stride)
    np.testing.assert_array_equal(max_pool_3x3(x, stride), expected)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_avg_pool_equals_numpy(stride, size):
    x = normal(2, *size, 3)
    expected = numpy_layers.avg_pool_3x3(x, stride)
    np.testing.assert_allclose(avg_pool_3x3(x, stride), expected, rtol=1e-5, atol=1e-6)


def test_padding_never_is_the_maximum(stride):
    y = max_pool_3x3(tf.fill((1, 4, 4, 1), -3.0), stride)
    np.testing.assert_array_equal(y, np.full(y.shape, -3.0))


def test_padding_is_not_counted_in_the_average(stride):
    y = avg_pool_3x3(tf.fill((1, 4, 4, 1), 5.0), stride)
    np.testing.assert_allclose(y, np.full(y.shape, 5.0), rtol=1e-6)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_gradient_of_max_pool_goes_to_the_maximum(stride, size):
    x = normal(2, *size, 3)
    dy, dx = gradient(max_pool_3x3, x, stride)
    np.testing.assert_array_equal(dx, numpy_layers.max_pool_3x3_gradient(x, dy, stride))


def test_gradient_of_max_pool_goes_to_the_first_of_equal_maxima(stride):
    x = np.random.default_rng(2).integers(0, 3, (2, 6, 6, 4)).astype(np.float32)
    dy, dx = gradient(max_pool_3x3, x, stride)
    np.testing.assert_array_equal(dx, numpy_layers.max_pool_3x3_gradient(x, dy, stride))


def test_gradient_of_max_pool_in_a_graph_is_the_eager_one(stride):
    x = normal(2, 6, 6, 4)
    _, eager = gradient(max_pool_3x3, x, stride)

    @tf.function
    def traced(x, dy):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = max_pool_3x3(x, stride)
        return tape.gradient(y, x, dy)

    dy, _ = gradient(max_pool_3x3, x, stride)
    np.testing.assert_array_equal(traced(tf.constant(x), tf.constant(dy)), eager)


def test_the_max_pool_of_a_gpu_is_the_same(stride):
    x = normal(2, 6, 5, 4)
    _, expected = gradient(max_pool_3x3, x, stride)
    with traced_for("GPU"):
        np.testing.assert_array_equal(gradient(max_pool_3x3, x, stride)[1], expected)


def test_gradient_of_avg_pool_is_shared_by_the_pixels_of_the_window(stride):
    dy, dx = gradient(avg_pool_3x3, normal(1, 5, 5, 2), stride)
    expected = np.zeros_like(dx)
    for (_, i, j, c), value in np.ndenumerate(dy):
        rows = slice(max(i * stride - 1, 0), i * stride + 2)
        columns = slice(max(j * stride - 1, 0), j * stride + 2)
        window = expected[0, rows, columns, c]
        window += value / window.size
    np.testing.assert_allclose(dx, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "pool", [functools.partial(max_pool_3x3, for_xla=True), avg_pool_3x3], ids=["max", "avg"]
)
def test_xla_compiles_pools_and_their_gradients(stride, pool):
    x = normal(2, 8, 6, 3)

    def run(x, dy):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = pool(x, stride)
        return tape.gradient(y, x, dy)

    dy, expected = gradient(pool, x, stride)
    received = pure.compiled(run)(tf.constant(x), tf.constant(dy))
    np.testing.assert_allclose(received, expected, rtol=1e-6)
