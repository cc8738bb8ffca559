"""Both optimizers against PyTorch's formulas in NumPy, clipping, and their state."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from pdarts_tf.training.optimizers import (
    AdamL2,
    MomentumSGD,
    arch_optimizer,
    clip_by_global_norm,
    weight_optimizer,
)

START = [np.array([[1.0, -2.0], [0.5, 3.0]], np.float32), np.array([0.25, -4.0], np.float32)]
RATES = [0.1, 0.1, 0.02, 0.3, 0.0, 0.05]


def gradients_of(step):
    """Arbitrary gradients for START, of a norm around 2 or, in every second step, around 20."""
    rng = np.random.default_rng(step)
    scale = 10.0 if step % 2 else 1.0
    return [scale * rng.normal(size=value.shape).astype(np.float32) for value in START]


def clipped(gradients, limit):
    """PyTorch's clip_grad_norm_."""
    norm = np.sqrt(sum(np.square(gradient).sum() for gradient in gradients))
    return [gradient * min(limit / (norm + 1e-6), 1.0) for gradient in gradients]


def torch_sgd(rates, momentum, l2, limit):
    """Values after each step of torch.optim.SGD."""
    values = [value.astype(np.float64) for value in START]
    velocities = [np.zeros_like(value) for value in values]
    history = []
    for step, rate in enumerate(rates):
        gradients = clipped(gradients_of(step), limit)
        for i, gradient in enumerate(gradients):
            velocities[i] = momentum * velocities[i] + gradient + l2 * values[i]
            values[i] = values[i] - rate * velocities[i]
        history.append(list(values))
    return history


def torch_adam(rates, betas, epsilon, l2, limit):
    """Values after each step of torch.optim.Adam."""
    values = [value.astype(np.float64) for value in START]
    means = [np.zeros_like(value) for value in values]
    squares = [np.zeros_like(value) for value in values]
    history = []
    for step, rate in enumerate(rates, 1):
        gradients = clipped(gradients_of(step - 1), limit)
        for i, gradient in enumerate(gradients):
            gradient = gradient + l2 * values[i]
            means[i] = betas[0] * means[i] + (1 - betas[0]) * gradient
            squares[i] = betas[1] * squares[i] + (1 - betas[1]) * gradient**2
            root = np.sqrt(squares[i]) / np.sqrt(1 - betas[1] ** step) + epsilon
            values[i] = values[i] - rate / (1 - betas[0] ** step) * means[i] / root
        history.append(list(values))
    return history


def steps(optimizer, rates):
    """Values after each step of one of ours."""
    variables = [keras.Variable(value) for value in START]
    optimizer.build(variables)
    history = []
    for step, rate in enumerate(rates):
        optimizer.learning_rate = rate
        optimizer.clip_and_apply([tf.constant(g) for g in gradients_of(step)], variables)
        history.append([variable.numpy() for variable in variables])
    return history


def assert_equal_histories(ours, expected):
    """Compares all values after all steps, whose size is that of the learning rate or larger."""
    for step, (values, references) in enumerate(zip(ours, expected, strict=True)):
        for value, reference in zip(values, references, strict=True):
            np.testing.assert_allclose(value, reference, rtol=1e-5, atol=1e-5, err_msg=f"{step}")


@pytest.mark.parametrize("l2", [0.0, 0.1])
@pytest.mark.parametrize("limit", [5.0, 1e9])
def test_momentum_sgd_is_that_of_pytorch(l2, limit):
    ours = steps(MomentumSGD(0.1, momentum=0.9, l2=l2, clip_norm=limit), RATES)
    assert_equal_histories(ours, torch_sgd(RATES, 0.9, l2, limit))


@pytest.mark.parametrize("l2", [0.0, 0.1])
@pytest.mark.parametrize("limit", [5.0, 1e9])
def test_adam_is_that_of_pytorch(l2, limit):
    ours = steps(AdamL2(0.1, beta_1=0.5, beta_2=0.999, l2=l2, clip_norm=limit), RATES)
    assert_equal_histories(ours, torch_adam(RATES, (0.5, 0.999), 1e-8, l2, limit))


def test_epsilon_is_added_to_the_root_of_the_corrected_moment():
    ours = steps(AdamL2(0.1, epsilon=0.5, l2=0.0, clip_norm=1e9), RATES)
    assert_equal_histories(ours, torch_adam(RATES, (0.5, 0.999), 0.5, 0.0, 1e9))


@pytest.mark.parametrize("optimizer", [MomentumSGD, AdamL2])
def test_a_graph_takes_the_same_steps(optimizer):
    variables = [keras.Variable(value) for value in START]
    traced = optimizer(0.1, l2=0.1)
    traced.build(variables)

    @tf.function
    def step(first, second):
        traced.clip_and_apply([first, second], variables)

    for index in range(4):
        step(*(tf.constant(gradient) for gradient in gradients_of(index)))
    eager = steps(optimizer(0.1, l2=0.1), [0.1] * 4)
    assert_equal_histories([[variable.numpy() for variable in variables]], eager[-1:])


def test_l2_is_added_after_clipping():
    variable = keras.Variable([100.0])
    optimizer = MomentumSGD(1.0, momentum=0.0, l2=0.5, clip_norm=5.0)
    optimizer.build([variable])
    optimizer.clip_and_apply([tf.constant([30.0])], [variable])
    np.testing.assert_allclose(variable.numpy(), [100.0 - 5.0 - 50.0], rtol=1e-6)


def test_the_learning_rate_is_not_part_of_the_momentum():
    variable = keras.Variable([0.0])
    optimizer = MomentumSGD(1.0, momentum=0.5, l2=0.0)
    optimizer.build([variable])
    optimizer.clip_and_apply([tf.constant([1.0])], [variable])
    optimizer.learning_rate = 0.1
    optimizer.clip_and_apply([tf.constant([0.0])], [variable])
    np.testing.assert_allclose(variable.numpy(), [-1.0 - 0.1 * 0.5], rtol=1e-6)


@pytest.mark.parametrize("optimizer", [weight_optimizer, arch_optimizer])
def test_a_step_returns_the_norm_before_clipping(optimizer):
    variables = [keras.Variable([0.0]), keras.Variable([0.0])]
    optimizer = optimizer()
    optimizer.build(variables)
    norm = optimizer.clip_and_apply([tf.constant([6.0]), tf.constant([8.0])], variables)
    assert float(norm) == pytest.approx(10.0)


def test_clipping_scales_all_gradients_by_one_factor():
    gradients = [tf.constant([[6.0, 0.0]]), tf.constant([8.0])]
    (first, second), norm = clip_by_global_norm(gradients, 5.0)
    np.testing.assert_allclose(first, [[3.0, 0.0]], rtol=1e-6)
    np.testing.assert_allclose(second, [4.0], rtol=1e-6)
    assert float(norm) == pytest.approx(10.0)


def test_small_gradients_are_not_clipped():
    (gradient,), norm = clip_by_global_norm([tf.constant([3.0, 4.0])], 5.1)
    np.testing.assert_array_equal(gradient, [3.0, 4.0])
    assert float(norm) == pytest.approx(5.0)


def test_zero_gradients_stay_zero():
    (gradient,), norm = clip_by_global_norm([tf.zeros(3)], 5.0)
    np.testing.assert_array_equal(gradient, np.zeros(3))
    assert float(norm) == 0.0


def test_weight_optimizer_has_the_settings_of_the_paper():
    optimizer = weight_optimizer()
    assert float(optimizer.learning_rate) == pytest.approx(0.025)
    assert (optimizer.momentum, optimizer.l2, optimizer.clip_norm) == (0.9, 3e-4, 5.0)


def test_arch_optimizer_has_the_settings_of_the_paper():
    optimizer = arch_optimizer()
    assert float(optimizer.learning_rate) == pytest.approx(6e-4)
    assert (optimizer.beta_1, optimizer.beta_2, optimizer.epsilon) == (0.5, 0.999, 1e-8)
    assert (optimizer.l2, optimizer.clip_norm) == (1e-3, 5.0)


@pytest.mark.parametrize(
    "optimizer",
    [
        MomentumSGD(0.5, momentum=0.8, l2=0.1, clip_norm=2.0, name="mine"),
        AdamL2(0.5, beta_1=0.1, beta_2=0.2, epsilon=0.3, l2=0.4, clip_norm=0.6, name="mine"),
    ],
    ids=["sgd", "adam"],
)
def test_config_round_trip(optimizer):
    serialized = keras.saving.serialize_keras_object(optimizer)
    again = keras.saving.deserialize_keras_object(serialized)
    assert again.get_config() == optimizer.get_config()
    assert again.l2 == optimizer.l2
    assert again.clip_norm == optimizer.clip_norm
    assert again.name == "mine"


@pytest.mark.parametrize("optimizer", [MomentumSGD, AdamL2])
def test_a_restored_run_continues_as_if_it_had_not_stopped(optimizer, tmp_path):
    uninterrupted = steps(optimizer(0.1), [0.1] * 4)

    variables = [keras.Variable(value) for value in START]
    first = optimizer(0.1)
    first.build(variables)
    for index in range(2):
        first.clip_and_apply([tf.constant(g) for g in gradients_of(index)], variables)
    saved = tf.train.Checkpoint(optimizer=first).save(str(tmp_path / "state"))

    resumed = [keras.Variable(variable.numpy()) for variable in variables]
    second = optimizer(0.7)
    second.build(resumed)
    tf.train.Checkpoint(optimizer=second).restore(saved).assert_consumed()
    for index in range(2, 4):
        second.clip_and_apply([tf.constant(g) for g in gradients_of(index)], resumed)
    assert_equal_histories([[variable.numpy() for variable in resumed]], uninterrupted[-1:])


def test_velocities_are_restored(tmp_path):
    first, second = MomentumSGD(0.1), MomentumSGD(0.1)
    for optimizer in (first, second):
        optimizer.build([keras.Variable(value) for value in START])
    for velocity, gradient in zip(first.velocities, gradients_of(0), strict=True):
        velocity.assign(gradient)
    saved = tf.train.Checkpoint(optimizer=first).save(str(tmp_path / "state"))
    tf.train.Checkpoint(optimizer=second).restore(saved).assert_consumed()
    for velocity, gradient in zip(second.velocities, gradients_of(0), strict=True):
        np.testing.assert_array_equal(velocity.numpy(), gradient)


def test_applying_gradients_as_they_are_adds_l2_and_clips_nothing():
    variable = keras.Variable([100.0])
    optimizer = MomentumSGD(1.0, momentum=0.0, l2=0.5, clip_norm=5.0)
    optimizer.build([variable])
    optimizer.apply([tf.constant([30.0])], [variable])
    np.testing.assert_allclose(variable.numpy(), [100.0 - 30.0 - 50.0], rtol=1e-6)


def test_a_step_is_one_kernel_per_variable_and_a_few_per_shape():
    def operations(count):
        variables = [keras.Variable(np.ones((2, 3), np.float32)) for _ in range(count)]
        optimizer = MomentumSGD(0.1)
        optimizer.build(variables)
        step = tf.function(lambda g: optimizer.clip_and_apply(tf.unstack(g), variables))
        graph = step.get_concrete_function(tf.TensorSpec((count, 2, 3))).graph
        return [each.type for each in graph.get_operations()]

    without_kernel = {"ReadVariableOp", "Placeholder", "Identity", "NoOp"}
    few, many = (
        [name for name in operations(count) if name not in without_kernel] for count in (10, 30)
    )
    assert many.count("ResourceApplyMomentum") == 30
    assert len(many) - len(few) == 20
