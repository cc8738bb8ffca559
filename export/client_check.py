"""The SavedModel of a server, run in this process, to compare answers with.

Importing this module takes as long as importing TensorFlow.
"""

import pathlib
from typing import Any

import tensorflow as tf

from export import client_model, warmup
from pdarts_tf.errors import InputError, RunError, printable


class LocalModel:
    """One version of an exported model; see `client_model.Model`.

    Args:
        directory: Directory with the versions.
        version: Number of the version.

    Raises:
        InputError: If there is no SavedModel of that version.
    """

    def __init__(self, directory: str, version: int) -> None:
        self.version = version
        self._path = path = pathlib.Path(directory) / str(version)
        try:
            self._signatures = tf.saved_model.load(str(path)).signatures
        except (OSError, ValueError, KeyError, AttributeError, tf.errors.OpError) as error:
            raise InputError(
                f"--check={directory}: the server has version {version}, but {path} cannot be "
                f"loaded: {_one_line(error)}"
            ) from error

    def predict(self, image: bytes) -> list[float]:
        """Returns the probability of every class, from the signature predict_bytes."""
        outputs = self._run(client_model.PREDICT, image_bytes=tf.constant([image]))
        probabilities: list[float] = outputs[client_model.PREDICT_OUTPUT][0].numpy().tolist()
        return probabilities

    def classify(self, image: bytes) -> tuple[list[str], list[float]]:
        """Returns names and probabilities of all classes, from the signature classify."""
        examples = tf.constant([warmup.example(image).SerializeToString()])
        outputs = self._run(client_model.CLASSIFY, inputs=examples)
        names = [name.decode("utf-8", "backslashreplace") for name in outputs["classes"][0].numpy()]
        return names, outputs["scores"][0].numpy().tolist()

    def _run(self, signature: str, **inputs: tf.Tensor) -> dict[str, Any]:
        if signature not in self._signatures:
            raise InputError(
                f"--check must have a model that export.saved_model wrote. Received: {self._path}, "
                f"which has no signature {signature}"
            )
        try:
            outputs: dict[str, Any] = self._signatures[signature](**inputs)
        except tf.errors.OpError as error:
            raise RunError(
                f"the server has an answer, the model here an error: {_one_line(error)}"
            ) from error
        return outputs


def _one_line(error: Exception) -> str:
    return printable(" ".join(str(error).split()))
