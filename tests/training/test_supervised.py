"""The supervised step: its loss, what it moves, and what it measures."""

import numpy as np
import pytest
import tensorflow as tf

import pdarts_tf as pd
from pdarts_tf.training.supervised import SupervisedNetwork

CELL = [("skip_connect", 0), ("sep_conv_3x3", 1)]
TINY = pd.Genotype(CELL, [2], CELL, [2])
# The second node is in no output, so its operations get no gradient.
DEAD_END = pd.Genotype([*CELL, ("sep_conv_3x3", 2), ("skip_connect", 0)], [2], CELL, [2])


def batch(size=4):
    rng = np.random.default_rng(0)
    images = rng.normal(size=(size, 24, 24, 3)).astype(np.float32)
    return images, rng.integers(0, 6, size)


def network(genotype=TINY, **compiled):
    model = SupervisedNetwork(
        genotype, init_channels=2, num_layers=3, num_classes=6, auxiliary=True
    )
    model.build((None, 24, 24, 3))
    model.compile(pd.weight_optimizer(0.1), **compiled)
    return model


@pytest.fixture(scope="module")
def stepped():
    """A network after one step, its weights before, and the step's logs."""
    model = network()
    before = [variable.numpy() for variable in model.trainable_variables]
    logs = model.train_step(batch())
    return model, before, logs


def test_a_step_moves_every_weight(stepped):
    model, before, _ = stepped
    moved = [
        np.any(variable.numpy() != old)
        for variable, old in zip(model.trainable_variables, before, strict=True)
    ]
    assert all(moved)


def test_a_step_measures_loss_accuracy_and_gradient(stepped):
    _, _, logs = stepped
    assert set(logs) == {"loss", "accuracy", "weight_grad_norm"}
    # Two heads that know nothing of six classes: about 1.4 log 6.
    assert 1.5 < float(logs["loss"]) < 5


def test_the_auxiliary_loss_counts_with_its_weight(stepped):
    model, _, _ = stepped
    logits = np.zeros((1, 6), np.float32)
    _, loss = model._loss(np.array([0]), (logits, logits))
    np.testing.assert_allclose(loss, 1.4 * np.log(6), rtol=1e-6)


def test_a_test_step_ignores_images_of_weight_0(stepped):
    model, _, _ = stepped
    images, labels = batch()
    model.reset_metrics()
    model.test_step((images[:2], labels[:2], np.ones(2, np.float32)))
    expected = {n: float(v) for n, v in model._results(["test_loss", "test_accuracy"]).items()}
    model.reset_metrics()
    weights = np.array([1, 1, 0, 0], np.float32)
    logs = model.test_step((images, labels, weights))
    assert float(logs["test_loss"]) == pytest.approx(expected["test_loss"], rel=1e-5)
    assert float(logs["test_accuracy"]) == expected["test_accuracy"]


def test_top_5_of_six_classes_misses_only_the_last(stepped):
    model, _, _ = stepped
    images, _ = batch()
    logits = model(images, training=False).numpy()
    model.reset_metrics()
    logs = model.test_step((images, logits.argmin(-1), np.ones(4, np.float32)))
    assert float(logs["test_top5"]) == 0


def test_a_node_that_reaches_no_output_does_not_stop_training():
    logs = network(DEAD_END).train_step(batch())
    assert np.isfinite(float(logs["loss"]))


def moved(data, **compiled):
    """The logs of a step, and the sums of the gradients that its optimizer has."""
    model = network(**compiled)
    logs = {name: float(value) for name, value in model.train_step(data).items()}
    return logs, np.concatenate([v.numpy().ravel() for v in model.optimizer.velocities])


@pytest.fixture(scope="module")
def plain():
    return moved(batch())


def test_whole_shares_of_one_class_are_its_label(plain):
    images, labels = batch()
    logs, velocities = moved((images, np.eye(6, dtype=np.float32)[labels]))
    assert logs == pytest.approx(plain[0], rel=1e-5)
    np.testing.assert_allclose(velocities, plain[1], rtol=1e-3, atol=1e-5)


def test_a_mixture_has_the_losses_of_its_classes_by_their_shares(plain):
    images, labels = batch()
    one_hot = np.eye(6, dtype=np.float32)
    others = (labels + 1) % 6
    mixed = moved((images, 0.75 * one_hot[labels] + 0.25 * one_hot[others]))[0]["loss"]
    other = moved((images, others))[0]["loss"]
    assert mixed == pytest.approx(0.75 * plain[0]["loss"] + 0.25 * other, rel=1e-5)


def test_the_accuracy_counts_the_class_of_the_largest_share(stepped):
    model, _, _ = stepped
    logits = np.eye(6, dtype=np.float32)[:4]
    shares = np.roll(logits, 1, axis=-1) * 0.4 + logits * 0.6
    _, measured = model._scaled_loss(tf.constant(shares), tf.constant(logits))
    assert measured["accuracy"].numpy().tolist() == [1, 1, 1, 1]


def test_parts_of_a_batch_have_their_shares():
    images, labels = batch()
    shares = np.eye(6, dtype=np.float32)[labels]
    logs, velocities = moved((tf.constant(images), tf.constant(shares)), gradient_accumulation=2)
    expected = moved((tf.constant(images), tf.constant(labels)), gradient_accumulation=2)
    assert logs == pytest.approx(expected[0], rel=1e-5)
    np.testing.assert_allclose(velocities, expected[1], rtol=1e-3, atol=1e-5)


def test_shares_of_another_number_of_classes_are_refused(stepped):
    images, labels = batch()
    with pytest.raises(ValueError, match=r"Labels must be class numbers.*Received: float32 of sha"):
        stepped[0].train_step((images, np.eye(7, dtype=np.float32)[labels]))


def test_class_weights_count_in_the_training_loss_of_both_heads_only(plain):
    _, labels = batch()
    model = network(class_weights=[1, 2, 3, 4, 5, 6])
    logits = np.zeros((4, 6), np.float32)
    _, loss = model._loss(labels, (logits, logits))
    assert float(loss) == pytest.approx(1.4 * np.log(6) * (1 + labels).mean(), rel=1e-6)
    tested = model.test_step(batch())["test_loss"]
    assert float(tested) == pytest.approx(float(network().test_step(batch())["test_loss"]))


def test_weights_of_1_change_no_bit(plain):
    logs, velocities = moved(batch(), class_weights=[1.0] * 6)
    assert logs == plain[0]
    np.testing.assert_array_equal(velocities, plain[1])


@pytest.mark.parametrize("weights", [[1.0] * 5, [1.0] * 5 + [-1.0]], ids=["five", "negative"])
def test_class_weights_that_do_not_fit_are_refused(weights):
    with pytest.raises(ValueError, match="weight"):
        network(class_weights=weights)
