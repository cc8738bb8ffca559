"""A small SavedModel with the signatures that export.saved_model writes, quick to make and to run.

Its class is decided by the mean colour: red, green or blue.
"""

import numpy as np
import tensorflow as tf

NAMES = ("red", "green", "blue")
COLORS = {"red": (200, 40, 0), "green": (30, 180, 60), "blue": (0, 20, 240)}
_CLASSIFY = "tensorflow/serving/classify"


def png(color: tuple[int, int, int]) -> bytes:
    """An encoded image of one colour, of another size than the model's."""
    return tf.io.encode_png(np.full((6, 5, 3), color, np.uint8)).numpy()


def probabilities(color: tuple[int, int, int], sharpness: float = 1.0) -> np.ndarray:
    """What the model answers to an image of one colour."""
    values = np.exp(sharpness * np.asarray(color, np.float64) / 100)
    return values / values.sum()


class _Signatures(tf.Module):
    def __init__(self, sharpness):
        super().__init__()
        self._sharpness = sharpness

    def _answer(self, images):
        logits = self._sharpness * tf.reduce_mean(images, (1, 2)) / 100
        classes = tf.argmax(logits, axis=-1)
        return {
            "probabilities": tf.nn.softmax(logits),
            "logits": tf.identity(logits),
            "classes": classes,
            "labels": tf.gather(tf.constant(NAMES), classes),
        }

    @staticmethod
    def _decode(encoded):
        def decode(one):
            image = tf.image.decode_image(one, channels=3, expand_animations=False)
            image.set_shape((None, None, 3))
            return tf.image.resize(image, (4, 4))

        return tf.map_fn(decode, encoded, fn_output_signature=tf.TensorSpec((4, 4, 3)))

    @tf.function(input_signature=[tf.TensorSpec((None, 4, 4, 3), name="images")], autograph=False)
    def serving_default(self, images):
        return self._answer(images)

    @tf.function(input_signature=[tf.TensorSpec((None,), tf.string, "image_bytes")])
    def predict_bytes(self, image_bytes):
        return self._answer(self._decode(image_bytes))

    @tf.function(input_signature=[tf.TensorSpec((None,), tf.string, "inputs")])
    def classify(self, inputs):
        features = {"image/encoded": tf.io.FixedLenFeature((), tf.string)}
        encoded = tf.io.parse_example(inputs, features)["image/encoded"]
        scores = self._answer(self._decode(encoded))["probabilities"]
        names = tf.broadcast_to(tf.constant([NAMES]), tf.shape(scores))
        return {"classes": names, "scores": scores}


def save(directory, sharpness=1.0):
    """Writes the model. The method of `classify` is set afterwards: TensorFlow 2 knows one only."""
    module = _Signatures(sharpness)
    names = ("serving_default", "predict_bytes", "classify")
    tf.saved_model.save(module, str(directory), {name: getattr(module, name) for name in names})
    updater = tf.compat.v1.saved_model.signature_def_utils.MethodNameUpdater(str(directory))
    updater.replace_method_name("classify", _CLASSIFY, tags="serve")
    updater.save()
