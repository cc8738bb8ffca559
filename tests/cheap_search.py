"""A search whose supernet is a single layer: all of its bookkeeping, none of its cost."""

import functools
from unittest import mock

import tensorflow as tf

from flags.command_line import recipe_settings
from pdarts_tf.config import CheckpointConfig, SearchConfig
from pdarts_tf.data import sources
from pdarts_tf.layers.regularization import draw_seeds
from pdarts_tf.report.watchers import search_watchers
from pdarts_tf.runs import job
from pdarts_tf.runs.options import RunOptions
from pdarts_tf.runs.run_directory import RunDirectory
from pdarts_tf.runs.stopping import StopRequest
from pdarts_tf.search import stage as stage_module
from pdarts_tf.search.progressive import ProgressiveSearch
from pdarts_tf.training.bilevel import Supernet
from pdarts_tf.training.loop import TrainingLoop

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


class OneLayer(Supernet):
    """Logits that depend on images, weights, alphas and the counter of the dropout masks."""

    def _make_cells(self, *arguments):
        return []

    def build(self, input_shape):
        self.stem_norm.build((None, None, None, input_shape[-1]))
        self.head.build((None, 2 + input_shape[-1]))

    def call(self, images, training=False, differentiate="all"):
        x = tf.reduce_mean(self.stem_norm(images, training=training), (1, 2))
        if training and self._dropout is not None:
            x *= tf.random.stateless_uniform(tf.shape(x), draw_seeds(self)[0])
        alphas = tf.stack(
            [tf.reduce_sum(tf.nn.softmax(a.value)[:, 0]) for a in self.arch_variables]
        )
        return self.head(tf.concat([tf.tile(alphas[None], (tf.shape(x)[0], 1)), x], -1))


def one_layer(config, stage, space, num_classes):
    """Stands for `search.stage.make_supernet`."""
    return OneLayer(
        space,
        init_channels=stage.init_channels,
        num_layers=stage.num_layers,
        num_classes=num_classes,
        skip_dropout_rate=stage.skip_dropout_rate,
        seed=config.seed,
        name="supernet",
    )


def untraced(loop, step):
    """Stands for `TrainingLoop._traced`: to trace a step takes longer than all steps of a test."""
    return lambda batch: loop.strategy.run(step, args=(batch,))


def search(path, intervals=EVERY_STEP, stop=None):
    """Runs a search in a run directory, or what is left of it, as the command does.

    Returns:
        The `SearchResult`.
    """
    data = sources.load("digits", None)
    options = RunOptions(checkpoints=intervals)
    with (
        mock.patch.object(stage_module, "make_supernet", one_layer),
        mock.patch.object(TrainingLoop, "_traced", untraced),
        mock.patch("gc.collect"),  # between stages, for their graphs: here it takes half a second
        RunDirectory(path, CONFIG, data.description()) as directory,
        StopRequest() as request,
    ):
        watchers = functools.partial(search_watchers, recipes=recipe_settings)
        found = ProgressiveSearch(CONFIG, data)
        return job.finish(found, watchers, CONFIG, options, directory, stop or request)
