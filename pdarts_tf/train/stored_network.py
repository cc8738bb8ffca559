"""Networks of trainings, with their stored weights."""

import os
import types
from collections.abc import Mapping
from typing import Any

from pdarts_tf.config import TrainConfig
from pdarts_tf.data.images import check_classes
from pdarts_tf.train.evaluation import restored_network
from pdarts_tf.training.supervised import SupervisedNetwork


def stored_network(
    config: TrainConfig, data: Mapping[str, Any], weights: str | os.PathLike[str]
) -> SupervisedNetwork:
    """Returns the network of a training with stored weights.

    Args:
        config: Settings of the training.
        data: Description of its data in config.json, see `ImageData.description`.
        weights: File with the weights.

    Raises:
        CheckpointError: If the weights are damaged or belong to another network.
        DataError: If names of classes cannot be written to a file, see `check_classes`.
    """
    check_classes("the run", data["class_names"])
    shape = types.SimpleNamespace(
        num_classes=len(data["class_names"]), image_shape=tuple(data["image_shape"])
    )
    return restored_network(config, shape, weights)
