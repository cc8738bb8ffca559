"""The supernet: a stack of cells whose edges hold all candidate operations at once.

Reference: P-DARTS, section 3.1; DARTS (arXiv 1806.09055), section 2.
"""

import functools

import keras
import numpy as np
import tensorflow as tf

from pdarts_tf.layers import pure, replicas
from pdarts_tf.layers.convolution import conv, fan_in_uniform
from pdarts_tf.layers.mixed_op import MixedOperations, compute_mixed_operations
from pdarts_tf.layers.normalization import BatchNormalization
from pdarts_tf.layers.preprocess import Preprocess
from pdarts_tf.layers.regularization import add_pass_counter, draw_seeds
from pdarts_tf.layers.synchronized_normalization import normalize_global_batch
from pdarts_tf.models.stacking import cell_layout, check_image_size
from pdarts_tf.search_space import SearchSpace

ALPHA_STDDEV = 1e-3
STEM_MULTIPLIER = 3


class SearchCell(keras.layers.Layer):
    """One cell of a supernet.

    Args:
        layout: its place in the network, a `stacking.CellLayout`.
        candidates: per edge the names of its candidate operations.
        compute: see `MixedOperations`.
        seed: of the initialization.
    """

    def __init__(self, layout, candidates, compute, seed, **kwargs):
        super().__init__(autocast=False, **kwargs)  # weights and rates stay as exact as they are
        self.reduction = layout.reduction
        channels = layout.channels
        stride = 2 if layout.reduction_prev else 1
        self.preprocess = [
            Preprocess(channels, stride, affine=False, seed=seed, name="preprocess0"),
            Preprocess(channels, affine=False, seed=seed + 10, name="preprocess1"),
        ]
        self.mixed = MixedOperations(candidates, layout.reduction, compute, seed + 20, name="mixed")

    def build(self, input_shapes):
        """Builds the layers for the shapes of the outputs of the two cells before."""
        for layer, shape in zip(self.preprocess, input_shapes, strict=True):
            layer.build(shape)
        self.mixed.build((None, None, None, self.preprocess[0].channels))

    def call(self, inputs, weights, dropout=None, training=False, differentiate="all"):
        """Returns (batch, height, width, nodes * channels) from the two cells before.

        For the other arguments see `MixedOperations`.
        """
        inputs = [
            layer(x, training=training) for layer, x in zip(self.preprocess, inputs, strict=True)
        ]
        return self.mixed(inputs, weights, dropout, training=training, differentiate=differentiate)


class Supernet(keras.Model):
    """The network of one stage of the search.

    Input: images (batch, height, width, channels); output: logits (batch, num_classes).

    The architecture parameters are weights that are not trainable: `trainable_variables` is exactly
    what the optimizer of the weights owns.

    Args:
        space: the candidate operations, a `SearchSpace`.
        init_channels: channels of the first cells; reductions double them. Even.
        num_layers: number of cells, at least 3.
        num_classes: number of logits.
        skip_dropout_rate: rate of the dropout after skip-connects at stride 1, in [0, 1). If it is
            zero none is built, else `skip_dropout_rate` can be changed while training.
        seed: fixes the initialization and the dropout masks.
        sync_batch_norm: whether batch norms see the batches of all replicas together.
        rematerialize: whether cells are computed again for the gradient, instead of being kept.
        compile_cells: whether XLA compiles the cells.

    Raises:
        ValueError: an argument is out of range.
    """

    def __init__(
        self,
        space,
        init_channels=16,
        num_layers=5,
        num_classes=10,
        skip_dropout_rate=0.0,
        seed=0,
        sync_batch_norm=False,
        rematerialize=False,
        compile_cells=False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if not isinstance(space, SearchSpace):
            raise ValueError(f"`space` must be a SearchSpace. Received: {space!r}")
        _check_rate(skip_dropout_rate)
        self.space = space
        self.init_channels = init_channels
        self.num_layers = num_layers
        self.num_classes = num_classes
        self.seed = seed
        layouts = cell_layout(init_channels, num_layers)
        draws = np.random.SeedSequence([seed, num_layers]).generate_state(num_layers + 4)
        seeds = [int(draw) % 2**30 for draw in draws]
        self.stem_norm = BatchNormalization(name="stem_norm")
        self.head = keras.layers.Dense(
            num_classes,
            kernel_initializer=fan_in_uniform(4 * layouts[-1].channels, seeds[0]),
            bias_initializer=fan_in_uniform(4 * layouts[-1].channels, seeds[1]),
            dtype="float32",
            name="classifier",
        )
        self.rematerialize = rematerialize
        self.cells = self._make_cells(layouts, seeds[4:], sync_batch_norm, compile_cells)
        if sync_batch_norm:
            self._synchronize_norms()
        self._stem_seed = seeds[2]
        self.arch_variables = self._add_architecture_parameters(seeds[3])
        self._dropout = None
        if skip_dropout_rate > 0.0:
            self._dropout = self._add_rate(skip_dropout_rate)
        add_pass_counter(self)

    def _add_architecture_parameters(self, seed):
        shape = self.space.normal.shape[0], self.space.num_candidates
        return [
            self.add_weight(
                shape=shape,
                initializer=keras.initializers.RandomNormal(0.0, ALPHA_STDDEV, seed + i),
                trainable=False,
                autocast=False,
                name=name,
            )
            for i, name in enumerate(("alphas_normal", "alphas_reduce"))
        ]

    def _add_rate(self, rate):
        return self.add_weight(
            shape=(),
            initializer=keras.initializers.Constant(rate),
            trainable=False,
            autocast=False,
            name="skip_dropout_rate",
        )

    def _make_cells(self, layouts, seeds, sync_batch_norm, compile_cells):
        # Cells of equal plan and shape share one trace, and stay one node of the graph each:
        # half the nodes to walk in each of the many passes at start-up.
        if sync_batch_norm:  # replicas cannot meet inside a function of their own
            compute = functools.partial(compute_mixed_operations, normalize=normalize_global_batch)
        elif compile_cells:
            compute = pure.compiled(compute_mixed_operations)
        else:
            compute = tf.function(
                compute_mixed_operations,
                autograph=False,
                experimental_attributes={"_noinline": True},
            )
        return [
            SearchCell(
                layout,
                self.space.candidates("reduce" if layout.reduction else "normal"),
                compute,
                seed,
                name=f"cell_{i}",
            )
            for i, (layout, seed) in enumerate(zip(layouts, seeds, strict=True))
        ]

    def _synchronize_norms(self):
        norms = [layer.norm for cell in self.cells for layer in cell.preprocess]
        for norm in (self.stem_norm, *norms):
            norm.normalize = normalize_global_batch

    @property
    def skip_dropout_rate(self):
        """Current rate of the dropout after skip-connects."""
        return 0.0 if self._dropout is None else float(self._dropout.numpy())

    @skip_dropout_rate.setter
    def skip_dropout_rate(self, rate):
        _check_rate(rate)
        if self._dropout is not None:
            self._dropout.assign(rate)
        elif rate > 0.0:
            raise ValueError(
                "This supernet was built without skip dropout (`skip_dropout_rate=0.0`). "
                f"Received: {rate!r}"
            )

    def build(self, input_shape):
        """Creates all weights for images of (batch, height, width, channels)."""
        channels = STEM_MULTIPLIER * self.init_channels
        fan_in = 9 * input_shape[-1]
        self.stem_kernel = self.add_weight(
            shape=(3, 3, input_shape[-1], channels),
            initializer=fan_in_uniform(fan_in, self._stem_seed),
            name="stem_kernel",
        )
        self.stem_norm.build((None, None, None, channels))
        shapes = [(None, None, None, channels)] * 2
        for cell in self.cells:
            cell.build(shapes)
            channels = cell.mixed.plan.num_nodes * cell.mixed.moving_mean.shape[-1]
            shapes = [shapes[1], (None, None, None, channels)]
        self.head.build((None, channels))

    def call(self, images, training=False, differentiate="all"):
        """Returns logits (batch, num_classes).

        Args:
            images: (batch, height, width, channels), height and width divisible by 4.
            training: normalize by the batch, update running statistics, apply dropout.
            differentiate: see `compute_mixed_operations`.
        """
        check_image_size(images.shape[1], images.shape[2], "cifar")
        normal, reduce = (
            tf.nn.softmax(tf.convert_to_tensor(alphas)) for alphas in self.arch_variables
        )
        dropouts: list = [None] * self.num_layers
        if training and self._dropout is not None:
            rate = tf.convert_to_tensor(self._dropout)
            first_image = replicas.first_image(images)
            dropouts = [(rate, seed, first_image) for seed in draw_seeds(self)]
        x = conv(images, tf.convert_to_tensor(self.stem_kernel))
        before, last = (self.stem_norm(x, training=training),) * 2
        for cell, dropout in zip(self.cells, dropouts, strict=True):
            weights = reduce if cell.reduction else normal
            arguments = (before, last), weights, dropout
            options = {"training": training, "differentiate": differentiate}
            if training and self.rematerialize:
                output = pure.call_wrapped(pure.rematerialized, cell, *arguments, **options)
            else:
                output = cell(*arguments, **options)
            before, last = last, output
        return self.head(tf.reduce_mean(tf.cast(last, tf.float32), (1, 2)))


def _check_rate(rate):
    if not 0.0 <= rate < 1.0:
        raise ValueError(f"`skip_dropout_rate` must be in [0, 1). Received: {rate!r}")
