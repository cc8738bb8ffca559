"""Dropout that is stateless in a seed, so that a resumed run draws the same masks."""

import tensorflow as tf


def drop_elements(x, rate, seed):
    """Zeroes elements with probability `rate` and scales the others by 1 / (1 - rate).

    Args:
        x: any shape.
        rate: scalar tensor, 0 <= rate < 1.
        seed: two int32.

    Returns:
        A tensor as x.

    Reference: P-DARTS, section 3.3, "operation-level dropout".
    """
    keep = tf.random.stateless_uniform(tf.shape(x), seed) >= rate
    return tf.where(keep, x / (1.0 - rate), 0.0)
