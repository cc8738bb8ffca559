"""Cross entropies of searches and trainings, and the weights of classes in them."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import tensorflow as tf


def class_weights(
    rule: str, labels: npt.NDArray[np.integer], num_classes: int
) -> tuple[float, ...] | None:
    """Returns the weight of every class in a training loss; None if all images weigh alike.

    With "balanced" they are n / (classes * n_c) for a class with n_c of n images, as in
    scikit-learn: all classes weigh alike together, and an image weighs 1 on average. A class
    without images weighs 0, and does not count as one.

    Args:
        rule: "none" or "balanced".
        labels: Labels of the images, (n,) integers.
        num_classes: Number of classes.

    Example:

    >>> class_weights("balanced", np.array([0, 0, 0, 1]), num_classes=2)
    (0.6666666666666666, 2.0)
    """
    if rule == "none":
        return None
    counts = np.bincount(labels, minlength=num_classes)
    present = int(np.count_nonzero(counts))
    return tuple(len(labels) / (present * n) if n else 0.0 for n in counts.tolist())


def cross_entropy(
    labels: tf.Tensor,
    logits: tf.Tensor,
    weights: tf.Tensor | None = None,
    class_weights: Sequence[float] | None = None,
) -> tf.Tensor:
    """Returns the mean over the batch of the cross entropy of integer labels.

    Args:
        labels: (batch,) integers.
        logits: (batch, classes).
        weights: Factors of the images' losses, (batch,); by default 1.
        class_weights: Factors of the losses of the classes' images, (classes,); by default 1.
    """
    losses = smoothed_cross_entropy(labels, logits, class_weights=class_weights)
    return tf.reduce_mean(losses if weights is None else weights * losses)


def smoothed_cross_entropy(
    labels: tf.Tensor,
    logits: tf.Tensor,
    smoothing: float = 0.0,
    class_weights: Sequence[float] | None = None,
) -> tf.Tensor:
    """Computes the cross entropy with targets (1 - smoothing) one_hot + smoothing / classes.

    The loss of an image with shares of several classes is the sum of its losses with each class as
    its label, times their shares.

    Args:
        labels: (batch,) integers, or the share of every class, (batch, classes).
        logits: (batch, classes).
        smoothing: Smoothing, in [0, 1).
        class_weights: Factors of the losses of the classes, (classes,); by default 1.

    Returns:
        (batch,) losses.
    """
    if len(labels.shape) == 2:
        weighted = labels if class_weights is None else labels * tf.constant(class_weights)
        return _loss_of_shares(weighted, logits, smoothing)
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
    if smoothing:
        uniform = -tf.reduce_mean(tf.nn.log_softmax(logits), -1)
        losses = (1.0 - smoothing) * losses + smoothing * uniform
    if class_weights is None:
        return losses
    return tf.gather(tf.constant(class_weights), labels) * losses


def _loss_of_shares(shares: tf.Tensor, logits: tf.Tensor, smoothing: float) -> tf.Tensor:
    """Computes the sum of the classes' losses, times shares that need not add up to 1."""
    # TensorFlow's cross entropy of targets has a wrong gradient if they do not add up to 1.
    log_probabilities = tf.nn.log_softmax(logits)
    if smoothing:
        total = tf.reduce_sum(shares, -1, keepdims=True)
        shares = (1.0 - smoothing) * shares + smoothing / shares.shape[-1] * total
    return -tf.reduce_sum(shares * log_probabilities, -1)
