"""Loss scaling: exact while gradients are finite; steps that overflow are left out."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from pdarts_tf.runs.checkpoint import variables_of
from pdarts_tf.training import loss_scale
from pdarts_tf.training.optimizers import AdamL2, MomentumSGD

both = pytest.mark.parametrize("kind", [MomentumSGD, AdamL2])


def optimizer(kind, scaled=True):
    made = kind(0.1, l2=0.1)
    if scaled:
        made.use_loss_scale()
    variable = keras.Variable([1.0, -2.0], name="weight")
    made.build([variable])
    return made, variable


def step(made, variable, gradient):
    """One step with a gradient that comes from a scaled loss."""
    scaled = made.scale_loss(tf.constant(gradient))
    return float(made.clip_and_apply([scaled], [variable]))


@both
def test_scaling_by_a_power_of_two_changes_nothing(kind):
    (plain, expected), (scaled, received) = optimizer(kind, scaled=False), optimizer(kind)
    for gradient in ([0.5, 0.25], [3.0, -8.0]):
        assert step(scaled, received, gradient) == step(plain, expected, gradient)
    np.testing.assert_array_equal(received.numpy(), expected.numpy())
    assert scaled.scale_loss(tf.constant(1.0)) == loss_scale.INITIAL_SCALE


@both
@pytest.mark.parametrize("gradient", [[np.inf, 1.0], [np.nan, 1.0]])
def test_a_step_that_overflows_moves_nothing_but_the_scale(kind, gradient):
    made, variable = optimizer(kind)
    step(made, variable, [0.5, 0.25])
    before = [each.numpy().copy() for each in (variable, *made.variables)]
    assert step(made, variable, gradient) == 0.0
    after = [each.numpy() for each in (variable, *made.variables)]
    for old, new in zip(before[:-2], after[:-2], strict=True):
        np.testing.assert_array_equal(new, old)
    assert after[-2:] == [before[-2] / 2, 0]


def test_the_scale_doubles_after_enough_good_steps(monkeypatch):
    monkeypatch.setattr(loss_scale, "GROWTH_STEPS", 2)
    made, variable = optimizer(MomentumSGD)
    scales = []
    for _ in range(4):
        step(made, variable, [0.5, 0.25])
        scales.append(float(made.scale_loss(tf.constant(1.0))) / loss_scale.INITIAL_SCALE)
    assert scales == [1.0, 2.0, 2.0, 4.0]


def test_gradients_that_no_scale_makes_finite_are_shown():
    made, variable = optimizer(MomentumSGD)
    norms = [step(made, variable, [np.inf, 1.0]) for _ in range(16)]
    assert norms == [0.0] * 14 + [np.inf] * 2


def test_checkpoints_keep_the_scale():
    made, _ = optimizer(MomentumSGD)
    model = keras.Sequential()
    names = variables_of(model, made)
    assert {"weights/weights/loss_scale", "weights/weights/steps_of_loss_scale"} <= set(names)
