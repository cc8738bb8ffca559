"""What brings the two inputs of a cell to its number of channels and its size."""

import keras
import tensorflow as tf

from pdarts_tf.layers.convolution import fan_in_uniform, pointwise
from pdarts_tf.layers.forms import KernelsAndNorms, factorized_reduce
from pdarts_tf.layers.normalization import BatchNormalization
from pdarts_tf.layers.source import SourceViews


@keras.saving.register_keras_serializable("pdarts_tf")
class Preprocess(keras.layers.Layer):
    """relu, 1x1 convolution, batch norm; or factorized reduce where the size has to be halved.

    Input (batch, height, width, any); output (batch, height / stride, width / stride, channels).

    Args:
        channels: of the output.
        stride: 2 for the older input when the previous cell was a reduction, else 1.
        affine: whether the batch norm learns a scale and an offset.
        seed: of the kernels' initialization.
    """

    def __init__(self, channels, stride=1, affine=True, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.channels = channels
        self.stride = stride
        self.affine = affine
        self.seed = seed
        self.norm = BatchNormalization(affine, name="norm")

    def build(self, input_shape):
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

    def call(self, x, training=False):
        """Returns the preprocessed input."""
        kernels = [tf.convert_to_tensor(kernel) for kernel in self.kernels]
        if self.stride == 1:
            return self.norm(pointwise(tf.nn.relu(x), kernels[0]), training=training)
        normalize = [lambda y: self.norm(y, training=training)]
        return factorized_reduce(SourceViews(x, 2), KernelsAndNorms(kernels, normalize))

    def get_config(self):
        """Returns the constructor's arguments."""
        config = {
            "channels": self.channels,
            "stride": self.stride,
            "affine": self.affine,
            "seed": self.seed,
        }
        return {**super().get_config(), **config}
