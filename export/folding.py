"""Batch norms folded into the convolutions before them, for inference.

In inference a batch norm is one multiplication and one addition per channel, with numbers that no
longer change: the factor goes into the kernel before it, the addend stays.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from pdarts_tf.layers.convolution import conv
from pdarts_tf.layers.forms import Activation
from pdarts_tf.layers.normalization import BATCH_NORM_EPSILON, BatchNormalization


@dataclass(frozen=True, eq=False)
class Folded:
    """A convolution with what follows it: x -> x * kernel + offset.

    Args:
        kernel: (in, out) of a 1x1 convolution, or (height, width, in, out).
        offset: (out,).
    """

    kernel: np.ndarray
    offset: np.ndarray

    def pointwise(self, x: tf.Tensor, activation: Activation = tf.identity) -> tf.Tensor:
        """Applies a 1x1 convolution: (batch, height, width, in) -> (batch, height, width, out).

        Nothing stands between product, offset and activation, so that TensorFlow merges them.
        """
        flat = tf.matmul(tf.reshape(x, (-1, self.kernel.shape[0])), self.kernel)
        y = activation(tf.nn.bias_add(flat, self.offset))
        return tf.reshape(y, (-1, *x.shape[1:3], self.kernel.shape[1]))

    def conv(self, x: tf.Tensor, strides: tuple[int, int] = (1, 1)) -> tf.Tensor:
        """Applies a convolution, padded as `layers.convolution.conv` does."""
        return tf.nn.bias_add(conv(x, self.kernel, strides), self.offset)

    def split(self) -> tuple["Folded", "Folded"]:
        """Returns the first and the second half of the output channels."""
        half = len(self.offset) // 2
        return (
            Folded(self.kernel[..., :half], self.offset[:half]),
            Folded(self.kernel[..., half:], self.offset[half:]),
        )


@dataclass(frozen=True, eq=False)
class InferenceNorm:
    """A batch norm in inference: x -> scale * x + offset.

    Args:
        scale: (channels,) float64.
        offset: (channels,) float64.
    """

    scale: np.ndarray
    offset: np.ndarray

    @classmethod
    def of(cls, norm: BatchNormalization) -> "InferenceNorm":
        """Returns what an affine batch norm computes now; its values are copied.

        scale = gamma / sqrt(moving variance + epsilon), offset = beta - moving mean * scale
        """
        gamma, beta, mean, variance = (
            weight.numpy().astype(np.float64)
            for weight in (norm.gamma, norm.beta, norm.moving_mean, norm.moving_variance)
        )
        scale = gamma / np.sqrt(variance + BATCH_NORM_EPSILON)
        return cls(scale, beta - mean * scale)

    def fold(self, kernel: np.ndarray) -> Folded:
        """Folds the norm into the kernel before it, (..., channels).

        Returns:
            A `Folded` in float32; the products are computed in float64.
        """
        scaled = (kernel * self.scale).astype(np.float32)
        return Folded(scaled, self.offset.astype(np.float32))


class FoldedKernels:
    """`layers.forms.Parameters` for inference: batch norms are folded into constant kernels.

    Args:
        kernels: Variables that hold the kernels of an operation; they are copied.
        norms: Its batch norms; they are copied.
    """

    def __init__(
        self, kernels: Sequence[keras.Variable], norms: Sequence[BatchNormalization]
    ) -> None:
        self.kernels = [kernel.numpy() for kernel in kernels]
        self._norms = [InferenceNorm.of(norm) for norm in norms]

    def identity(self, x: tf.Tensor) -> tf.Tensor:
        """Returns x itself, since there is no gradient."""
        return x

    def pointwise_norm(
        self, x: tf.Tensor, kernel: int, norm: int, activation: Activation | None = None
    ) -> tf.Tensor:
        """Applies a 1x1 convolution with what follows it."""
        return self._norms[norm].fold(self.kernels[kernel]).pointwise(x, activation or tf.identity)

    def conv_norm(
        self, x: tf.Tensor, kernel: int, norm: int, strides: tuple[int, int] = (1, 1)
    ) -> tf.Tensor:
        """Applies a convolution with what follows it."""
        return self._norms[norm].fold(self.kernels[kernel]).conv(x, strides)

    def halves_norm(self, first: tf.Tensor, second: tf.Tensor) -> tf.Tensor:
        """Applies one half of a folded 1x1 convolution to each of two inputs."""
        left, right = self._norms[0].fold(np.concatenate(self.kernels, -1)).split()
        return tf.concat([left.pointwise(first), right.pointwise(second)], -1)
