"""Searches and trainings as jobs: the same for commands and for functions."""

from typing import TYPE_CHECKING

from pdarts_tf.config import SearchConfig, TrainConfig
from pdarts_tf.data.images import ImageData
from pdarts_tf.library.recipes import recipe_settings
from pdarts_tf.runs.job import Command, Watchers
from pdarts_tf.runs.run_directory import GENOTYPE, RESULT, RunDirectory

if TYPE_CHECKING:  # these import TensorFlow, which takes seconds
    import tensorflow as tf

    from pdarts_tf.cost.plan import Plan
    from pdarts_tf.runs.state import RunState
    from pdarts_tf.search.progressive import ProgressiveSearch
    from pdarts_tf.search.random_search import RandomSearch
    from pdarts_tf.train.evaluation import Training


def _make_search(
    config: SearchConfig, data: ImageData, strategy: "tf.distribute.Strategy | None"
) -> "ProgressiveSearch | RandomSearch":
    if config.strategy == "random":
        from pdarts_tf.search.random_search import RandomSearch

        return RandomSearch(config, data, strategy)
    from pdarts_tf.search.progressive import ProgressiveSearch

    return ProgressiveSearch(config, data, strategy)


def _plan_search(config: SearchConfig, data: ImageData) -> "Plan":
    return _make_search(config, data, None).plan


def _watch_search(
    search: "ProgressiveSearch | RandomSearch", directory: RunDirectory, state: "RunState"
) -> Watchers:
    from pdarts_tf.report.watchers import search_watchers

    return search_watchers(search, directory, state, recipes=recipe_settings)


def _make_training(
    config: TrainConfig, data: ImageData, strategy: "tf.distribute.Strategy | None"
) -> "Training":
    from pdarts_tf.train.evaluation import Training

    return Training(config, data, strategy)


def _plan_training(config: TrainConfig, data: ImageData) -> "Plan":
    from pdarts_tf.train.training_images import plan_training

    return plan_training(config, data)


def _watch_training(training: "Training", directory: RunDirectory, state: "RunState") -> Watchers:
    from pdarts_tf.report.watchers import train_watchers

    return train_watchers(training, directory, state, recipes=recipe_settings)


SEARCH = Command("search", GENOTYPE, _plan_search, _make_search, _watch_search)
"""What `python -m pdarts_tf.search` and `run_search` run."""

TRAIN = Command("train", RESULT, _plan_training, _make_training, _watch_training)
"""What `python -m pdarts_tf.train` and `run_training` run."""
