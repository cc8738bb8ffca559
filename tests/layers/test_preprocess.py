"""Preprocessing of a cell's inputs: 1x1 convolution, or factorized reduce, after relu."""

import keras
import numpy as np
import pytest

from pdarts_tf.layers.preprocess import Preprocess
from tests import numpy_layers


@pytest.fixture
def x():
    """Images (2, 6, 4, 3) of both signs."""
    return np.random.default_rng(0).normal(size=(2, 6, 4, 3)).astype(np.float32)


def test_stride_1_is_relu_convolution_norm(x):
    layer = Preprocess(4, affine=False, seed=1)
    y = layer(x, training=True)
    expected = numpy_layers.batch_norm(np.maximum(x, 0.0) @ layer.kernels[0].numpy())
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-4)


def test_stride_2_halves_even_and_shifted_pixels(x):
    layer = Preprocess(4, stride=2, affine=False, seed=1)
    y = layer(x, training=True)
    positive = np.maximum(x, 0.0)
    even = positive[:, ::2, ::2] @ layer.kernels[0].numpy()
    odd = positive[:, 1::2, 1::2] @ layer.kernels[1].numpy()
    expected = numpy_layers.batch_norm(np.concatenate([even, odd], -1))
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-4)


def test_inference_uses_running_statistics(x):
    layer = Preprocess(4, affine=False, seed=1)
    y = layer(x)
    expected = np.maximum(x, 0.0) @ layer.kernels[0].numpy() / np.sqrt(1.0 + 1e-5)
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize(("affine", "extra"), [(False, 0), (True, 2)])
def test_trainable_variables(x, stride, affine, extra):
    layer = Preprocess(4, stride, affine=affine)
    layer.build(x.shape)
    assert len(layer.trainable_variables) == stride + extra


@pytest.mark.parametrize("stride", [1, 2])
def test_seed_fixes_the_kernels(x, stride):
    first, again, other = (Preprocess(4, stride, seed=seed) for seed in (1, 1, 7))
    for layer in (first, again, other):
        layer.build(x.shape)
    for a, b, c in zip(first.kernels, again.kernels, other.kernels, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
        assert not np.array_equal(a.numpy(), c.numpy())


def test_the_two_halves_start_differently(x):
    layer = Preprocess(4, stride=2, seed=1)
    layer.build(x.shape)
    assert not np.array_equal(layer.kernels[0].numpy(), layer.kernels[1].numpy())


@pytest.mark.parametrize("stride", [1, 2])
def test_config_round_trip(stride):
    layer = Preprocess(4, stride, affine=False, seed=5, name="preprocess0")
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert again.get_config() == layer.get_config()
    assert (again.channels, again.stride, again.affine, again.seed) == (4, stride, False, 5)
