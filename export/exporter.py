"""Export of a trained network as a version of a model that TensorFlow Serving loads."""

import os
import pathlib
import tempfile
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from export import server_config, versions, warmup
from export.client_model import CLASSIFY
from export.inference import inference_function
from export.signatures import ServedModel
from pdarts_tf.data.augmentation import normalize
from pdarts_tf.data.image_header import MAX_MEGAPIXELS
from pdarts_tf.errors import RunError
from pdarts_tf.exported_models import CLASSES
from pdarts_tf.models.network import EvaluationNetwork

CLASSIFY_METHOD = "tensorflow/serving/classify"
TOLERANCE = 1e-4  # of logits, relative to the largest one if that is above 1
_CHECKED_IMAGES = 4
_Path = str | os.PathLike[str]


def served_model(
    network: EvaluationNetwork,
    data: Mapping[str, Any],
    *,
    centre: bool = False,
    serve_on: str = "CPU",
    max_megapixels: float = MAX_MEGAPIXELS,
) -> ServedModel:
    """Returns the `ServedModel` of a network; see `ServedModel`."""
    return ServedModel(
        inference_function(network),
        image_shape=data["image_shape"],
        mean=data["mean"],
        std=data["std"],
        class_names=data["class_names"],
        centre=centre,
        serve_on=serve_on,
        max_megapixels=max_megapixels,
    )


def write_saved_model(
    network: EvaluationNetwork,
    data: Mapping[str, Any],
    export_dir: _Path,
    *,
    version: int | None = None,
    centre: bool = False,
    serve_on: str = "CPU",
    max_megapixels: float = MAX_MEGAPIXELS,
) -> str:
    """Writes a version of a model, checks it, and writes the server configuration beside it.

    Args:
        network: Trained network.
        data: Description of its data, see `stored_network`.
        export_dir: Directory of the model; its name is the model's name.
        version: Version number; the next free one if None.
        centre: See `ServedModel`.
        serve_on: See `ServedModel`.
        max_megapixels: See `ServedModel`.

    Returns:
        A summary of several lines: the path of the version, and what was checked.

    Raises:
        VersionError: If the version exists, or nothing can be written there.
        RunError: If it cannot be written, or its logits are not those of the network; nothing is
            left behind.
    """
    model = served_model(
        network, data, centre=centre, serve_on=serve_on, max_megapixels=max_megapixels
    )
    image_shape, num_classes = data["image_shape"], len(data["class_names"])
    name = pathlib.Path(export_dir).resolve().name
    with versions.new_version(export_dir, version) as new:
        try:
            _save(model, new.path)
            extra = new.path / warmup.PATH
            extra.parent.mkdir()
            warmup.write(extra, warmup.records(name, image_shape))
        except (OSError, tf.errors.OpError) as error:
            raise RunError(
                f"the model cannot be written to {export_dir} ({error}); nothing was exported; "
                "free some space or choose another --export_dir"
            ) from error
        difference = check_logits(network, data, new.path)
    kept = server_config.write_missing(export_dir, image_shape, num_classes)
    return "\n".join(
        [
            f"Exported {new.published}: {num_classes} classes, images "
            + "x".join(map(str, image_shape))
            + f", to serve on a {serve_on}",
            f"Its logits differ from the network's by {difference:.1e} at most.",
            f"How to serve it: {pathlib.Path(export_dir) / 'README.md'}",
            *(f"Kept as it was: {pathlib.Path(export_dir) / name}" for name in kept),
        ]
    )


def _save(model: ServedModel, path: pathlib.Path) -> None:
    """Writes the SavedModel, without warm-up requests."""
    with tempfile.TemporaryDirectory() as scratch:
        classes = pathlib.Path(scratch) / CLASSES
        classes.write_text("".join(f"{each}\n" for each in model.class_names), "utf-8")
        model.classes = tf.saved_model.Asset(str(classes))
        tf.saved_model.save(model, str(path), signatures=model.signatures())
    # TensorFlow 2 calls every signature a prediction; a server answers `classify` by this name.
    updater = tf.compat.v1.saved_model.signature_def_utils.MethodNameUpdater(str(path))
    updater.replace_method_name(CLASSIFY, CLASSIFY_METHOD, tags="serve")
    updater.save()


def check_logits(network: EvaluationNetwork, data: Mapping[str, Any], path: _Path) -> float:
    """Loads a written version, and compares its logits with those of the network.

    Args:
        network: Trained network.
        data: Description of its data, see `stored_network`.
        path: Directory of the version.

    Returns:
        The largest absolute difference of a logit.

    Raises:
        RunError: If it exceeds `TOLERANCE`.
    """
    pixels = warmup.example_images(data["image_shape"], _CHECKED_IMAGES)
    images = normalize(tf.constant(pixels), data["mean"], data["std"])
    expected = network(images, training=False).numpy()
    predict = tf.saved_model.load(str(path)).signatures["serving_default"]
    received = predict(images=tf.cast(pixels, tf.float32))["logits"].numpy()
    return compare(expected, received)


def compare(expected: np.ndarray, received: np.ndarray) -> float:
    """Returns the largest absolute difference between logits of equal shape.

    Raises:
        RunError: If it exceeds `TOLERANCE`, or is not a number.

    Example:

    >>> compare(np.array([1.0, 2.0]), np.array([1.0, 2.0]))
    0.0
    """
    difference = float(np.abs(expected - received).max())
    if not difference <= TOLERANCE * max(1.0, float(np.abs(expected).max())):
        raise RunError(
            f"the exported model's logits differ from the network's by {difference:.3g}, more than "
            f"{TOLERANCE:g} of the largest: nothing was exported; please report this"
        )
    return difference
