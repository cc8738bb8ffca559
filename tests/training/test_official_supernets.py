"""Supernets of all three stages and their bilevel steps: the official numbers.

They stand in one file, and so in one test worker, since tracing a supernet's passes takes most of
the time, and steps take the passes that are traced already.
"""

import numpy as np
import pytest
import tensorflow as tf

from pdarts_tf.training.bilevel import cross_entropy
from tests.supernets import compile_search, golden_supernet, snapshot, torch_arrays

# In stage 1 the two largest pixels of one window of a max pool differ by 9e-8, so that rounding
# decides which of them gets the gradient.
WEIGHT_GRADIENT_TOLERANCE = {8: 2e-4, 5: 1e-5, 3: 1e-5}
ALPHAS = ("alphas_normal", "alphas_reduce")


@pytest.fixture(
    scope="module",
    params=[pytest.param(1, marks=pytest.mark.slow), pytest.param(2, marks=pytest.mark.slow), 3],
    ids=lambda stage: f"stage{stage}",
)
def golden(request):
    """The `GoldenSupernet` of each stage."""
    golden = golden_supernet(request.param)
    golden.restart()
    return golden


def differentiated(golden, differentiate, variables):
    """Returns (logits, loss, gradients) of the validation images in training mode."""
    golden.restart()
    with tf.GradientTape() as tape:
        tape.watch([variable.value for variable in variables])
        logits = golden.model(golden.images("valid"), training=True, differentiate=differentiate)
        loss = cross_entropy(golden.labels("valid"), logits)
    return logits, loss, tape.gradient(loss, [variable.value for variable in variables])


@pytest.fixture(scope="module")
def arch_pass(golden):
    """The forward and backward pass of the alphas."""
    return differentiated(golden, "architecture", golden.model.arch_variables)


def test_inference_logits_are_the_official_ones(golden):
    golden.restart()
    logits = golden.model(golden.images("train"))
    np.testing.assert_allclose(logits, golden.arrays["eval_logits"], rtol=0, atol=1e-5)


def test_training_logits_are_the_official_ones(golden, arch_pass):
    logits, _, _ = arch_pass
    np.testing.assert_allclose(logits, golden.arrays["valid/logits"], rtol=0, atol=1e-5)


def test_training_loss_is_the_official_one(golden, arch_pass):
    _, loss, _ = arch_pass
    np.testing.assert_allclose(loss, golden.arrays["valid/loss"], rtol=0, atol=1e-5)


@pytest.mark.parametrize(("index", "name"), [(0, "alphas_normal"), (1, "alphas_reduce")])
def test_gradients_of_the_alphas_are_the_official_ones(golden, arch_pass, index, name):
    _, _, gradients = arch_pass
    expected = golden.arrays[f"valid/grad/{name}"]
    largest = np.abs(expected).max()
    np.testing.assert_allclose(gradients[index], expected, rtol=0, atol=1e-4 * largest)


@pytest.mark.slow
def test_gradients_of_the_weights_are_the_official_ones(golden):
    model = golden.model
    variables = model.trainable_variables
    _, _, gradients = differentiated(golden, "weights", variables)
    expected = golden.expected("valid/grad/")
    values = [variable.numpy() for variable in expected.trainable_variables]
    largest = max(np.abs(value).max() for value in values)
    atol = WEIGHT_GRADIENT_TOLERANCE[model.space.num_candidates] * largest
    for variable, gradient, value in zip(variables, gradients, values, strict=True):
        np.testing.assert_allclose(gradient, value, rtol=0, atol=atol, err_msg=variable.path)


def test_inference_changes_no_weight(golden):
    golden.restart()
    before = snapshot(golden.model.weights)
    golden.model(golden.images("train"))
    for variable, value in zip(golden.model.weights, before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value, err_msg=variable.path)


class TwoSteps:
    """Two bilevel steps from where the goldens begin, with the paper's settings."""

    def __init__(self, golden):
        golden.restart()
        compile_search(golden.model)
        self.golden = golden
        self.first_loss = float(golden.model.train_step(golden.data())["loss"])
        self.first = torch_arrays(golden.model)
        self.expected_first = torch_arrays(golden.expected("step1/"))
        golden.model.reset_metrics()
        self.second_loss = float(golden.model.train_step(golden.data())["loss"])
        self.second = torch_arrays(golden.model)

    def assert_close_to_the_largest(self, tolerance, running):
        """Compares running statistics, or weights, after the first step, array by array."""
        for key, expected in self.expected_first.items():
            name = key[0].rpartition("/")[2]
            if name in (*ALPHAS, "forward_passes") or name.startswith("moving_") != running:
                continue
            atol = tolerance * np.abs(expected).max()
            message = str(key)
            np.testing.assert_allclose(self.first[key], expected, 0, atol, err_msg=message)


@pytest.fixture(scope="module")
def two_steps(golden):
    """`TwoSteps` of each stage."""
    return TwoSteps(golden)


@pytest.mark.parametrize("name", ALPHAS)
@pytest.mark.slow
def test_alphas_after_the_first_step_are_the_official_ones(two_steps, name):
    expected = two_steps.expected_first[name, None]
    np.testing.assert_allclose(two_steps.first[name, None], expected, rtol=0, atol=1e-6)


@pytest.mark.slow
def test_weights_after_the_first_step_are_the_official_ones(two_steps):
    two_steps.assert_close_to_the_largest(1e-3, running=False)


@pytest.mark.slow
def test_running_statistics_after_the_first_step_are_the_official_ones(two_steps):
    two_steps.assert_close_to_the_largest(1e-4, running=True)


@pytest.mark.slow
def test_loss_of_the_first_step_is_the_official_one(two_steps):
    expected = float(two_steps.golden.arrays["step1/train_loss"])
    assert two_steps.first_loss == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("name", ALPHAS)
@pytest.mark.slow
def test_alphas_after_the_second_step_are_the_official_ones(two_steps, name):
    expected = two_steps.golden.arrays[f"step2/{name}"]
    np.testing.assert_allclose(two_steps.second[name, None], expected, rtol=0, atol=2e-4)


@pytest.mark.slow
def test_loss_of_the_second_step_is_the_official_one(two_steps):
    expected = float(two_steps.golden.arrays["step2/train_loss"])
    assert two_steps.second_loss == pytest.approx(expected, abs=1e-3)
