"""The convolutions before the first cell."""

import keras
import tensorflow as tf

from pdarts_tf.layers.convolution import conv, fan_in_uniform
from pdarts_tf.layers.normalization import BatchNormalization


@keras.saving.register_keras_serializable("pdarts_tf")
class ConvNorm(keras.layers.Layer):
    """3x3 convolution and batch norm.

    Input (batch, height, width, any); output (batch, ceil(height / stride), ceil(width / stride),
    channels).

    Args:
        channels: of the output.
        stride: 1 or 2.
        seed: of the kernel's initialization.
    """

    def __init__(self, channels, stride=1, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.channels = channels
        self.stride = stride
        self.seed = seed
        self.norm = BatchNormalization(name="norm")

    def build(self, input_shape):
        """Creates the kernel (3, 3, in, channels)."""
        self.kernel = self.add_weight(
            shape=(3, 3, input_shape[-1], self.channels),
            initializer=fan_in_uniform(9 * input_shape[-1], self.seed),
            name="kernel",
        )
        self.norm.build((None, None, None, self.channels))

    def call(self, x, training=False):
        """Returns the normalized convolution."""
        y = conv(x, tf.convert_to_tensor(self.kernel), (self.stride, self.stride))
        return self.norm(y, training=training)

    def get_config(self):
        """Returns the constructor's arguments."""
        config = {"channels": self.channels, "stride": self.stride, "seed": self.seed}
        return {**super().get_config(), **config}
