"""Trained networks of runs, as Keras models."""

import os
from typing import TYPE_CHECKING

from pdarts_tf.config import TrainConfig
from pdarts_tf.library.results import TrainingResult
from pdarts_tf.runs import run_directory
from pdarts_tf.runs.run_directory import WEIGHTS, RunDirectoryError

if TYPE_CHECKING:  # TensorFlow takes seconds to import
    import keras


def load_network(
    run: TrainingResult | str | os.PathLike[str],
    weights: str | None = None,
    *,
    normalize: bool = False,
) -> "keras.Model":
    """Returns the trained network of a run.

    Args:
        run: The training, or its run directory.
        weights: "best" or "last"; by default those that count, see docs/training.md.
        normalize: Whether the model takes pixels from 0 to 255 and normalizes them as the training
            did. Otherwise it is the `EvaluationNetwork` alone, and its images have to be.

    Returns:
        A model of images (batch, height, width, channels) to logits (batch, classes).

    Raises:
        RunDirectoryError: If it is not the directory of a training, or has no such weights.
        CheckpointError: If the weights are damaged.

    Example::

        network = pd.load_network("runs/train_digits_seed0", normalize=True)
        network.predict(images).argmax(-1)
    """
    path = run.path if isinstance(run, TrainingResult) else run
    if weights is not None and weights not in WEIGHTS:
        raise ValueError(f"`weights` must be one of {', '.join(WEIGHTS)}. Received: {weights!r}")
    config = run_directory.read_settings(path, TrainConfig)
    file = run_directory.stored_weights(path, config, weights)
    data = run_directory.stored_data(path)
    if data is None:
        raise RunDirectoryError(f"expected a run directory. Received: {path}")
    from pdarts_tf.train.stored_network import stored_network

    network = stored_network(config, data, file)
    if not normalize:
        return network
    import keras

    variance = [each**2 for each in data["std"]]
    pixels = keras.Input(tuple(data["image_shape"]), name="images")
    images = keras.layers.Rescaling(1 / 255)(pixels)
    images = keras.layers.Normalization(mean=data["mean"], variance=variance)(images)
    return keras.Model(pixels, network(images), name="pixels_to_logits")
