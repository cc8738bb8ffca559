"""The auxiliary classifier, which brings gradient into the middle of a deep network.

Reference: Szegedy et al., "Going deeper with convolutions" (arXiv 1409.4842), section 5, in the
form of DARTS (arXiv 1806.09055, appendix A.2).
"""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from pdarts_tf.layers.classifier import make_classifier
from pdarts_tf.layers.convolution import fan_in_uniform, pointwise
from pdarts_tf.layers.normalization import BatchNormalization
from pdarts_tf.layers.widths import AUXILIARY_CHANNELS
from pdarts_tf.stems import MIN_PIXELS, POOL_SIZE


@keras.saving.register_keras_serializable("pdarts_tf")
class AuxiliaryHead(keras.layers.Layer):
    """Auxiliary classifier: relu, average pool 5x5, two convolutions, mean, dense layer.

    The convolutions are 1x1 and 2x2; a batch norm and a relu follow each. The mean is over pixels.

    Input: (batch, height, width, channels), height and width at least `MIN_PIXELS`. Output: logits
    (batch, num_classes).

    The official heads take one size only, 8x8 pixels at stride 3 (CIFAR) or 7x7 at stride 2
    (ImageNet), where the 2x2 convolution gives a single pixel. On smaller maps, as of 28x28 images,
    the stride shrinks until the window still has two places; on larger ones several pixels come
    out, and their mean is classified.

    Args:
        num_classes: Number of logits.
        stride: Stride of the pool: 3 for CIFAR, 2 for ImageNet.
        seed: Seed of the initialization.
        statistics: See `BatchNormalization`.
        **kwargs: Arguments of a Keras layer: `name`, `dtype` and `trainable`. The
            classifier is float32 whatever the dtype.
    """

    def __init__(
        self,
        num_classes: int,
        stride: int = 3,
        *,
        seed: int = 0,
        statistics: str = "batch",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.num_classes = num_classes
        self.stride = stride
        self.seed = seed
        self.statistics = statistics
        self.norms = [
            BatchNormalization(statistics=statistics, dtype=self.dtype_policy, name=f"norm_{i}")
            for i in range(2)
        ]
        self.classifier = make_classifier(
            num_classes, AUXILIARY_CHANNELS[1], seeds=(seed, seed + 1)
        )

    def build(self, input_shape: Sequence[Any]) -> None:
        """Creates the kernels (channels, 128) and (2, 2, 128, 768), and the classifier."""
        shapes = (input_shape[-1], AUXILIARY_CHANNELS[0]), (2, 2, *AUXILIARY_CHANNELS)
        fans_in = input_shape[-1], 4 * AUXILIARY_CHANNELS[0]
        self.kernels = [
            self.add_weight(
                shape=shape,
                initializer=fan_in_uniform(fan_in, self.seed + 2 + i),
                name=f"kernel_{i}",
            )
            for i, (shape, fan_in) in enumerate(zip(shapes, fans_in, strict=True))
        ]
        for norm, channels in zip(self.norms, AUXILIARY_CHANNELS, strict=True):
            norm.build((None, None, None, channels))
        self.classifier.build((None, AUXILIARY_CHANNELS[1]))

    def call(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Returns the logits.

        Raises:
            ValueError: If height or width is below `MIN_PIXELS`.
        """
        if min(x.shape[1:3]) < MIN_PIXELS:
            raise ValueError(
                f"The auxiliary head needs at least {MIN_PIXELS}x{MIN_PIXELS} pixels. "
                f"Received: {x.shape[1]}x{x.shape[2]}"
            )
        strides = [min(self.stride, size - POOL_SIZE) for size in x.shape[1:3]]
        kernels = [tf.convert_to_tensor(kernel) for kernel in self.kernels]
        x = tf.nn.avg_pool2d(tf.nn.relu(x), POOL_SIZE, strides, "VALID")
        x = tf.nn.relu(self.norms[0](pointwise(x, kernels[0]), training=training))
        x = tf.nn.conv2d(x, kernels[1], 1, "VALID")
        x = tf.nn.relu(self.norms[1](x, training=training))
        return self.classifier(tf.reduce_mean(tf.cast(x, tf.float32), (1, 2)))

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "num_classes": self.num_classes,
            "stride": self.stride,
            "seed": self.seed,
            "statistics": self.statistics,
        }
