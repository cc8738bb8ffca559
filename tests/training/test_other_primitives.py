"""A supernet over other primitives than the paper's: the official code's numbers."""

import numpy as np
import pytest
import tensorflow as tf

import pdarts_tf as pd
from pdarts_tf.training.bilevel import cross_entropy
from tests.supernets import GOLDENS, state_of

pytestmark = pytest.mark.slow  # a supernet in eager mode: five seconds

SIZES = {"init_channels": 2, "num_layers": 3, "num_classes": 3}


@pytest.fixture(scope="module")
def arrays():
    """What the official code computed, in PyTorch's layout."""
    with np.load(GOLDENS / "other_primitives.npz") as file:
        return dict(file)


def supernet(arrays, *prefixes):
    """A supernet with the official weights, those of later prefixes in place of earlier ones."""
    model = pd.Supernet(pd.SearchSpace.full(arrays["primitives"].tolist()), **SIZES)
    model.build((None, 8, 8, 3))
    pd.load_torch_state_dict(model, state_of(arrays, *prefixes))
    return model


@pytest.fixture(scope="module")
def passed(arrays):
    """A training pass: the model, logits, loss, and gradients of alphas and weights."""
    model = supernet(arrays, "before/")
    images = tf.constant(arrays["x"].transpose(0, 2, 3, 1))
    inference = model(images)
    variables = [*model.arch_variables, *model.trainable_variables]
    with tf.GradientTape() as tape:
        tape.watch([variable.value for variable in variables])
        logits = model(images, training=True)
        loss = cross_entropy(tf.constant(arrays["y"]), logits)
    gradients = tape.gradient(loss, [variable.value for variable in variables])
    return inference, logits, loss, gradients[:2], gradients[2:]


def test_inference_logits_are_the_official_ones(arrays, passed):
    np.testing.assert_allclose(passed[0], arrays["eval_logits"], rtol=0, atol=1e-5)


def test_training_logits_and_loss_are_the_official_ones(arrays, passed):
    _, logits, loss, _, _ = passed
    np.testing.assert_allclose(logits, arrays["logits"], rtol=0, atol=1e-5)
    np.testing.assert_allclose(loss, arrays["loss"], rtol=0, atol=1e-5)


@pytest.mark.parametrize(("index", "name"), [(0, "alphas_normal"), (1, "alphas_reduce")])
def test_gradients_of_the_alphas_are_the_official_ones(arrays, passed, index, name):
    expected = arrays[f"grad/{name}"]
    atol = 1e-4 * np.abs(expected).max()
    np.testing.assert_allclose(passed[3][index], expected, rtol=0, atol=atol)


def test_gradients_of_the_weights_are_the_official_ones(arrays, passed):
    expected = supernet(arrays, "before/", "grad/")
    values = [variable.numpy() for variable in expected.trainable_variables]
    largest = max(np.abs(value).max() for value in values)
    for variable, gradient, value in zip(
        expected.trainable_variables, passed[4], values, strict=True
    ):
        np.testing.assert_allclose(
            gradient, value, rtol=0, atol=1e-5 * largest, err_msg=variable.path
        )
