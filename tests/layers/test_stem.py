"""Convolution and batch norm of a stem."""

import keras
import numpy as np
import pytest

from pdarts_tf.layers.stem import ConvNorm


@pytest.mark.parametrize("stride", [1, 2])
def test_the_output_is_divided_by_the_stride(stride):
    x = np.ones((2, 8, 6, 3), np.float32)
    assert ConvNorm(4, stride)(x).shape == (2, 8 // stride, 6 // stride, 4)


def test_the_configuration_makes_an_equal_layer():
    x = np.random.default_rng(0).normal(size=(2, 4, 4, 3)).astype(np.float32)
    layer = ConvNorm(4, stride=2, seed=3)
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    np.testing.assert_array_equal(copy(x), layer(x))
