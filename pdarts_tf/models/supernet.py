"""The supernet: a stack of cells whose edges hold all candidate operations at once.

Reference: P-DARTS, section 3.1; DARTS (arXiv 1806.09055), section 2.
"""

import functools
from collections.abc import Sequence
from typing import Any, Self

import keras
import numpy as np
import tensorflow as tf

from pdarts_tf.layers import pure, replicas
from pdarts_tf.layers.classifier import make_classifier
from pdarts_tf.layers.convolution import conv, fan_in_uniform
from pdarts_tf.layers.mixed_op import ComputeMixed, compute_mixed_operations
from pdarts_tf.layers.normalization import BatchNormalization
from pdarts_tf.layers.regularization import Dropout, add_pass_counter, draw_seeds
from pdarts_tf.layers.stem import ConvNorm, apply_stem, as_pixels
from pdarts_tf.models.cells import SearchCell
from pdarts_tf.models.stacking import CellLayout, cell_layout
from pdarts_tf.search_space import NUM_NODES, SearchSpace
from pdarts_tf.stems import STEMS, check_image_size

ALPHA_STDDEV = 1e-3


@keras.saving.register_keras_serializable("pdarts_tf")
class SearchNetwork(keras.Model):
    """The network of one stage of the search, without its step: see `training.bilevel.Supernet`.

    Input: images (batch, height, width, channels); output: logits (batch, num_classes).

    The architecture parameters are weights that are not trainable: `trainable_variables` is exactly
    what the optimizer of the weights owns.

    Args:
        space: Candidate operations of every edge.
        init_channels: Channels of the first cells, an even number; reduction cells double them.
        num_layers: Number of cells, at least 3.
        num_classes: Number of logits.
        stem: Stem, as of an `EvaluationNetwork`, to 3 * init_channels.
        skip_dropout_rate: Rate of the dropout after skip-connects at stride 1, in [0, 1). With 0
            no dropout is built; otherwise the rate can be changed while training.
        seed: Random seed of the initialization and of the dropout masks.
        sync_batch_norm: Whether batch norms normalize by the batches of all replicas together.
        rematerialize: Whether cells are recomputed in the backward pass instead of being stored.
        compile_cells: Whether XLA compiles the cells, each on its own.
        compile_step: Whether XLA compiles the steps that the network is part of, for which its
            operations then have forms that XLA can compile.
        dtype: Dtype policy, such as "mixed_float16"; variables, statistics, logits and losses stay
            float32 in a mixed one.
        **kwargs: Arguments of a Keras model: `name` and `trainable`.

    Attributes:
        arch_variables: The architecture parameters (alphas) of the normal and of the reduction
            cells, of shape (14, candidates) each.
        compute: The function of the mixed operations, whose traces the cells share.

    Raises:
        ValueError: If an argument is out of range.
    """

    def __init__(
        self,
        space: SearchSpace,
        init_channels: int = 16,
        num_layers: int = 5,
        num_classes: int = 10,
        *,
        stem: str = "cifar",
        skip_dropout_rate: float = 0.0,
        seed: int = 0,
        sync_batch_norm: bool = False,
        rematerialize: bool = False,
        compile_cells: bool = False,
        compile_step: bool = False,
        dtype: str | keras.DTypePolicy | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(dtype=dtype, **kwargs)
        if not isinstance(space, SearchSpace):
            raise ValueError(f"`space` must be a SearchSpace. Received: {space!r}")
        if stem not in STEMS:
            raise ValueError(f"`stem` must be one of {', '.join(STEMS)}. Received: {stem!r}")
        _check_rate(skip_dropout_rate)
        self.space = space
        self.init_channels = init_channels
        self.num_layers = num_layers
        self.num_classes = num_classes
        self.stem = stem
        self.seed = seed
        self.sync_batch_norm = sync_batch_norm
        self.rematerialize = rematerialize
        self.compile_cells = compile_cells
        self.compile_step = compile_step
        self._initial_skip_dropout_rate = skip_dropout_rate
        layouts = cell_layout(init_channels, num_layers, STEMS[stem].reads_two)
        draws = np.random.SeedSequence([seed, num_layers]).generate_state(num_layers + 4)
        seeds = [int(draw) % 2**30 for draw in draws]
        statistics = "global" if sync_batch_norm else "batch"
        self.stem_norm = BatchNormalization(
            statistics=statistics, dtype=self.dtype_policy, name="stem_norm"
        )
        fan_in = NUM_NODES * layouts[-1].channels
        self.head = make_classifier(num_classes, fan_in, seeds=(seeds[0], seeds[1]))
        self.compute = _shared_compute(sync_batch_norm or compile_step, compile_cells)
        self.cells = self._make_cells(layouts, seeds[4:], statistics)
        self._stem_seed = seeds[2]
        self.later_stem_layers = self._make_later_stem_layers(statistics)
        self.arch_variables = self._add_architecture_parameters(seeds[3])
        self._dropout = None
        if skip_dropout_rate > 0.0:
            self._dropout = self._add_rate(skip_dropout_rate)
        self.forward_passes = add_pass_counter(self)

    def _add_architecture_parameters(self, seed: int) -> list[keras.Variable]:
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

    def _add_rate(self, rate: float) -> keras.Variable:
        return self.add_weight(
            shape=(),
            initializer=keras.initializers.Constant(rate),
            trainable=False,
            autocast=False,
            name="skip_dropout_rate",
        )

    def _make_later_stem_layers(self, statistics: str) -> list[ConvNorm]:
        # The first convolution has no layer of its own: its variables have the names that they
        # had, and have in checkpoints, before there was another stem than CIFAR's.
        stem = STEMS[self.stem]
        channels = stem.channels(self.init_channels, of_supernet=True)
        return [
            ConvNorm(
                channels[i],
                stem.strides[i],
                seed=self._stem_seed + i,
                statistics=statistics,
                dtype=self.dtype_policy,
                name=f"stem_{i}",
            )
            for i in range(1, len(channels))
        ]

    def _make_cells(
        self, layouts: Sequence[CellLayout], seeds: Sequence[int], statistics: str
    ) -> list[SearchCell]:
        return [
            SearchCell(
                layout.channels,
                self.space.candidates("reduce" if layout.reduction else "normal"),
                reduction=layout.reduction,
                reduction_prev=layout.reduction_prev,
                seed=seed,
                statistics=statistics,
                for_xla=(self.compile_cells and not self.sync_batch_norm) or self.compile_step,
                dtype=self.dtype_policy,
                name=f"cell_{i}",
            )
            for i, (layout, seed) in enumerate(zip(layouts, seeds, strict=True))
        ]

    @property
    def skip_dropout_rate(self) -> float:
        """Current rate of the dropout after skip-connects."""
        return 0.0 if self._dropout is None else float(self._dropout.numpy())

    @skip_dropout_rate.setter
    def skip_dropout_rate(self, rate: float) -> None:
        _check_rate(rate)
        if self._dropout is not None:
            self._dropout.assign(rate)
        elif rate > 0.0:
            raise ValueError(
                "This supernet was built without skip dropout (`skip_dropout_rate=0.0`). "
                f"Received: {rate!r}"
            )

    def build(self, input_shape: Sequence[Any]) -> None:
        """Creates all weights for images of (batch, height, width, channels)."""
        channels = STEMS[self.stem].channels(self.init_channels, of_supernet=True)
        fan_in = 9 * input_shape[-1]
        self.stem_kernel = self.add_weight(
            shape=(3, 3, input_shape[-1], channels[0]),
            initializer=fan_in_uniform(fan_in, self._stem_seed),
            name="stem_kernel",
        )
        self.stem_norm.build((None, None, None, channels[0]))
        for inputs, layer in zip(channels, self.later_stem_layers, strict=False):
            layer.build((None, None, None, inputs))
        shapes = [(None, None, None, channels[-1])] * 2
        for cell in self.cells:
            cell.build(shapes)
            shapes = [shapes[1], (None, None, None, cell.output_channels)]
        self.head.build((None, shapes[1][-1]))

    def call(
        self, images: tf.Tensor, training: bool = False, differentiate: str = "all"
    ) -> tf.Tensor:
        """Returns logits (batch, num_classes).

        Args:
            images: (batch, height, width, channels), height and width divisible by 4 times the
                stride of the stem.
            training: Whether to normalize by the batch, update running statistics and apply
                dropout.
            differentiate: See `compute_mixed_operations`.
        """
        check_image_size(images.shape[1], images.shape[2], self.stem)
        normal, reduce = (
            tf.nn.softmax(tf.convert_to_tensor(alphas)) for alphas in self.arch_variables
        )
        dropouts: list[Dropout | None] = [None] * self.num_layers
        if training and self._dropout is not None:
            rate = tf.convert_to_tensor(self._dropout)
            first_image = replicas.first_image(images)
            dropouts = [(rate, seed, first_image) for seed in draw_seeds(self)]
        convolutions = self._first_convolution, *(x.__call__ for x in self.later_stem_layers)
        before, last = apply_stem(
            [functools.partial(each, training=training) for each in convolutions],
            as_pixels(images, self.compute_dtype),
            reads_two=STEMS[self.stem].reads_two,
        )
        for cell, dropout in zip(self.cells, dropouts, strict=True):
            weights = reduce if cell.reduction else normal
            arguments = (before, last), weights, dropout
            options = {
                "training": training,
                "differentiate": differentiate,
                "compute": self.compute,
            }
            if training and self.rematerialize:
                output = pure.call_wrapped(pure.rematerialized, cell, *arguments, **options)
            else:
                output = cell(*arguments, **options)
            before, last = last, output
        return self.head(tf.reduce_mean(tf.cast(last, tf.float32), (1, 2)))

    def _first_convolution(self, images: tf.Tensor, training: bool) -> tf.Tensor:
        strides = (STEMS[self.stem].strides[0],) * 2
        x = conv(images, tf.convert_to_tensor(self.stem_kernel), strides)
        return self.stem_norm(x, training=training)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments, the search space as JSON."""
        return {
            **super().get_config(),
            "space": self.space.to_json(),
            "init_channels": self.init_channels,
            "num_layers": self.num_layers,
            "num_classes": self.num_classes,
            "stem": self.stem,
            "skip_dropout_rate": self._initial_skip_dropout_rate,
            "seed": self.seed,
            "sync_batch_norm": self.sync_batch_norm,
            "rematerialize": self.rematerialize,
            "compile_cells": self.compile_cells,
            "compile_step": self.compile_step,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Self:
        """Returns a network with the arguments that `get_config` gave."""
        return cls(**{**config, "space": SearchSpace.from_json(config["space"])})


def _shared_compute(in_line: bool, compile_cells: bool) -> ComputeMixed:
    """Returns the function that computes the mixed operations of all cells of a network.

    Cells of equal plan and shape share one trace, and stay one node of the graph each: half the
    nodes to walk in each of the many passes at start-up.

    Args:
        in_line: Whether it has to be no function of its own: replicas cannot meet inside one, and
            a step that XLA compiles would be compiled again every time that it is taken.
        compile_cells: Whether XLA compiles the cells.
    """
    if in_line:
        return compute_mixed_operations
    if compile_cells:
        return pure.compiled(compute_mixed_operations)
    return tf.function(
        compute_mixed_operations, autograph=False, experimental_attributes={"_noinline": True}
    )


def _check_rate(rate: float) -> None:
    if not 0.0 <= rate < 1.0:
        raise ValueError(f"`skip_dropout_rate` must be in [0, 1). Received: {rate!r}")
