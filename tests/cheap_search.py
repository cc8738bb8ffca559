"""A search whose supernet is a single layer: all of its bookkeeping, none of its cost."""

import functools

from flags.command_line import recipe_settings
from pdarts_tf.config import CheckpointConfig, SearchConfig
from pdarts_tf.data import sources
from pdarts_tf.report.watchers import search_watchers
from pdarts_tf.runs import job
from pdarts_tf.runs.options import RunOptions
from pdarts_tf.runs.run_directory import RunDirectory
from pdarts_tf.runs.stopping import StopRequest
from pdarts_tf.search.progressive import ProgressiveSearch
from tests.one_layer import one_layer_supernets

CONFIG = SearchConfig(
    layers=(3, 3),
    candidates=(8, 5),
    skip_dropout_rates=(0.0, 0.4),
    add_channels=(0, 0),
    init_channels=2,
    epochs=2,
    warmup_epochs=1,
    validation_epochs=1,
    max_steps_per_epoch=2,
    batch_size=8,
    learning_rate=0.1,
)
FILES = (
    "genotype.json",
    "genotypes.json",
    "alphas.jsonl",
    "metrics.jsonl",
    "search_space_stage1.json",
    "search_space_stage2.json",
)
"""Results of a search with that configuration."""
EVERY_STEP = CheckpointConfig(checkpoint_every_minutes=0, checkpoint_every_steps=1)


def search(path, intervals=EVERY_STEP, stop=None):
    """Runs a search in a run directory, or what is left of it, as the command does.

    Returns:
        The `SearchOutcome`.
    """
    data = sources.load("digits", None)
    options = RunOptions(checkpoints=intervals)
    with (
        one_layer_supernets(),
        RunDirectory(path, CONFIG, data.description()) as directory,
        StopRequest() as request,
    ):
        watchers = functools.partial(search_watchers, recipes=recipe_settings)
        found = ProgressiveSearch(CONFIG, data)
        return job.finish(found, watchers, CONFIG, options, directory, stop or request)
