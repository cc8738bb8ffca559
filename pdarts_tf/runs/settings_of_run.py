"""Settings of a run: given, of a recipe, as the run began, or chosen by the data."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from pdarts_tf.config import SearchConfig, TrainConfig, by_data
from pdarts_tf.config.data_rules import TrainingData
from pdarts_tf.data import sources
from pdarts_tf.data.images import ImageData
from pdarts_tf.runs.options import RunOptions

Config = SearchConfig | TrainConfig

LoadData = Callable[[Config, RunOptions, Mapping[str, Any] | None], ImageData]
"""Function of settings, options and the stored description of a run's data to its data."""


def settings_of_run(
    config: Config,
    stored: Config | None,
    options: RunOptions,
    load: LoadData,
    multiple: int,
) -> tuple[Config, list[str]]:
    """Returns the settings of a run, and lines on those that the data has chosen.

    Args:
        config: Settings of the recipe, or the defaults, with those that were given.
        stored: Settings of the run in the directory, which hold for good; None if it is new.
        options: Tell what was given.
        load: Loads the data.
        multiple: Number of which the batch size has to be a multiple.
    """
    if stored is not None:
        return stored, []
    unset = options.left_to_data(config)
    if not unset:
        return config, []
    # Nothing is decoded or measured yet: how that is done may be chosen.
    encoded = dataclasses.replace(config, augmentation="resized_crop")
    images = load(encoded, options, sources.UNMEASURED)
    counts = np.bincount(images.train.labels, minlength=images.num_classes)
    found = TrainingData(tuple(counts.tolist()), images.image_shape)
    choices = by_data.chosen(config, unset, found, multiple)
    return by_data.with_choices(config, choices), by_data.lines(choices, found)
