"""Convolutions with PyTorch's symmetric padding, and its default initialization.

TensorFlow's "SAME" pads a stride-2 convolution on one side more than on the other and so samples
other pixels than PyTorch does. Every padding of the project is decided here.
"""

import math

import keras
import tensorflow as tf

from pdarts_tf.layers.depthwise_forms import convolve


def fan_in_uniform(fan_in: int, seed: int | None) -> keras.initializers.Initializer:
    """Returns the initializer U(-1/sqrt(fan_in), 1/sqrt(fan_in)), PyTorch's default."""
    limit = 1.0 / math.sqrt(fan_in)
    return keras.initializers.RandomUniform(-limit, limit, seed=seed)


def pointwise(x: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """Computes a 1x1 convolution.

    As one matrix product it is a quarter faster here than as a convolution.

    Args:
        x: (batch, height, width, in).
        kernel: (in, out).

    Returns:
        (batch, height, width, out).
    """
    channels = kernel.shape[1]
    if None in x.shape:
        shape = tf.concat([tf.shape(x)[:-1], [channels]], 0)
    else:
        shape = (*x.shape[:-1], channels)  # a constant: no operation in every step
    flat = tf.matmul(tf.reshape(x, (-1, kernel.shape[0])), kernel)
    return tf.reshape(flat, shape)


def pad_border(x: tf.Tensor, size: int) -> tf.Tensor:
    """Pads `size` zero pixels on all four sides of (batch, height, width, channels)."""
    return tf.pad(x, ((0, 0), (size, size), (size, size), (0, 0)))


def depthwise(x: tf.Tensor, kernel: tf.Tensor, *, for_xla: bool = False) -> tf.Tensor:
    """Convolves depthwise at stride 1.

    Args:
        x: (batch, height, width, channels).
        kernel: (k, k, channels, 1), k odd.
        for_xla: Whether XLA is to compile it, see `depthwise_forms.CHOICES`.

    Returns:
        A tensor as x.
    """
    return convolve(x, kernel, for_xla=for_xla)


def depthwise_dilated(x: tf.Tensor, kernel: tf.Tensor, *, for_xla: bool = False) -> tf.Tensor:
    """Convolves depthwise with dilation 2 at stride 1, images of any size; else as `depthwise`."""
    return convolve(x, kernel, dilation=2, for_xla=for_xla)


def depthwise_strided(padded: tf.Tensor, kernel: tf.Tensor, *, for_xla: bool = False) -> tf.Tensor:
    """Convolves depthwise at stride 2 on images already padded by `pad_border(x, k // 2)`.

    Args:
        padded: (batch, height + k - 1, width + k - 1, channels).
        kernel: (k, k, channels, 1), k odd.
        for_xla: As in `depthwise`.

    Returns:
        (batch, ceil(height / 2), ceil(width / 2), channels).
    """
    return convolve(padded, kernel, stride=2, for_xla=for_xla)


def conv(x: tf.Tensor, kernel: tf.Tensor, strides: tuple[int, int] = (1, 1)) -> tf.Tensor:
    """Convolves, padded by half of the (odd) kernel on every side.

    Args:
        x: (batch, height, width, in).
        kernel: (kernel height, kernel width, in, out).
        strides: Strides along height and width.

    Returns:
        (batch, ceil(height / strides[0]), ceil(width / strides[1]), out).
    """
    height, width = (size // 2 for size in kernel.shape[:2])
    padding = ((0, 0), (height, height), (width, width), (0, 0))
    return tf.nn.conv2d(x, kernel, strides, padding)


def split_phases(x: tf.Tensor) -> tf.Tensor:
    """Splits images into their four phases of every second pixel, stacked along the batch.

    Args:
        x: (batch, height, width, channels), height and width even.

    Returns:
        (4 * batch, height / 2, width / 2, channels): first all images at even rows and even
        columns, then even/odd, odd/even, odd/odd. A convolution with dilation 2 on x is an
        ordinary one on each phase.
    """
    return tf.space_to_batch(x, (2, 2), ((0, 0), (0, 0)))


def join_phases(phases: tf.Tensor) -> tf.Tensor:
    """Undoes `split_phases`."""
    return tf.batch_to_space(phases, (2, 2), ((0, 0), (0, 0)))
