"""Convolutions against plain NumPy: padding, strides, dilation and sizes as in PyTorch."""

import numpy as np
import pytest
import tensorflow as tf

from pdarts_tf.layers import convolution
from tests import numpy_layers

TOLERANCE = 1e-5


def normal(*shape):
    """Standard normal float32 values, the same for the same shape."""
    return np.random.default_rng(shape).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("size", [3, 5, 7])
@pytest.mark.parametrize("shape", [(8, 8), (7, 10)], ids=str)
def test_depthwise_equals_numpy(size, shape):
    x, kernel = normal(2, *shape, 3), normal(size, size, 3, 1)
    expected = numpy_layers.depthwise(x, kernel)
    np.testing.assert_allclose(convolution.depthwise(x, kernel), expected, TOLERANCE, TOLERANCE)


@pytest.mark.parametrize("size", [3, 5])
@pytest.mark.parametrize("shape", [(7, 7), (8, 8), (5, 6), (3, 3)], ids=str)
def test_depthwise_dilated_equals_numpy_at_any_size(size, shape):
    x, kernel = normal(2, *shape, 3), normal(size, size, 3, 1)
    expected = numpy_layers.depthwise(x, kernel, dilation=2)
    np.testing.assert_allclose(
        convolution.depthwise_dilated(x, kernel), expected, TOLERANCE, TOLERANCE
    )


@pytest.mark.parametrize("size", [3, 5, 7])
@pytest.mark.parametrize("shape", [(8, 8), (7, 9)], ids=str)
def test_depthwise_strided_samples_the_even_pixels(size, shape):
    x, kernel = normal(2, *shape, 3), normal(size, size, 3, 1)
    padded = convolution.pad_border(x, size // 2)
    expected = numpy_layers.depthwise(x, kernel, stride=2)
    np.testing.assert_allclose(
        convolution.depthwise_strided(padded, kernel), expected, TOLERANCE, TOLERANCE
    )


@pytest.mark.parametrize(
    ("kernel_shape", "strides"),
    [((3, 3), (1, 1)), ((3, 3), (2, 2)), ((1, 7), (1, 2)), ((7, 1), (2, 1)), ((1, 1), (2, 2))],
)
@pytest.mark.parametrize("shape", [(8, 8), (9, 7)], ids=str)
def test_conv_equals_numpy(kernel_shape, strides, shape):
    x, kernel = normal(2, *shape, 3), normal(*kernel_shape, 3, 4)
    expected = numpy_layers.conv(x, kernel, strides)
    np.testing.assert_allclose(convolution.conv(x, kernel, strides), expected, TOLERANCE, TOLERANCE)


def test_conv_at_stride_2_is_not_padded_as_tensorflow_does_it():
    x, kernel = normal(1, 8, 8, 1), normal(3, 3, 1, 1)
    ours = convolution.conv(x, kernel, (2, 2))
    assert not np.allclose(ours, tf.nn.conv2d(x, kernel, 2, "SAME"), atol=0.1)


def test_pointwise_multiplies_every_pixel_by_the_matrix():
    x, kernel = normal(2, 5, 4, 3), normal(3, 6)
    np.testing.assert_allclose(convolution.pointwise(x, kernel), x @ kernel, TOLERANCE, TOLERANCE)


def test_pointwise_takes_images_of_unknown_size():
    x, kernel = normal(2, 5, 4, 3), normal(3, 6)
    unknown = tf.TensorSpec((None, None, None, 3))
    traced = tf.function(lambda x: convolution.pointwise(x, kernel), input_signature=[unknown])
    np.testing.assert_allclose(traced(x), x @ kernel, TOLERANCE, TOLERANCE)


def test_pad_border_adds_zeros_on_all_four_sides():
    padded = convolution.pad_border(tf.ones((1, 2, 3, 1)), 2).numpy()
    assert padded.shape == (1, 6, 7, 1)
    assert padded[:, 2:4, 2:5].min() == 1.0
    assert padded.sum() == 6.0


def test_phases_are_the_even_and_odd_pixels_in_order():
    x = normal(2, 4, 6, 3)
    even, even_odd, odd_even, odd = np.split(convolution.split_phases(x), 4)
    np.testing.assert_array_equal(even, x[:, ::2, ::2])
    np.testing.assert_array_equal(even_odd, x[:, ::2, 1::2])
    np.testing.assert_array_equal(odd_even, x[:, 1::2, ::2])
    np.testing.assert_array_equal(odd, x[:, 1::2, 1::2])


def test_joining_phases_undoes_splitting():
    x = normal(2, 4, 6, 3)
    phases = convolution.split_phases(x)
    np.testing.assert_array_equal(convolution.join_phases(phases), x)


@pytest.mark.parametrize("size", [3, 5])
def test_convolving_the_phases_is_a_dilated_convolution(size):
    x, kernel = normal(2, 8, 6, 3), normal(size, size, 3, 1)
    y = convolution.depthwise(convolution.split_phases(x), kernel)
    expected = numpy_layers.depthwise(x, kernel, dilation=2)
    np.testing.assert_allclose(convolution.join_phases(y), expected, TOLERANCE, TOLERANCE)


@pytest.mark.parametrize("size", [3, 5])
def test_gradients_of_the_dilated_convolution_are_those_of_its_phases(size):
    x, kernel = tf.constant(normal(2, 8, 8, 3)), tf.constant(normal(size, size, 3, 1))
    dy = tf.constant(normal(2, 8, 8, 3) + 1.0)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([x, kernel])
        direct = convolution.depthwise_dilated(x, kernel)
        phases = convolution.depthwise(convolution.split_phases(x), kernel)
        joined = convolution.join_phases(phases)
    ours = tape.gradient(direct, [x, kernel], dy)
    expected = tape.gradient(joined, [x, kernel], dy)
    for gradient, reference in zip(ours, expected, strict=True):
        np.testing.assert_allclose(gradient, reference, rtol=1e-4, atol=1e-4)


def test_initial_values_fill_the_range_of_pytorchs_default():
    values = convolution.fan_in_uniform(16, seed=1)((100, 100)).numpy()
    assert np.abs(values).max() <= 0.25
    np.testing.assert_allclose(values.std(), 0.25 / np.sqrt(3), rtol=0.02)
    assert abs(values.mean()) < 0.005


def test_initial_values_follow_the_seed():
    first, again, other = (convolution.fan_in_uniform(9, s)((3, 3)).numpy() for s in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
