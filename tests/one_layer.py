"""A supernet of a single layer: all that a search does to one, without its cost.

As a program it is the command with that supernet: python -m tests.one_layer --dataset=digits …
"""

import contextlib
import runpy
from unittest import mock

import tensorflow as tf

from pdarts_tf.layers.regularization import draw_seeds
from pdarts_tf.search import stage as stage_module
from pdarts_tf.training.bilevel import Supernet
from pdarts_tf.training.loop import TrainingLoop


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


def one_layer(config, stage, space, data):
    """Stands for `search.stage.make_supernet`."""
    return OneLayer(
        space,
        init_channels=stage.init_channels,
        num_layers=stage.num_layers,
        num_classes=data.num_classes,
        skip_dropout_rate=stage.skip_dropout_rate,
        seed=config.seed,
        name="supernet",
    )


def untraced(loop, step):
    """Stands for `TrainingLoop._traced`: to trace a step takes longer than all steps of a test."""
    return lambda batch: loop.strategy.run(step, args=(batch,))


@contextlib.contextmanager
def one_layer_supernets():
    """Searches inside have that supernet, and compute its few steps without tracing them."""
    with (
        mock.patch.object(stage_module, "make_supernet", one_layer),
        mock.patch.object(TrainingLoop, "_traced", untraced),
        mock.patch("gc.collect"),  # between stages, for their graphs: here it takes half a second
    ):
        yield


if __name__ == "__main__":
    with one_layer_supernets():
        runpy.run_module("pdarts_tf.search", run_name="__main__", alter_sys=True)
