"""Cross entropies against NumPy: smoothed, of shares of classes, with weights of the classes."""

import numpy as np
import pytest
import tensorflow as tf
from sklearn.utils.class_weight import compute_class_weight

from pdarts_tf.training.losses import class_weights, cross_entropy, smoothed_cross_entropy

LOGITS = np.array([[1.0, 2.0, 4.0], [0.5, -1.0, 0.0], [3.0, 0.0, 0.0]], np.float32)
LABELS = np.array([1, 2, 0])
OTHERS = np.array([0, 2, 2])
SHARES = np.array([0.75, 0.3, 0.6], np.float32)
WEIGHTS = (0.5, 2.0, 3.0)


def one_hot(labels):
    return np.eye(3, dtype=np.float32)[labels]


def mixed():
    """Targets of LABELS and OTHERS, by shares."""
    return SHARES[:, None] * one_hot(LABELS) + (1 - SHARES[:, None]) * one_hot(OTHERS)


def expected(labels, smoothing=0.0):
    """The losses of images with one label each, by NumPy."""
    log_p = LOGITS - np.log(np.exp(LOGITS).sum(-1, keepdims=True))
    target = (1 - smoothing) * one_hot(labels) + smoothing / 3
    return -(target * log_p).sum(-1)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_smoothing_is_the_cross_entropy_with_a_mixture(smoothing):
    loss = smoothed_cross_entropy(LABELS, LOGITS, smoothing)
    np.testing.assert_allclose(loss, expected(LABELS, smoothing), rtol=1e-5)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_the_loss_of_a_mixture_is_the_mixture_of_the_losses(smoothing):
    loss = smoothed_cross_entropy(mixed(), LOGITS, smoothing)
    both = SHARES * expected(LABELS, smoothing) + (1 - SHARES) * expected(OTHERS, smoothing)
    np.testing.assert_allclose(loss, both, rtol=1e-5)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_class_weights_multiply_the_losses_of_their_images(smoothing):
    loss = smoothed_cross_entropy(LABELS, LOGITS, smoothing, WEIGHTS)
    weighted = np.take(WEIGHTS, LABELS) * expected(LABELS, smoothing)
    np.testing.assert_allclose(loss, weighted, rtol=1e-5)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_class_weights_multiply_the_shares_of_mixtures(smoothing):
    loss = smoothed_cross_entropy(mixed(), LOGITS, smoothing, WEIGHTS)
    both = [
        share * np.take(WEIGHTS, labels) * expected(labels, smoothing)
        for share, labels in ((SHARES, LABELS), (1 - SHARES, OTHERS))
    ]
    np.testing.assert_allclose(loss, sum(both), rtol=1e-5)


def test_weighted_shares_have_the_gradient_of_their_loss():
    """That of TensorFlow's cross entropy is another one if targets do not add up to 1."""
    logits = tf.constant(LOGITS)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        loss = smoothed_cross_entropy(mixed(), logits, class_weights=WEIGHTS)
    targets = mixed() * WEIGHTS
    softmax = np.exp(LOGITS) / np.exp(LOGITS).sum(-1, keepdims=True)
    gradient = targets.sum(-1, keepdims=True) * softmax - targets
    np.testing.assert_allclose(tape.gradient(loss, logits), gradient, rtol=1e-5, atol=1e-6)


def test_weights_of_images_and_of_classes_multiply():
    weights = np.array([2.0, 0.0, 1.0], np.float32)
    loss = cross_entropy(LABELS, LOGITS, weights, WEIGHTS)
    losses = weights * np.take(WEIGHTS, LABELS) * expected(LABELS)
    assert float(loss) == pytest.approx(losses.mean(), rel=1e-5)


def test_balanced_weights_are_those_of_scikit_learn():
    labels = np.random.default_rng(0).binomial(4, 0.4, 200)
    theirs = compute_class_weight("balanced", classes=np.arange(5), y=labels)
    assert class_weights("balanced", labels, 5) == pytest.approx(tuple(theirs), rel=1e-15)


def test_classes_without_images_do_not_count():
    assert class_weights("balanced", np.array([0, 0, 2, 2]), 4) == (1.0, 0.0, 1.0, 0.0)


def test_without_a_rule_there_are_no_weights():
    assert class_weights("none", LABELS, 3) is None
