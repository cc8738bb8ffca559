"""Batch normalization: PyTorch's momentum and unbiased running variance, and inference."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from pdarts_tf.layers import normalization
from pdarts_tf.layers.device_kind import traced_for
from pdarts_tf.layers.normalization import (
    BatchNormalization,
    normalize_batch,
    normalize_batch_exactly,
    normalize_global_batch,
    normalize_moving,
    training_normalization,
    update_moving,
)
from tests import numpy_layers

SCALE = np.array([1.0, 0.5, -2.0], np.float32)
OFFSET = np.array([0.0, 3.0, -1.0], np.float32)


@pytest.fixture
def x():
    """Images (2, 3, 4, 3) whose channels differ in mean and spread."""
    values = np.random.default_rng(0).normal(size=(2, 3, 4, 3))
    return (values * [1.0, 2.0, 0.1] + [0.0, -5.0, 1.0]).astype(np.float32)


def test_training_normalizes_by_the_biased_variance_of_the_batch(x):
    y, _, _ = normalize_batch(x, SCALE, OFFSET)
    expected = numpy_layers.batch_norm(x) * SCALE + OFFSET
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-5)


def test_statistics_of_the_batch_are_its_mean_and_unbiased_variance(x):
    _, mean, variance = normalize_batch(x, SCALE, OFFSET)
    np.testing.assert_allclose(mean, x.mean((0, 1, 2)), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(variance, x.var((0, 1, 2), ddof=1), rtol=1e-5)


def test_exact_statistics_are_the_same_but_for_rounding(x):
    exact = normalize_batch_exactly(x, SCALE, OFFSET)
    for actual, expected in zip(exact, normalize_batch(x, SCALE, OFFSET), strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-5)


def test_exact_statistics_of_many_large_values_stay_exact():
    x = np.random.default_rng(0).normal(100, 1, (2, 224, 224, 1)).astype(np.float32)
    _, mean, variance = normalize_batch_exactly(x, np.ones(1, np.float32), np.zeros(1, np.float32))
    np.testing.assert_allclose(mean, [x.mean(dtype=np.float64)], rtol=1e-7)
    np.testing.assert_allclose(variance, [x.var(dtype=np.float64, ddof=1)], rtol=1e-6)


def test_inference_normalizes_by_the_given_statistics(x):
    mean = np.array([1.0, 2.0, 3.0], np.float32)
    variance = np.array([4.0, 0.25, 1e-6], np.float32)
    y = normalize_moving(x, SCALE, OFFSET, mean, variance)
    expected = (x - mean) / np.sqrt(variance + 1e-5) * SCALE + OFFSET
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-4)


def test_a_constant_channel_becomes_its_offset():
    y, _, _ = normalize_batch(np.full((2, 3, 4, 3), 7.0, np.float32), SCALE, OFFSET)
    np.testing.assert_allclose(y, np.broadcast_to(OFFSET, y.shape), atol=1e-5)


def test_a_running_statistic_moves_by_a_tenth():
    moving = keras.Variable([10.0, 0.0])
    update_moving(moving, np.array([20.0, -1.0], np.float32))
    np.testing.assert_allclose(moving.numpy(), [11.0, -0.1], rtol=1e-6)


def test_layer_moves_its_statistics_in_training(x):
    layer = BatchNormalization(affine=False)
    layer(x, training=True)
    np.testing.assert_allclose(layer.moving_mean.numpy(), 0.1 * x.mean((0, 1, 2)), atol=1e-6)
    expected = 0.9 + 0.1 * x.var((0, 1, 2), ddof=1)
    np.testing.assert_allclose(layer.moving_variance.numpy(), expected, rtol=1e-5)


def test_layer_normalizes_by_its_statistics_in_inference_and_keeps_them(x):
    layer = BatchNormalization(affine=False)
    layer.build(x.shape)
    layer.moving_mean.assign([1.0, 2.0, 3.0])
    layer.moving_variance.assign([4.0, 1.0, 0.25])
    expected = (x - [1.0, 2.0, 3.0]) / np.sqrt(np.array([4.0, 1.0, 0.25]) + 1e-5)
    np.testing.assert_allclose(layer(x), expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(layer.moving_mean.numpy(), [1.0, 2.0, 3.0])
    np.testing.assert_array_equal(layer.moving_variance.numpy(), [4.0, 1.0, 0.25])


def test_a_frozen_layer_normalizes_by_its_statistics_in_training_too_and_keeps_them(x):
    layer = BatchNormalization()
    layer.build(x.shape)
    layer.moving_mean.assign([1.0, 2.0, 3.0])
    expected = layer(x)
    layer.trainable = False
    np.testing.assert_array_equal(layer(x, training=True), expected)
    np.testing.assert_array_equal(layer.moving_mean.numpy(), [1.0, 2.0, 3.0])


@pytest.mark.parametrize("training", [False, True])
def test_affine_layer_applies_scale_and_offset(x, training):
    layer = BatchNormalization()
    plain = BatchNormalization(affine=False)
    layer.build(x.shape)
    layer.gamma.assign(SCALE)
    layer.beta.assign(OFFSET)
    expected = plain(x, training=training) * SCALE + OFFSET
    np.testing.assert_allclose(layer(x, training=training), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("affine", "names"), [(True, ["gamma", "beta"]), (False, [])])
def test_running_statistics_are_not_trainable(x, affine, names):
    layer = BatchNormalization(affine)
    layer.build(x.shape)
    assert [variable.name for variable in layer.trainable_variables] == names
    moving = [variable.name for variable in layer.non_trainable_variables]
    assert moving == ["moving_mean", "moving_variance"]


@pytest.mark.parametrize(
    ("statistics", "normalize"),
    [
        ("batch", normalize_batch),
        ("global", normalize_global_batch),
        ("float64", normalize_batch_exactly),
    ],
)
def test_training_uses_the_statistics_that_it_is_told(x, statistics, normalize):
    layer = BatchNormalization(affine=False, statistics=statistics)
    expected, _, _ = normalize(x, np.ones(3, np.float32), np.zeros(3, np.float32))
    np.testing.assert_array_equal(layer(x, training=True), expected)


def test_float64_is_left_to_cpus(monkeypatch):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [kind])
    assert training_normalization("float64") is normalize_batch


def test_the_gradient_by_constant_statistics_is_the_same_on_a_gpu(x):
    dy, scale = tf.cos(x), tf.constant([0.5, 1.0, -2.0])
    mean, variance = tf.constant([0.1, 0.2, 0.3]), tf.constant([1.0, 2.0, 0.5])
    gradients = []
    for kind in ("CPU", "GPU"):
        with traced_for(kind):
            gradients.append(
                normalization._gradient_by_constant_statistics(dy, x, scale, mean, variance)
            )
    for fused, composed in zip(*gradients, strict=True):
        np.testing.assert_allclose(composed, fused, rtol=1e-5, atol=1e-5)


def test_unknown_statistics_are_refused():
    with pytest.raises(ValueError, match=r"`statistics` must be one of .* Received: 'float16'"):
        BatchNormalization(statistics="float16")


@pytest.mark.parametrize("affine", [True, False])
def test_config_round_trip(affine):
    layer = BatchNormalization(affine, statistics="global", name="norm")
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert again.get_config() == layer.get_config()
    assert (again.affine, again.statistics) == (affine, "global")
