"""Time that logging takes of a search, as its share of the same run's time.

    python -m benchmarks.logging_cost

Logging is all that is for people to read: the derivation after every epoch, the files of records,
the event file of TensorBoard with its pictures, the progress bar. Two searches are measured:

- digits: the whole search of its recipe, which has the shortest epochs.
- cifar10: the first stage of the published search, which has the fastest steps, on random images.
  A few steps of every epoch are computed; the quickest stand for the 260 that there are.

A share of wall time is what a run takes longer; that of processor time counts all threads. Both
mean something on an idle machine only.
"""

import contextlib
import functools
import json
import statistics
import tempfile
import time
from unittest import mock

import numpy as np
from absl import app, flags

from flags.command_line import recipe_settings
from pdarts_tf.config import SearchConfig
from pdarts_tf.data import sources
from pdarts_tf.data.images import ImageData, Split
from pdarts_tf.drawing.result import ResultDrawings
from pdarts_tf.report.page import HtmlReport
from pdarts_tf.report.watchers import search_watchers
from pdarts_tf.runs import job
from pdarts_tf.runs.journal import Journal
from pdarts_tf.runs.options import RunOptions
from pdarts_tf.runs.progress import Progress
from pdarts_tf.runs.run_directory import TIMINGS, RunDirectory
from pdarts_tf.runs.stopping import StopRequest
from pdarts_tf.search.progressive import ProgressiveSearch
from pdarts_tf.tensorboard.summaries import TensorBoard
from pdarts_tf.training.runtime import configure

LOGGING = (
    (Journal, "begin_stage"),
    (Journal, "end_epoch"),
    (TensorBoard, "__init__"),
    (TensorBoard, "end_epoch"),
    (ResultDrawings, "end"),
    (HtmlReport, "close"),
    (Progress, "on_epoch_begin"),
    (Progress, "on_train_batch_end"),
)
STEPS_PER_EPOCH = 260  # of 96 images, in the published search
STEPS = 4  # computed of them
FIRST_STAGE = SearchConfig(
    layers=(5,),
    candidates=(8,),
    skip_dropout_rates=(0.0,),
    add_channels=(0,),
    epochs=6,
    warmup_epochs=2,
    validation_epochs=0,
    max_steps_per_epoch=STEPS,
)
_SEARCHES = flags.DEFINE_list("searches", ["digits", "cifar10"], "Searches to measure.")


class Meter:
    """Adds up the time between the beginnings and ends of blocks.

    Args:
        wall, processor: seconds so far; the latter of all threads.
    """

    def __init__(self):
        self.wall = self.processor = 0.0

    @contextlib.contextmanager
    def running(self):
        """Counts a block."""
        wall, processor = time.perf_counter(), time.process_time()
        try:
            yield
        finally:
            self.wall += time.perf_counter() - wall
            self.processor += time.process_time() - processor

    def around(self, function):
        """Returns a function that does the same and is counted."""

        def counted(*args, **kwargs):
            with self.running():
                return function(*args, **kwargs)

        return counted


def measure(config, data):
    """Searches; returns the meters of logging and of the search, and the records of the times."""
    logging, search = Meter(), Meter()
    with contextlib.ExitStack() as stack:
        path = stack.enter_context(tempfile.TemporaryDirectory(dir="."))
        run = stack.enter_context(RunDirectory(path, config, data.description()))
        stop = stack.enter_context(StopRequest())
        for owner, name in LOGGING:
            counted = logging.around(getattr(owner, name))
            stack.enter_context(mock.patch.object(owner, name, counted))
        with search.running():
            watchers = functools.partial(search_watchers, recipes=recipe_settings)
            search_job = ProgressiveSearch(config, data)
            job.finish(search_job, watchers, config, RunOptions(), run, stop)
        times = [json.loads(line) for line in (run.path / TIMINGS).read_text().splitlines()]
    return logging, search, times


def measure_digits():
    """Returns the lines to be printed of the search on digits."""
    config = recipe_settings("search", "digits")
    logging, search, times = measure(config, sources.load("digits", None))
    ends = [record["time"] for record in times]
    epoch = statistics.median(np.diff(ends))  # most epochs trace nothing
    return [
        f"digits: {logging.wall:.2f} s of {search.wall:.1f} s, {logging.wall / search.wall:.2%}; "
        f"of processor time {logging.processor / search.processor:.2%}",
        f"digits, epochs in which nothing is traced: {1000 * logging.wall / len(times):.0f} ms of "
        f"{epoch:.2f} s, {logging.wall / len(times) / epoch:.2%}",
    ]


def measure_cifar10():
    """Returns the lines to be printed of the search on images of CIFAR-10's size."""
    rng = np.random.default_rng(0)
    count = 2 * FIRST_STAGE.batch_size * STEPS
    split = Split(
        rng.integers(0, 256, (count, 32, 32, 3), np.uint8), rng.integers(0, 10, count, np.int64)
    )
    names = tuple(map(str, range(10)))
    data = ImageData("cifar10", names, split, split, (0.5,) * 3, (0.25,) * 3)
    logging, _, times = measure(FIRST_STAGE, data)
    epoch = STEPS_PER_EPOCH * min(record["seconds"] for record in times) / STEPS
    share = logging.wall / len(times) / epoch
    return [
        f"cifar10, first stage: {1000 * logging.wall / len(times):.0f} ms of {epoch:.0f} s that "
        f"{STEPS_PER_EPOCH} steps take, {share:.3%}"
    ]


def main(_):
    """Measures, and prints a few lines."""
    configure()
    measures = {"digits": measure_digits, "cifar10": measure_cifar10}
    lines = [line for name in _SEARCHES.value for line in measures[name]()]
    print(*lines, sep="\n")


if __name__ == "__main__":
    app.run(main)
