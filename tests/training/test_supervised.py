"""The supervised step: its loss, what it moves, and what it measures."""

import numpy as np
import pytest

import pdarts_tf as pd
from pdarts_tf.training.supervised import SupervisedNetwork, smoothed_cross_entropy

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


def test_smoothing_is_the_cross_entropy_with_a_mixture():
    logits = np.array([[1.0, 2.0, 4.0]], np.float32)
    log_p = logits[0] - np.log(np.exp(logits[0]).sum())
    target = 0.9 * np.array([0, 1, 0]) + 0.1 / 3
    loss = smoothed_cross_entropy(np.array([1]), logits, 0.1)
    np.testing.assert_allclose(loss, [-(target * log_p).sum()], rtol=1e-6)


def test_no_smoothing_is_the_plain_cross_entropy():
    logits = np.array([[0.0, 0.0]], np.float32)
    np.testing.assert_allclose(smoothed_cross_entropy(np.array([0]), logits), [np.log(2)])


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
