"""Batch normalization with PyTorch's conventions, through TensorFlow's fused kernel.

Keras' own layer composes it from elementary operations, which takes about twice the time on a CPU.
"""

import keras
import tensorflow as tf

BATCH_NORM_EPSILON = 1e-5
BATCH_NORM_MOMENTUM = 0.9  # Keras' convention; PyTorch writes the same as 0.1.


def normalize_batch(x, scale, offset):
    """Normalizes with the statistics of the batch itself.

    Args:
        x: (batch, height, width, channels).
        scale, offset: (channels,), float32 whatever x is.

    Returns:
        (y, mean, variance): y as x; mean and the *unbiased* variance, (channels,), which are what
        PyTorch averages into its running statistics.
    """
    y, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
        x=x,
        scale=scale,
        offset=offset,
        mean=[],
        variance=[],
        epsilon=BATCH_NORM_EPSILON,
        exponential_avg_factor=1.0,
        is_training=True,
    )
    return y, mean, variance


def normalize_batch_exactly(x, scale, offset):
    """As `normalize_batch`, with statistics in float64, as PyTorch computes them on a CPU.

    The fused kernel adds all values of a channel one after the other in float32 there, which leaves
    the variance of a 56x56 map wrong by some 1e-6. This takes several times as long.
    """
    exact = tf.cast(x, tf.float64)
    mean = tf.reduce_mean(exact, (0, 1, 2))
    variance = tf.reduce_mean(tf.square(exact - mean), (0, 1, 2))
    factor = tf.cast(tf.math.rsqrt(variance + BATCH_NORM_EPSILON), scale.dtype) * scale
    y = tf.cast(x, scale.dtype) * factor + (offset - tf.cast(mean, scale.dtype) * factor)
    count = tf.cast(tf.size(x) // tf.size(mean), tf.float64)
    unbiased = variance * (count / tf.maximum(count - 1.0, 1.0))
    return tf.cast(y, x.dtype), tf.cast(mean, scale.dtype), tf.cast(unbiased, scale.dtype)


def normalize_moving(x, scale, offset, mean, variance):
    """Normalizes with given statistics, as inference does.

    Args:
        x: (batch, height, width, channels).
        scale, offset, mean, variance: (channels,).

    Returns:
        A tensor as x.
    """
    return tf.raw_ops.FusedBatchNormV3(
        x=x,
        scale=scale,
        offset=offset,
        mean=mean,
        variance=variance,
        epsilon=BATCH_NORM_EPSILON,
        is_training=False,
    ).y


def update_moving(moving, batch_value):
    """Moves a running statistic one step towards that of the batch."""
    moving.assign(moving * BATCH_NORM_MOMENTUM + batch_value * (1.0 - BATCH_NORM_MOMENTUM))


def add_running_statistics(layer, shape):
    """Adds the variables `moving_mean` and `moving_variance` to a layer; replicas agree on them."""
    options = {"shape": shape, "trainable": False, "aggregation": "mean", "autocast": False}
    layer.moving_mean = layer.add_weight(initializer="zeros", name="moving_mean", **options)
    layer.moving_variance = layer.add_weight(initializer="ones", name="moving_variance", **options)


def _has_gpu():
    return bool(tf.config.list_physical_devices("GPU"))


@keras.saving.register_keras_serializable("pdarts_tf")
class BatchNormalization(keras.layers.Layer):
    """Batch normalization over all but the last axis of (batch, height, width, channels).

    Args:
        affine: whether a scale and an offset are learned. The search uses none, so that a
            candidate cannot outweigh the others by its scale instead of its alpha.

    Attributes:
        normalize: what training does: `normalize_batch`, or `normalize_global_batch` of
            `layers.synchronized_normalization`.
        exact: whether training uses `normalize_batch_exactly` instead of `normalize_batch` where
            there is no GPU.
    """

    def __init__(self, affine=True, **kwargs):
        super().__init__(**kwargs)
        self.affine = bool(affine)
        self.normalize = normalize_batch
        self.exact = False

    def build(self, input_shape):
        """Creates the running statistics and, if affine, scale and offset: (channels,) each."""
        shape = (input_shape[-1],)
        if self.affine:
            self.gamma = self.add_weight(
                shape=shape, initializer="ones", autocast=False, name="gamma"
            )
            self.beta = self.add_weight(
                shape=shape, initializer="zeros", autocast=False, name="beta"
            )
        add_running_statistics(self, shape)

    def call(self, x, training=False):
        """Returns x normalized; in training also updates the running statistics."""
        if self.affine:
            scale, offset = tf.convert_to_tensor(self.gamma), tf.convert_to_tensor(self.beta)
        else:
            scale, offset = tf.ones(x.shape[-1:]), tf.zeros(x.shape[-1:])
        if not training:
            mean = tf.convert_to_tensor(self.moving_mean)
            variance = tf.convert_to_tensor(self.moving_variance)
            return normalize_moving(x, scale, offset, mean, variance)
        normalize = self.normalize
        if self.exact and normalize is normalize_batch and not _has_gpu():
            normalize = normalize_batch_exactly
        y, mean, variance = normalize(x, scale, offset)
        update_moving(self.moving_mean, mean)
        update_moving(self.moving_variance, variance)
        return y

    def get_config(self):
        """Returns the constructor's arguments."""
        return {**super().get_config(), "affine": self.affine}
