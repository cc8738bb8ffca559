"""Pools with PyTorch's padding: one pixel on every side, which the average does not count."""

import functools
from collections.abc import Callable

import tensorflow as tf

from pdarts_tf.layers.convolution import pad_border
from pdarts_tf.layers.device_kind import device_kind


def max_pool_3x3(x: tf.Tensor, stride: int, *, for_xla: bool = False) -> tf.Tensor:
    """Computes the maximum of the 3x3 pixels around every pixel, or around every second one.

    Args:
        x: (batch, height, width, channels).
        stride: 1 or 2.
        for_xla: Whether XLA is to compile the pool and its gradient; it has no deterministic form
            of TensorFlow's own ones.

    Returns:
        (batch, ceil(height / stride), ceil(width / stride), channels).
    """
    if stride == 1 and not for_xla:
        return tf.nn.max_pool2d(x, 3, 1, "SAME") if device_kind() == "GPU" else _max_pool_same(x)
    # A pool that pads by itself is three times slower on a CPU; TensorFlow Lite and XLA have none.
    lowest = tf.as_dtype(x.dtype).min
    if device_kind() == "GPU":
        with tf.device("CPU:0"):  # a pad reads it in host memory
            lowest = tf.constant(lowest, x.dtype)
    padded = tf.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), constant_values=lowest)
    if not for_xla:
        return tf.nn.max_pool2d(padded, 3, 2, "VALID")
    height, width = x.shape[1:3]
    windows = [
        padded[:, row : row + height : stride, column : column + width : stride]
        for row in range(3)
        for column in range(3)
    ]
    return functools.reduce(tf.maximum, windows)  # of equal ones, the first gets the gradient


@tf.custom_gradient
def _max_pool_same(x: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
    """Computes the maximum at stride 1, with a gradient that oneDNN computes.

    oneDNN only takes over a max pool's gradient where the pool itself stands in the same graph.
    The cells of a supernet have one graph forward and one backward, so the gradient, which takes
    some twenty times longer without oneDNN, computes the pool once more.
    """
    pool = functools.partial(tf.nn.max_pool2d, ksize=3, strides=1, padding="SAME")

    def gradient(dy: tf.Tensor) -> tf.Tensor:
        return tf.raw_ops.MaxPoolGrad(
            orig_input=x,
            orig_output=pool(x),
            grad=dy,
            ksize=(1, 3, 3, 1),
            strides=(1, 1, 1, 1),
            padding="SAME",
        )

    return pool(x), gradient


def avg_pool_3x3(x: tf.Tensor, stride: int) -> tf.Tensor:
    """Averages those of the 3x3 pixels around every (second) pixel that lie in the image.

    Args:
        x: (batch, height, width, channels).
        stride: 1 or 2.

    Returns:
        (batch, ceil(height / stride), ceil(width / stride), channels).
    """
    if stride == 1:
        return tf.nn.avg_pool2d(x, 3, 1, "SAME")
    means = tf.nn.avg_pool2d(pad_border(x, 1), 3, 2, "VALID")
    inside = pad_border(tf.ones((1, *x.shape[1:3], 1), x.dtype), 1)
    return means / tf.nn.avg_pool2d(inside, 3, 2, "VALID")
