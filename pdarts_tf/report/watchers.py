"""Observers and callbacks of the commands: everything that people can look at during a run."""

import math
from typing import TYPE_CHECKING

from pdarts_tf.config import SearchConfig, TrainConfig
from pdarts_tf.drawing.result import ResultDrawings
from pdarts_tf.report.console import RandomSearchConsole, SearchConsole, TrainConsole
from pdarts_tf.report.page import HtmlReport
from pdarts_tf.runs.job import Watchers
from pdarts_tf.runs.journal import Journal
from pdarts_tf.runs.next_commands import Recipes
from pdarts_tf.runs.run_directory import ALPHAS, METRICS, TIMINGS, RunDirectory
from pdarts_tf.runs.state import RunState
from pdarts_tf.runs.time_left import TimeLeft, search_parts, training_parts
from pdarts_tf.tensorboard.board import SearchBoard, TrainBoard
from pdarts_tf.tensorboard.summaries import TensorBoard

if TYPE_CHECKING:  # these import TensorFlow, which takes seconds
    from pdarts_tf.search.progressive import ProgressiveSearch
    from pdarts_tf.search.random_search import RandomSearch
    from pdarts_tf.train.evaluation import Training


def search_watchers(
    search: "ProgressiveSearch | RandomSearch",
    directory: RunDirectory,
    state: RunState,
    *,
    recipes: Recipes,
) -> Watchers:
    """Returns who watches a search: console, files, TensorBoard, drawings, report, progress bar.

    Args:
        search: The search.
        directory: Its open run directory.
        state: State that the run begins with.
        recipes: (command, data set) -> the settings of its recipe, for the report.
    """
    from pdarts_tf.runs.progress import Progress
    from pdarts_tf.training.devices_in_use import described, devices_in_use

    config, devices = search.config, described(devices_in_use(search.strategy))
    board = SearchBoard(config, str(directory.path), state.spaces)
    console = RandomSearchConsole if config.strategy == "random" else SearchConsole
    evaluated = _batches(config, search.images.for_alphas.num_images)
    parts = search_parts(config, search.steps, evaluated, state.epochs)
    return Watchers(
        [
            console(config, search.plan.text(), devices, state),
            Journal(directory, (ALPHAS, TIMINGS, METRICS), state),
            TensorBoard(directory.path, board, state),
            ResultDrawings(directory),
            HtmlReport(directory.path, recipes),
        ],
        [Progress(TimeLeft(parts, state), config.batch_size)],
    )


def train_watchers(
    training: "Training", directory: RunDirectory, state: RunState, *, recipes: Recipes
) -> Watchers:
    """Returns who watches a training: console, files, TensorBoard, report, progress bar.

    Args:
        training: The training.
        directory: Its open run directory.
        state: State that the run begins with.
        recipes: (command, data set) -> the settings of its recipe, for the report.
    """
    from pdarts_tf.runs.progress import Progress
    from pdarts_tf.training.devices_in_use import described, devices_in_use

    config, images = training.config, training.images
    devices = described(devices_in_use(training.strategy))
    evaluated = _batches(config, images.counts[1], images.data.test.num_images)
    parts = training_parts(config, training.steps, evaluated, state.epochs)
    return Watchers(
        [
            TrainConsole(config, training.plan.text(), devices, state),
            Journal(directory, (TIMINGS, METRICS), state),
            TensorBoard(directory.path, TrainBoard(config, str(directory.path)), state),
            HtmlReport(directory.path, recipes),
        ],
        [Progress(TimeLeft(parts, state), config.batch_size)],
    )


def _batches(config: SearchConfig | TrainConfig, *images: int) -> int:
    """Returns the number of batches of so many images each, as far as epochs may have them."""
    batches = [math.ceil(each / config.batch_size) for each in images]
    most = config.max_steps_per_epoch
    return sum(batches if most is None else [min(each, most) for each in batches])
