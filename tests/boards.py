"""Boards of small run directories, as TensorBoard is given them."""

import json

import numpy as np
from tensorboard.util import tensor_util

from pdarts_tf.config import SearchConfig
from pdarts_tf.report.run import read_run
from pdarts_tf.runs.run_directory import ALPHAS, METRICS, TENSORBOARD, TIMINGS
from pdarts_tf.tensorboard.board import SearchBoard, TrainBoard
from pdarts_tf.tensorboard.summaries import Summaries


def epochs_of(path):
    """Returns the records of all epochs of a run, as boards take them."""
    files = [name for name in (METRICS, TIMINGS, ALPHAS) if (path / name).is_file()]
    records = [map(json.loads, (path / name).read_text().splitlines()) for name in files]
    return [dict(zip(files, each, strict=True)) for each in zip(*records, strict=True)]


def board_of(path):
    """Returns the board of a run directory."""
    run = read_run(path)
    if isinstance(run.settings, SearchConfig):
        return SearchBoard(
            run.settings, run.name, [space for _, space in sorted(run.spaces.items())]
        )
    return TrainBoard(run.settings, run.name)


def write_board(path):
    """Writes the event file of a run directory; returns the run directory."""
    epochs = epochs_of(path)
    summaries = Summaries(path / TENSORBOARD, board_of(path), epochs)
    if read_run(path).finished:
        summaries.end(epochs[-1][TIMINGS]["time"], len(epochs))
    return path


def shown(summary):
    """{tag: value} of a summary: a number, a text, or [width, height, PNG] of a picture."""
    values = {each.tag: tensor_util.make_ndarray(each.tensor) for each in summary.value}
    return {tag: value.item() if value.size == 1 else value for tag, value in values.items()}


def picture(value):
    """Returns the PNG file of a shown picture."""
    return bytes(np.asarray(value)[2])
