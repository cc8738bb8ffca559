"""The convolutions before the first cell."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from pdarts_tf.layers.convolution import conv, fan_in_uniform
from pdarts_tf.layers.normalization import BatchNormalization


def as_pixels(images: tf.Tensor, dtype: str) -> tf.Tensor:
    """Returns images that a convolution takes; integers, such as uint8, become floats as they are.

    Args:
        images: (batch, height, width, channels).
        dtype: Floating-point type for integers; floats stay what they are.

    Raises:
        ValueError: If they are no numbers.

    Example:

    >>> as_pixels(tf.constant([[[[0, 255]]]], tf.uint8), "float32").numpy().tolist()
    [[[[0.0, 255.0]]]]
    """
    if images.dtype.is_floating:
        return images
    if not (images.dtype.is_integer or images.dtype.is_bool):
        raise ValueError(f"Images must be numbers. Received: {images.dtype.name}")
    return tf.cast(images, dtype)


def apply_stem(
    convolutions: Sequence[Callable[[tf.Tensor], tf.Tensor]], images: tf.Tensor, *, reads_two: bool
) -> tuple[tf.Tensor, tf.Tensor]:
    """Applies the convolutions of a stem, a relu between any two of them.

    Args:
        convolutions: Functions of a tensor, each a convolution and a batch norm.
        images: (batch, height, width, channels).
        reads_two: See `stems.Stem`.

    Returns:
        The two inputs of the first cell: (batch, height / stride, width / stride, channels) the
        newer one; the older one is the same, or twice as large.
    """
    before = last = convolutions[0](images)
    for convolution in convolutions[1:]:
        before, last = last, convolution(tf.nn.relu(last))
    return (before if reads_two else last), last


@keras.saving.register_keras_serializable("pdarts_tf")
class ConvNorm(keras.layers.Layer):
    """A 3x3 convolution and a batch norm.

    Input: (batch, height, width, any). Output: (batch, ceil(height / stride), ceil(width / stride),
    channels).

    Args:
        channels: Number of output channels.
        stride: 1 or 2.
        seed: Seed of the kernel's initialization.
        statistics: See `BatchNormalization`.
        **kwargs: Arguments of a Keras layer: `name`, `dtype` and `trainable`.
    """

    def __init__(
        self,
        channels: int,
        stride: int = 1,
        *,
        seed: int | None = None,
        statistics: str = "batch",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.channels = channels
        self.stride = stride
        self.seed = seed
        self.statistics = statistics
        self.norm = BatchNormalization(statistics=statistics, dtype=self.dtype_policy, name="norm")

    def build(self, input_shape: Sequence[Any]) -> None:
        """Creates the kernel (3, 3, in, channels)."""
        inputs = input_shape[-1]
        self.kernel = self.add_weight(
            shape=(3, 3, inputs, self.channels),
            initializer=fan_in_uniform(9 * inputs, self.seed),
            name="kernel",
        )
        self.norm.build((None, None, None, self.channels))

    def call(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Returns the normalized convolution."""
        y = conv(x, tf.convert_to_tensor(self.kernel), (self.stride, self.stride))
        return self.norm(y, training=training)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "channels": self.channels,
            "stride": self.stride,
            "seed": self.seed,
            "statistics": self.statistics,
        }
