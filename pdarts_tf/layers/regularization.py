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


def drop_path(x, rate, seed):
    """Zeroes whole samples with probability `rate` and scales the others by 1 / (1 - rate).

    Args:
        x: (batch, height, width, channels), the output of one operation.
        rate: scalar tensor, 0 <= rate < 1.
        seed: two int32.

    Returns:
        A tensor as x; its expectation over the seeds is x.

    Reference: Larsson, Maire, Shakhnarovich, "FractalNet" (arXiv 1605.07648), in the form that
    NASNet (arXiv 1707.07012, section 4) and P-DARTS (section 4.3) train with.
    """
    keep = tf.random.stateless_uniform((tf.shape(x)[0], 1, 1, 1), seed) >= rate
    # A factor and not a selection: the graph keeps one small mask for the gradient.
    return x * (tf.cast(keep, x.dtype) / (1.0 - rate))


def split_seed(seed, num):
    """Returns `num` independent seeds, (num, 2) int32, from one of two int32."""
    return tf.random.stateless_uniform((num, 2), seed, minval=None, maxval=None, dtype=tf.int32)
