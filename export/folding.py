"""Batch norms folded into the convolutions before them: what inference has to compute of both.

In inference a batch norm is one multiplication and one addition per channel, with numbers that no
longer change: the factor goes into the kernel before it, the addend stays.
"""

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from pdarts_tf.layers.convolution import conv
from pdarts_tf.layers.normalization import BATCH_NORM_EPSILON


@dataclass(frozen=True, eq=False)
class Folded:
    """A convolution with what follows it: x -> x * kernel + offset.

    Args:
        kernel: (in, out) of a 1x1 convolution, or (height, width, in, out).
        offset: (out,).
    """

    kernel: np.ndarray
    offset: np.ndarray

    def pointwise(self, x, activation=tf.identity):
        """Applies a 1x1 convolution: (batch, height, width, in) -> (batch, height, width, out).

        Nothing stands between product, offset and activation, so that TensorFlow merges them.
        """
        flat = tf.matmul(tf.reshape(x, (-1, self.kernel.shape[0])), self.kernel)
        y = activation(tf.nn.bias_add(flat, self.offset))
        return tf.reshape(y, (-1, *x.shape[1:3], self.kernel.shape[1]))

    def conv(self, x, strides=(1, 1)):
        """Applies a convolution, padded as `layers.convolution.conv` does."""
        return tf.nn.bias_add(conv(x, self.kernel, strides), self.offset)

    def split(self):
        """Returns the first and the second half of the output channels."""
        half = len(self.offset) // 2
        return (
            Folded(self.kernel[..., :half], self.offset[:half]),
            Folded(self.kernel[..., half:], self.offset[half:]),
        )


def fold(kernel, norm):
    """Folds a batch norm into the kernel before it.

    With s = gamma / sqrt(moving variance + epsilon): kernel * s, and beta - moving mean * s.

    Args:
        kernel: array (..., out).
        norm: an affine `BatchNormalization` of `out` channels.

    Returns:
        A `Folded` in float32; the products are computed in float64.
    """
    gamma, beta, mean, variance = (
        weight.numpy().astype(np.float64)
        for weight in (norm.gamma, norm.beta, norm.moving_mean, norm.moving_variance)
    )
    scale = gamma / np.sqrt(variance + BATCH_NORM_EPSILON)
    return Folded((kernel * scale).astype(np.float32), (beta - mean * scale).astype(np.float32))


def fold_halves(kernels, norm):
    """Folds the batch norm of a factorized reduce into its two kernels (in, out / 2).

    Returns:
        Two `Folded`.
    """
    return fold(np.concatenate(kernels, -1), norm).split()
