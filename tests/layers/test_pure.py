"""Layers as pure functions: computed again, compiled, and what becomes of their state."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import pdarts_tf as pd
from pdarts_tf.layers import pure
from pdarts_tf.layers.normalization import BatchNormalization
from pdarts_tf.models.cells import EvaluationCell
from tests.supernets import restore, snapshot

IMAGES = tf.constant(np.random.default_rng(0).normal(size=(4, 4, 4, 6)).astype(np.float32))
DROPPING = (tf.constant(0.5), tf.constant([3, 4]), None)


@pytest.fixture(scope="module")
def cell():
    """A cell with batch norms, and its initial state."""
    genotype = pd.GENOTYPES["DARTS_V2"]
    layer = EvaluationCell(2, genotype.normal, genotype.normal_concat, name="cell")
    layer.build([IMAGES.shape, IMAGES.shape])
    return layer, snapshot(layer.variables)


def gradients(cell, run):
    """Output, gradients and the state after one step of a cell that `run` calls."""
    layer, before = cell
    restore(layer.variables, before)
    values = [variable.value for variable in layer.trainable_variables]

    @tf.function(autograph=False)
    def step(images):
        with tf.GradientTape() as tape:
            tape.watch(images)
            output = run(layer, (images, images), DROPPING, training=True)
            loss = tf.reduce_sum(tf.sin(output))
        return [output, *tape.gradient(loss, [images, *values])]

    return [each.numpy() for each in step(IMAGES)] + snapshot(layer.variables)


def again(layer, *inputs, **options):
    return pure.call_wrapped(pure.rematerialized, layer, *inputs, **options)


def test_computing_again_changes_nothing(cell):
    """Not the output with its masks, no gradient, and running statistics move once."""
    plain = gradients(cell, lambda layer, *inputs, **options: layer(*inputs, **options))
    for expected, received in zip(plain, gradients(cell, again), strict=True):
        np.testing.assert_array_equal(received, expected)


def test_a_rematerialized_function_runs_once_more_for_the_gradient():
    calls = []

    def square(x, unused):
        calls.append(unused)
        return x * x, [x + 1.0]

    x = tf.constant(3.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y, (other,) = pure.rematerialized(square)(x, None)
    assert (float(y), float(other), len(calls)) == (9.0, 4.0, 1)
    assert float(tape.gradient(y, x)) == 6.0
    assert calls == [None, None]


def test_a_pure_call_moves_no_variable():
    layer = BatchNormalization(affine=False)
    layer.build(IMAGES.shape)
    state = [tf.convert_to_tensor(variable.value) for variable in layer.variables]
    _, after = pure.call(layer, state, IMAGES, training=True)
    np.testing.assert_array_equal(layer.moving_mean.numpy(), np.zeros(6))
    layer(IMAGES, training=True)
    np.testing.assert_array_equal(after[0], layer.moving_mean.numpy())
    np.testing.assert_array_equal(after[1], layer.moving_variance.numpy())


def test_a_compiled_layer_computes_the_same():
    layer = keras.layers.Dense(2, activation="tanh")
    layer.build(IMAGES.shape)
    expected = layer(IMAGES)
    received = pure.call_wrapped(pure.compiled, layer, IMAGES)
    np.testing.assert_allclose(received, expected, rtol=1e-5, atol=1e-6)
