"""Signatures of the exported model, from pixels, encoded images or examples to classes.

Every signature has a free batch dimension, and float32, int64 or string tensors only. Image size,
normalization and class names are part of the model, so that clients need not know them.
"""

import math
from collections.abc import Callable, Sequence

import tensorflow as tf

from export.client_model import CLASSIFY, CLASSIFY_FEATURE, PREDICT, PREDICT_INPUT
from export.inference import for_device
from pdarts_tf.data import windows
from pdarts_tf.data.augmentation import normalize
from pdarts_tf.data.decoder import CPU, decode
from pdarts_tf.data.image_header import MAX_MEGAPIXELS


class ServedModel(tf.Module):
    """A classifier with its preprocessing, whose methods become signatures.

    Args:
        logits: Function from normalized images to logits, see `inference.inference_function`.
        image_shape: (height, width, channels) of its images.
        mean: Mean per channel, in units of pixels from 0 to 1.
        std: Standard deviation per channel, in the same unit.
        class_names: Name of the class of each logit.
        centre: Whether encoded images are cropped to their centre, as in a test on ImageNet, rather
            than resized as a whole.
        serve_on: Kind of device that computes the logits, see `inference.for_device`; images are
            decoded on a CPU always.
        max_megapixels: Millions of pixels that an encoded image may have.
    """

    def __init__(
        self,
        logits: Callable[[tf.Tensor], tf.Tensor],
        *,
        image_shape: Sequence[int],
        mean: Sequence[float],
        std: Sequence[float],
        class_names: Sequence[str],
        centre: bool = False,
        serve_on: str = "CPU",
        max_megapixels: float = MAX_MEGAPIXELS,
    ) -> None:
        super().__init__()
        self.image_shape = tuple(image_shape)
        self.class_names = tuple(class_names)
        self.centre = centre
        self.max_megapixels = max_megapixels
        spec = tf.TensorSpec((None, *self.image_shape), tf.float32, name="images")
        self.pixel_logits = lambda images: logits(normalize(images, mean, std))
        # One function for all signatures: its constants are in the file once.
        self.logits = tf.function(
            lambda images: tf.ensure_shape(
                for_device(self.pixel_logits, serve_on)(images), (None, len(self.class_names))
            ),
            input_signature=[spec],
            autograph=False,
        )

        self.decode_one = tf.function(
            self._decode_one, input_signature=[tf.TensorSpec((), tf.string)], autograph=False
        )

    def signatures(self) -> dict[str, Callable[..., dict[str, tf.Tensor]]]:
        """Returns the functions by the names of their signatures."""
        pixels = tf.TensorSpec((None, *self.image_shape), tf.float32, name="images")
        image_bytes = tf.TensorSpec((None,), tf.string, name=PREDICT_INPUT)
        inputs = tf.TensorSpec((None,), tf.string, name="inputs")
        named = {
            "serving_default": (self._predict, pixels),
            PREDICT: (self._predict_bytes, image_bytes),
            CLASSIFY: (self._classify, inputs),
        }
        return {
            name: tf.function(function, input_signature=[spec], autograph=False)
            for name, (function, spec) in named.items()
        }

    def _predict(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        """Classifies images (batch, height, width, channels) with pixels from 0 to 255.

        Of an image with pixels that are not finite, logits and probabilities are NaN, the class is
        -1 and the label empty: operations such as the maximum would let an ordinary answer through.
        """
        # First of all: servers do not check shapes, and kernels that rely on them end the process.
        images = tf.ensure_shape(images, (None, *self.image_shape))
        logits = self.logits(images)
        valid = tf.reduce_all(tf.math.is_finite(images), (1, 2, 3))
        valid &= tf.reduce_all(tf.math.is_finite(logits), 1)
        logits = tf.where(valid[:, tf.newaxis], logits, math.nan)
        classes = tf.argmax(logits, -1)
        names = tf.constant([*self.class_names, ""])
        no_class = tf.cast(len(self.class_names), classes.dtype)
        return {
            "probabilities": tf.nn.softmax(logits),
            "logits": logits,
            "classes": tf.where(valid, classes, -1),
            "labels": tf.gather(names, tf.where(valid, classes, no_class)),
        }

    def _predict_bytes(self, image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        """Classifies encoded images (batch,)."""
        image_bytes = tf.ensure_shape(image_bytes, (None,))
        return self._predict(tf.cast(self._decode(image_bytes), tf.float32))

    def _classify(self, inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        """Returns names and probabilities of all classes for serialized examples (batch,)."""
        inputs = tf.ensure_shape(inputs, (None,))
        feature = {CLASSIFY_FEATURE: tf.io.FixedLenFeature((), tf.string)}
        image_bytes = tf.io.parse_example(inputs, feature)[CLASSIFY_FEATURE]
        images = tf.cast(self._decode(image_bytes), tf.float32)
        scores = tf.nn.softmax(self.logits(images))
        names = tf.constant([self.class_names])
        return {"classes": tf.tile(names, (tf.shape(scores)[0], 1)), "scores": scores}

    def _decode(self, image_bytes: tf.Tensor) -> tf.Tensor:
        """Decodes and resizes images; one damaged image is an error of the whole batch."""
        spec = tf.TensorSpec(self.image_shape, tf.uint8)
        # Else a server with a GPU would take the loop, image by image, to it and back.
        with tf.device(CPU):
            return tf.map_fn(self.decode_one, image_bytes, fn_output_signature=spec)

    def _decode_one(self, image_bytes: tf.Tensor) -> tf.Tensor:
        """Decodes an image like those of a test split, see `pdarts_tf.data.decoder`."""
        height, width, channels = self.image_shape

        def window(shape: tf.Tensor) -> tf.Tensor:
            return windows.centre(shape, width / height) if self.centre else windows.whole(shape)

        with tf.device(CPU):
            image = decode(image_bytes, channels, window, self.max_megapixels)
            return tf.ensure_shape(windows.resize(image, (height, width)), self.image_shape)
