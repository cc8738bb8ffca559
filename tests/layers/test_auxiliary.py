"""The auxiliary head: the sizes it takes, against NumPy."""

import keras
import numpy as np
import pytest

from pdarts_tf.layers.auxiliary import AuxiliaryHead
from pdarts_tf.layers.normalization import BATCH_NORM_EPSILON
from pdarts_tf.stems import MIN_PIXELS


def images(size, channels=3):
    shape = 2, *size, channels
    return np.random.default_rng(shape).normal(size=shape).astype(np.float32)


def reference(head, x, strides):
    """The logits in inference, with running mean 0 and variance 1."""
    kernels = [kernel.numpy() for kernel in head.kernels]
    scale = 1 / np.sqrt(1 + BATCH_NORM_EPSILON)
    rows, columns = (
        range(0, size - 4, stride) for size, stride in zip(x.shape[1:3], strides, strict=True)
    )
    x = np.maximum(x, 0)
    pooled = [[x[:, r : r + 5, c : c + 5].mean((1, 2)) for c in columns] for r in rows]
    x = np.maximum(np.moveaxis(np.array(pooled), 2, 0) @ kernels[0] * scale, 0)
    height, width = (size - 1 for size in x.shape[1:3])
    x = sum(
        x[:, i : i + height, j : j + width] @ kernels[1][i, j] for i in range(2) for j in range(2)
    )
    x = np.maximum(x * scale, 0).mean((1, 2))
    return x @ head.classifier.kernel.numpy() + head.classifier.bias.numpy()


@pytest.mark.parametrize(
    ("stride", "size", "strides"),
    [
        (3, (8, 8), (3, 3)),  # CIFAR: 32x32 pixels
        (2, (7, 7), (2, 2)),  # ImageNet: 224x224 pixels
        (3, (7, 7), (2, 2)),  # 28x28 pixels: the stride shrinks
        (3, (6, 16), (1, 3)),
    ],
)
def test_the_window_has_two_places_along_a_side_or_more(stride, size, strides):
    head = AuxiliaryHead(4, stride)
    x = images(size)
    np.testing.assert_allclose(head(x), reference(head, x, strides), rtol=1e-4, atol=1e-5)


def test_smaller_maps_are_refused():
    with pytest.raises(ValueError, match=f"{MIN_PIXELS}x{MIN_PIXELS} pixels. Received: 8x5"):
        AuxiliaryHead(4)(images((8, 5)))


def test_training_updates_the_running_statistics():
    head = AuxiliaryHead(4)
    head(images((8, 8)), training=True)
    assert all(np.any(norm.moving_mean.numpy()) for norm in head.norms)


def test_the_configuration_makes_an_equal_head():
    head = AuxiliaryHead(4, stride=2, seed=7)
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(head))
    x = images((7, 7))
    np.testing.assert_array_equal(copy(x), head(x))
