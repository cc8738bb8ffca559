"""Batch normalization with PyTorch's conventions, through TensorFlow's fused kernel.

Keras' own layer composes it from elementary operations, which takes about twice the time on a CPU.

The fused kernel knows one device only. For statistics over all replicas it still does what it does
with given statistics, forward and backward; what these and their gradient need from the other
replicas is added here: one exchange of a vector in each direction.
"""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from pdarts_tf.layers import replicas
from pdarts_tf.layers.device_kind import device_kind

BATCH_NORM_EPSILON = 1e-5
BATCH_NORM_MOMENTUM = 0.9  # Keras' convention; PyTorch writes the same as 0.1.
_AXES = (0, 1, 2)

Normalized = tuple[tf.Tensor, tf.Tensor, tf.Tensor]
"""The normalized tensor, and the mean and the unbiased variance that running statistics average."""

Normalize = Callable[[tf.Tensor, tf.Tensor, tf.Tensor], Normalized]
"""A function of (x, scale, offset), such as `normalize_batch`."""


def normalize_batch(x: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor) -> Normalized:
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


def normalize_batch_and_move(
    x: tf.Tensor,
    scale: tf.Tensor,
    offset: tf.Tensor,
    moving_mean: tf.Tensor,
    moving_variance: tf.Tensor,
) -> Normalized:
    """As `normalize_batch`, and moves running statistics in the same kernel.

    Args:
        x, scale, offset: See `normalize_batch`.
        moving_mean, moving_variance: Running statistics, (channels,).

    Returns:
        (y, mean, variance): mean and variance are the new running statistics.
    """
    y, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
        x=x,
        scale=scale,
        offset=offset,
        mean=tf.stop_gradient(moving_mean),
        variance=tf.stop_gradient(moving_variance),
        epsilon=BATCH_NORM_EPSILON,
        exponential_avg_factor=1.0 - BATCH_NORM_MOMENTUM,
        is_training=True,
    )
    return y, mean, variance


def normalize_batch_exactly(x: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor) -> Normalized:
    """As `normalize_batch`, with statistics in float64, as PyTorch computes them on a CPU.

    The fused kernel adds all values of a channel one after the other in float32 there, which leaves
    the variance of a 56x56 map wrong by some 1e-6. This takes several times as long.
    """
    exact = tf.cast(x, tf.float64)
    mean = tf.reduce_mean(exact, _AXES)
    variance = tf.reduce_mean(tf.square(exact - mean), _AXES)
    factor = tf.cast(tf.math.rsqrt(variance + BATCH_NORM_EPSILON), scale.dtype) * scale
    y = tf.cast(x, scale.dtype) * factor + (offset - tf.cast(mean, scale.dtype) * factor)
    count = tf.cast(tf.size(x) // tf.size(mean), tf.float64)
    unbiased = variance * (count / tf.maximum(count - 1.0, 1.0))
    return tf.cast(y, x.dtype), tf.cast(mean, scale.dtype), tf.cast(unbiased, scale.dtype)


def normalize_global_batch(x: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor) -> Normalized:
    """As `normalize_batch`, with the statistics of the batches of all replicas together.

    The batches must be of equal size. It exchanges values with the other replicas, so that all have
    to call it, and none inside a tf.function of its own.

    Reference: Zhang et al., "Context Encoding for Semantic Segmentation" (arXiv 1803.08904),
    section 3.2, "synchronized cross-GPU batch normalization".
    """
    if replicas.count() == 1:
        return normalize_batch(x, scale, offset)
    mean, variance = _global_statistics(tf.stop_gradient(x))
    y = _normalize_by_statistics_of_x(x, scale, offset, mean, variance)
    count = tf.cast(replicas.count() * (tf.size(x) // tf.size(mean)), variance.dtype)
    return y, mean, variance * (count / tf.maximum(count - 1.0, 1.0))


def _global_statistics(x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Mean and biased variance of all replicas: that of each, and how far their means differ.

    A sum of squares, which is simpler to exchange, loses the variance where the mean is large.
    """
    x = tf.cast(x, tf.float32)
    means = replicas.gather(tf.stack(tf.nn.moments(x, _AXES)))  # (replicas, 2, channels)
    mean = tf.reduce_mean(means[:, 0], 0)
    between = tf.reduce_mean(tf.math.squared_difference(means[:, 0], mean), 0)
    return mean, tf.reduce_mean(means[:, 1], 0) + between


@tf.custom_gradient
def _normalize_by_statistics_of_x(
    x: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor, mean: tf.Tensor, variance: tf.Tensor
) -> tuple[tf.Tensor, Callable[..., Any]]:
    """Normalizes by statistics of which the gradient knows that they come from x."""

    def gradient(dy: tf.Tensor) -> tuple[tf.Tensor | None, ...]:
        dx, dscale, doffset = _gradient_by_constant_statistics(dy, x, scale, mean, variance)
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


def _gradient_by_constant_statistics(
    dy: tf.Tensor, x: tf.Tensor, scale: tf.Tensor, mean: tf.Tensor, variance: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Returns (dx, dscale, doffset), as if the statistics were constants.

    dx = dy scale rstd, dscale = sum(dy xhat), doffset = sum(dy), with xhat = (x - mean) rstd. The
    fused kernel refuses to compute them on a GPU where TensorFlow has to be deterministic.
    """
    if device_kind() == "CPU":
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
        return dx, dscale, doffset
    rstd = tf.math.rsqrt(variance + BATCH_NORM_EPSILON)
    wide = tf.cast(dy, scale.dtype)  # 16 bits are too few for sums over a batch
    xhat = (tf.cast(x, scale.dtype) - mean) * rstd
    dx = tf.cast(wide * (scale * rstd), x.dtype)
    return dx, tf.reduce_sum(wide * xhat, _AXES), tf.reduce_sum(wide, _AXES)


def normalize_moving(
    x: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor, mean: tf.Tensor, variance: tf.Tensor
) -> tf.Tensor:
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


_NORMALIZE: dict[str, Normalize] = {
    "batch": normalize_batch,
    "global": normalize_global_batch,
    "float64": normalize_batch_exactly,
}


def checked_statistics(statistics: str) -> str:
    """Returns its argument, if it names statistics that batch norms can normalize by.

    Raises:
        ValueError: If it is not "batch", "global" or "float64".
    """
    if statistics not in _NORMALIZE:
        raise ValueError(
            f"`statistics` must be one of {', '.join(_NORMALIZE)}. Received: {statistics!r}"
        )
    return statistics


def training_normalization(statistics: str) -> Normalize:
    """Returns the function by which batch norms normalize in training.

    Args:
        statistics: "batch": those of the batch; "global": those of the batches of all replicas
            together; "float64": those of the batch, computed in float64 where there is no GPU.
    """
    if statistics == "float64" and device_kind() == "GPU":
        return normalize_batch
    return _NORMALIZE[statistics]


def update_moving(moving: keras.Variable, batch_value: tf.Tensor) -> None:
    """Moves a running statistic one step towards that of the batch."""
    moving.assign(moving * BATCH_NORM_MOMENTUM + batch_value * (1.0 - BATCH_NORM_MOMENTUM))


def add_running_statistics(
    layer: keras.layers.Layer, shape: Sequence[int]
) -> tuple[keras.Variable, keras.Variable]:
    """Adds the variables `moving_mean` and `moving_variance` to a layer; replicas agree on them.

    Returns:
        Both variables, of the given shape: zeros and ones.
    """
    options = {"shape": shape, "trainable": False, "aggregation": "mean", "autocast": False}
    mean = layer.add_weight(initializer="zeros", name="moving_mean", **options)
    variance = layer.add_weight(initializer="ones", name="moving_variance", **options)
    return mean, variance


@keras.saving.register_keras_serializable("pdarts_tf")
class BatchNormalization(keras.layers.Layer):
    """Batch normalization over all but the last axis of (batch, height, width, channels).

    Args:
        affine: Whether a scale and an offset are learned. The search uses none, so that a
            candidate cannot outweigh the others by its scale instead of its alpha.
        statistics: Statistics that training normalizes by, see `training_normalization`.
        **kwargs: Arguments of a Keras layer: `name`, `dtype` and `trainable`.

    Raises:
        ValueError: If `statistics` is unknown.
    """

    def __init__(self, affine: bool = True, *, statistics: str = "batch", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.affine = bool(affine)
        self.statistics = checked_statistics(statistics)

    def build(self, input_shape: Sequence[Any]) -> None:
        """Creates the running statistics and, if affine, scale and offset: (channels,) each."""
        shape = (input_shape[-1],)
        if self.affine:
            self.gamma = self.add_weight(
                shape=shape, initializer="ones", autocast=False, name="gamma"
            )
            self.beta = self.add_weight(
                shape=shape, initializer="zeros", autocast=False, name="beta"
            )
        self.moving_mean, self.moving_variance = add_running_statistics(self, shape)

    def call(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Returns x normalized; in training also updates the running statistics.

        As in Keras, a layer that is frozen, by `trainable = False`, normalizes as in inference.
        """
        if self.affine:
            scale, offset = tf.convert_to_tensor(self.gamma), tf.convert_to_tensor(self.beta)
        else:
            scale, offset = tf.ones(x.shape[-1:]), tf.zeros(x.shape[-1:])
        running = tf.convert_to_tensor(self.moving_mean), tf.convert_to_tensor(self.moving_variance)
        if not (training and self.trainable):
            return normalize_moving(x, scale, offset, *running)
        normalize = training_normalization(self.statistics)
        if normalize is normalize_batch:
            y, mean, variance = normalize_batch_and_move(x, scale, offset, *running)
            self.moving_mean.assign(mean)
            self.moving_variance.assign(variance)
            return y
        y, mean, variance = normalize(x, scale, offset)
        update_moving(self.moving_mean, mean)
        update_moving(self.moving_variance, variance)
        return y

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "affine": self.affine, "statistics": self.statistics}
