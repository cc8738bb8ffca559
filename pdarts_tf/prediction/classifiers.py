"""Networks of runs and exported models as functions of an image file's content."""

import os
import pathlib
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

import tensorflow as tf

from pdarts_tf.config import TrainConfig
from pdarts_tf.data.augmentation import normalize
from pdarts_tf.data.decoding import checking_decoder, explained
from pdarts_tf.data.image_header import MAX_MEGAPIXELS
from pdarts_tf.errors import InputError, printable
from pdarts_tf.exported_models import CLASSES, PREDICT, PREDICT_INPUT, PREDICT_OUTPUT
from pdarts_tf.runs import run_directory
from pdarts_tf.runs.options import recorded_options
from pdarts_tf.startup import held_back_stderr
from pdarts_tf.train.stored_network import stored_network

_Result = TypeVar("_Result")


class RefusedImageError(InputError):
    """Raised for an image that cannot be classified; the message continues "<path> …"."""


class Classifier(Protocol):
    """Classifies images; see `of_run` and `of_export`."""

    class_names: Sequence[str]

    def probabilities(self, image: bytes) -> list[float]:
        """Returns the probability of every class.

        Args:
            image: Content of an image file, of any size.

        Raises:
            RefusedImageError: It cannot be decoded.
        """


def of_run(run_dir: str | os.PathLike[str], config: TrainConfig) -> "RunClassifier":
    """Returns the classifier that a training left: its weights that count.

    Args:
        run_dir: Its run directory.
        config: Its settings.

    Raises:
        RunDirectoryError, CheckpointError: There are no weights, or they are damaged.
    """
    content = run_directory.read_config(run_dir)
    data, recorded = content["data"], recorded_options(content)
    weights = run_directory.stored_weights(run_dir, config)
    return RunClassifier(
        stored_network(config, data, weights),
        data["class_names"],
        tuple(data["image_shape"]),
        (data["mean"], data["std"]),
        centre=config.augmentation == "resized_crop",
        max_megapixels=recorded.get("max_megapixels", MAX_MEGAPIXELS),
    )


class RunClassifier:
    """A trained network, which sees images as in its test.

    Args:
        network: Model of normalized images to logits.
        class_names: Name of the class of each logit.
        image_shape: (height, width, channels) of its images.
        statistics: Mean and standard deviation per channel, for pixels from 0 to 1.
        centre: Whether images are cropped to their centre rather than resized as a whole.
        max_megapixels: Millions of pixels that an image may have.
    """

    def __init__(
        self,
        network: tf.Module,
        class_names: Sequence[str],
        image_shape: tuple[int, int, int],
        statistics: tuple[Sequence[float], Sequence[float]],
        *,
        centre: bool,
        max_megapixels: float,
    ) -> None:
        self.class_names = class_names
        self._decode = checking_decoder(image_shape, centre, max_megapixels)
        self._classify = tf.function(
            lambda image: tf.nn.softmax(network(normalize(image[tf.newaxis], *statistics)))[0],
            input_signature=[tf.TensorSpec(image_shape, tf.float32)],
            autograph=False,
        )

    def probabilities(self, image: bytes) -> list[float]:
        """See `Classifier`."""
        pixels = _decoded(lambda: self._decode(tf.constant(image)))
        found: list[float] = self._classify(tf.cast(pixels, tf.float32)).numpy().tolist()
        return found


def of_export(model: str | os.PathLike[str], version: pathlib.Path) -> "ExportedClassifier":
    """Returns the classifier of one version of an exported model.

    Args:
        model: What was asked for, for errors.
        version: Directory of the version.

    Raises:
        InputError: There is no SavedModel that `export.saved_model` wrote.
    """
    try:
        with held_back_stderr():
            loaded = tf.saved_model.load(str(version))
        names = (version / "assets" / CLASSES).read_text("utf-8").splitlines()
        return ExportedClassifier(loaded, loaded.signatures[PREDICT], names)
    except (OSError, ValueError, KeyError, AttributeError, tf.errors.OpError) as error:
        reason = printable(" ".join(str(error).split()))
        raise InputError(
            f"--model must be a model that export.saved_model wrote, or one of its versions. "
            f"Received: {printable(str(model))} ({reason})"
        ) from error


class ExportedClassifier:
    """A version of an exported model, as TensorFlow Serving runs it.

    Args:
        loaded: The SavedModel, which owns the variables of the signature.
        signature: Its function of encoded images.
        class_names: Names of its classes.
    """

    def __init__(
        self, loaded: tf.Module, signature: tf.types.experimental.ConcreteFunction,
        class_names: Sequence[str],
    ) -> None:  # fmt: skip
        self.class_names = class_names
        self._loaded = loaded
        self._signature = signature

    def probabilities(self, image: bytes) -> list[float]:
        """See `Classifier`."""
        outputs = _decoded(lambda: self._signature(**{PREDICT_INPUT: tf.constant([image])}))
        found: list[float] = outputs[PREDICT_OUTPUT][0].numpy().tolist()
        return found


def _decoded(call: Callable[[], _Result]) -> _Result:
    """Returns the result of a call that decodes an image.

    Raises:
        RefusedImageError: The image cannot be decoded.
    """
    with held_back_stderr():  # decoders log lines of their own about damaged images
        try:
            return call()
        except tf.errors.OpError as error:
            refused = RefusedImageError(explained(error))
    raise refused
