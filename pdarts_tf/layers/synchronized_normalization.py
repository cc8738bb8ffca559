"""Batch normalization over all replicas, with exact gradients.

The fused kernel knows one device only. What it does with given statistics, forward and backward, is
still its work; what statistics and their gradient need from the other replicas is added here: one
exchange of a vector in each direction.
"""

import tensorflow as tf

from pdarts_tf.layers import replicas
from pdarts_tf.layers.normalization import BATCH_NORM_EPSILON, normalize_batch, normalize_moving

_AXES = (0, 1, 2)


def normalize_global_batch(x, scale, offset):
    """As `normalize_batch`, with the statistics of the batches of all replicas together.

    The batches must be of equal size. It exchanges values with the other replicas, so that all have
    to call it, and none inside a tf.function of its own.

    Reference: Zhang et al., "Context Encoding for Semantic Segmentation" (arXiv 1803.08904),
    section 3.2, "synchronized cross-GPU batch normalization".
    """
    if replicas.count() == 1:
        return normalize_batch(x, scale, offset)
    mean, variance = _statistics(tf.stop_gradient(x))
    y = _normalize(x, scale, offset, mean, variance)
    count = tf.cast(replicas.count() * (tf.size(x) // tf.size(mean)), variance.dtype)
    return y, mean, variance * (count / tf.maximum(count - 1.0, 1.0))


def _statistics(x):
    """Mean and biased variance of all replicas: that of each, and how far their means differ.

    A sum of squares, which is simpler to exchange, loses the variance where the mean is large.
    """
    x = tf.cast(x, tf.float32)
    means = replicas.gather(tf.stack(tf.nn.moments(x, _AXES)))  # (replicas, 2, channels)
    mean = tf.reduce_mean(means[:, 0], 0)
    between = tf.reduce_mean(tf.math.squared_difference(means[:, 0], mean), 0)
    return mean, tf.reduce_mean(means[:, 1], 0) + between


@tf.custom_gradient
def _normalize(x, scale, offset, mean, variance):
    """Normalizes by statistics of which the gradient knows that they come from x."""

    def gradient(dy):
        # As if the statistics were constants: dx = dy scale rstd, and the two sums over x.
        dx, dscale, doffset, *_ = tf.raw_ops.FusedBatchNormGradV3(
            y_backprop=dy,
            x=x,
            scale=scale,
            reserve_space_1=mean,
            reserve_space_2=variance,
            reserve_space_3=[],
            epsilon=BATCH_NORM_EPSILON,
            is_training=False,
        )
        # Through the statistics: dx -= scale rstd (mean(dy) + xhat mean(dy xhat)).
        sums = replicas.total(tf.stack([doffset, dscale]))
        count = tf.cast(replicas.count() * (tf.size(x) // tf.size(mean)), sums.dtype)
        mean_dy, mean_dy_xhat = tf.unstack(sums / count)
        rstd = tf.math.rsqrt(variance + BATCH_NORM_EPSILON)
        slope = scale * tf.square(rstd) * mean_dy_xhat
        constant = scale * rstd * mean_dy - slope * mean
        dx -= tf.cast(slope, x.dtype) * x + tf.cast(constant, x.dtype)
        return dx, dscale, doffset, None, None

    return normalize_moving(x, scale, offset, mean, variance), gradient
