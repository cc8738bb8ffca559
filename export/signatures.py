"""What clients ask of the exported model: pixels, encoded images or examples in, classes out.

Every signature has a free batch dimension, and float32, int64 or string tensors only. Whatever a
client would have to know otherwise (size, normalization, names of the classes) is inside.
"""

import tensorflow as tf

from export.client_model import CLASSIFY_FEATURE
from export.inference import in_parts
from pdarts_tf.data import decoding, windows
from pdarts_tf.data.augmentation import normalize


class ServedModel(tf.Module):
    """The functions that become signatures.

    Args:
        logits: function of normalized images, see `inference.inference_function`.
        image_shape: (height, width, channels) of the images that it takes.
        mean, std: per channel, in units of pixels from 0 to 1.
        class_names: what each logit stands for.
        centre: whether the middle of an encoded image is shown, as in a test of ImageNet, instead
            of the whole of it.
    """

    def __init__(self, logits, image_shape, mean, std, class_names, centre=False):
        super().__init__()
        self.image_shape = tuple(image_shape)
        self.mean, self.std = mean, std
        self.class_names = tuple(class_names)
        self.centre = centre
        spec = tf.TensorSpec((None, *self.image_shape), tf.float32, name="images")
        self.pixel_logits = lambda images: logits(normalize(images, mean, std))
        # One function for all signatures: its constants are in the file once.
        self.logits = tf.function(
            lambda images: tf.ensure_shape(
                in_parts(self.pixel_logits)(images), (None, len(self.class_names))
            ),
            input_signature=[spec],
            autograph=False,
        )

    def signatures(self):
        """Returns the functions by the name of their signature."""
        batch = tf.TensorSpec((None,), tf.string)
        pixels = tf.TensorSpec((None, *self.image_shape), tf.float32, name="images")
        image_bytes = tf.TensorSpec((None,), tf.string, name="image_bytes")
        inputs = tf.TensorSpec(batch.shape, tf.string, name="inputs")
        named = {
            "serving_default": (self._predict, pixels),
            "predict_bytes": (self._predict_bytes, image_bytes),
            "classify": (self._classify, inputs),
        }
        return {
            name: tf.function(function, input_signature=[spec], autograph=False)
            for name, (function, spec) in named.items()
        }

    def _predict(self, images):
        """Images (batch, height, width, channels) from 0 to 255 -> what is in them."""
        logits = self.logits(images)
        classes = tf.argmax(logits, -1)
        return {
            "probabilities": tf.nn.softmax(logits),
            "logits": logits,
            "classes": classes,
            "labels": tf.gather(tf.constant(self.class_names), classes),
        }

    def _predict_bytes(self, image_bytes):
        """Encoded images (batch,) -> what is in them."""
        return self._predict(tf.cast(self._decode(image_bytes), tf.float32))

    def _classify(self, inputs):
        """Serialized `tf.Example`s (batch,) -> names and probabilities of all classes, in order."""
        feature = {CLASSIFY_FEATURE: tf.io.FixedLenFeature((), tf.string)}
        image_bytes = tf.io.parse_example(inputs, feature)[CLASSIFY_FEATURE]
        images = tf.cast(self._decode(image_bytes), tf.float32)
        scores = tf.nn.softmax(self.logits(images))
        names = tf.constant([self.class_names])
        return {"classes": tf.tile(names, (tf.shape(scores)[0], 1)), "scores": scores}

    def _decode(self, image_bytes):
        """Decodes and resizes images; the whole batch is an error if one of them is damaged."""
        spec = tf.TensorSpec(self.image_shape, tf.uint8)
        return tf.map_fn(self._decode_one, image_bytes, fn_output_signature=spec)

    def _decode_one(self, image_bytes):
        """As the images of a test split are read, see `pdarts_tf.data.decoding`."""
        height, width, channels = self.image_shape

        def window(shape):
            return windows.centre(shape, width / height) if self.centre else windows.whole(shape)

        image = decoding.decode(image_bytes, channels, window)
        return tf.ensure_shape(windows.resize(image, (height, width)), self.image_shape)
