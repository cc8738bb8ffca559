"""The preprocessing of a cell's two inputs, to its number of channels and its size."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from pdarts_tf.layers.convolution import fan_in_uniform, pointwise
from pdarts_tf.layers.forms import KernelsAndNorms, factorized_reduce
from pdarts_tf.layers.normalization import BatchNormalization
from pdarts_tf.layers.source import SourceViews


@keras.saving.register_keras_serializable("pdarts_tf")
class Preprocess(keras.layers.Layer):
    """Preprocessing: relu, 1x1 convolution, batch norm; or a factorized reduce at stride 2.

    Input: (batch, height, width, any). Output: (batch, height / stride, width / stride, channels).

    Args:
        channels: Number of output channels.
        stride: 2 for the older input when the previous cell was a reduction, else 1.
        affine: Whether the batch norm learns a scale and an offset.
        seed: Seed of the kernels' initialization.
        statistics: See `BatchNormalization`.
        **kwargs: Arguments of a Keras layer: `name`, `dtype` and `trainable`.
    """

    def __init__(
        self,
        channels: int,
        stride: int = 1,
        *,
        affine: bool = True,
        seed: int | None = None,
        statistics: str = "batch",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.channels = channels
        self.stride = stride
        self.affine = affine
        self.seed = seed
        self.statistics = statistics
        self.norm = BatchNormalization(
            affine, statistics=statistics, dtype=self.dtype_policy, name="norm"
        )

    def build(self, input_shape: Sequence[Any]) -> None:
        """Creates one kernel (in, channels), or two (in, channels / 2)."""
        fan_in = input_shape[-1]
        self.kernels = [
            self.add_weight(
                shape=(fan_in, self.channels // self.stride),
                initializer=fan_in_uniform(fan_in, None if self.seed is None else self.seed + i),
                name=f"kernel_{i}",
            )
            for i in range(self.stride)
        ]
        self.norm.build((*input_shape[:-1], self.channels))

    def call(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Returns the preprocessed input."""
        kernels = [tf.convert_to_tensor(kernel) for kernel in self.kernels]
        if self.stride == 1:
            return self.norm(pointwise(tf.nn.relu(x), kernels[0]), training=training)
        normalize = [lambda y: self.norm(y, training=training)]
        return factorized_reduce(SourceViews(x, 2), KernelsAndNorms(kernels, normalize))

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "channels": self.channels,
            "stride": self.stride,
            "affine": self.affine,
            "seed": self.seed,
            "statistics": self.statistics,
        }
