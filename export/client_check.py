"""The same SavedModel that a server has, run in this process, to compare answers with.

Importing this module takes as long as importing TensorFlow.
"""

import pathlib

import tensorflow as tf

from export import client_model
from pdarts_tf.errors import InputError, RunError


class LocalModel:
    """One version of an exported model.

    Args:
        directory: with the versions.
        version: of those.

    Raises:
        InputError: there is no SavedModel of that version.
    """

    def __init__(self, directory: str, version: int):
        self.version = version
        path = pathlib.Path(directory) / str(version)
        try:
            self._signatures = tf.saved_model.load(str(path)).signatures
        except (OSError, tf.errors.OpError) as error:
            raise InputError(
                f"--check={directory}: the server has version {version}, but {path} cannot be "
                f"loaded: {error}"
            ) from error

    def predict(self, image: bytes) -> list[float]:
        """Probability of every class, from the signature predict_bytes; see `Model.predict`."""
        outputs = self._run(client_model.PREDICT, image_bytes=tf.constant([image]))
        return outputs[client_model.PREDICT_OUTPUT][0].numpy().tolist()

    def classify(self, image: bytes) -> tuple[list[str], list[float]]:
        """Names and probabilities, from the signature classify; see `Model.classify`."""
        example = tf.train.Example()
        feature = example.features.feature[client_model.CLASSIFY_FEATURE]
        feature.bytes_list.value.append(image)
        outputs = self._run(
            client_model.CLASSIFY, inputs=tf.constant([example.SerializeToString()])
        )
        names = [name.decode() for name in outputs["classes"][0].numpy()]
        return names, outputs["scores"][0].numpy().tolist()

    def _run(self, signature, **inputs):
        try:
            return self._signatures[signature](**inputs)
        except tf.errors.OpError as error:
            raise RunError(f"the server has an answer, the model here an error: {error}") from error
