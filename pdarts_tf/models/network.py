"""The evaluation network: a stack of the cells of one genotype, trained from scratch.

Reference: P-DARTS, sections 4.3 (CIFAR) and 4.4 (ImageNet); DARTS (arXiv 1806.09055), appendix A.
"""

import functools
from collections.abc import Callable, Hashable, Sequence
from typing import Any, Self

import keras
import numpy as np
import tensorflow as tf

from pdarts_tf.genotype import Genotype
from pdarts_tf.layers import pure, replicas
from pdarts_tf.layers.classifier import make_classifier
from pdarts_tf.layers.regularization import Dropout, add_pass_counter, draw_seeds
from pdarts_tf.layers.stem import ConvNorm, apply_stem, as_pixels
from pdarts_tf.models import top
from pdarts_tf.models.auxiliary_loss import AuxiliaryLossModel
from pdarts_tf.models.cells import EvaluationCell
from pdarts_tf.models.stacking import (
    CellLayout,
    auxiliary_cell,
    cell_layout,
)
from pdarts_tf.stems import STEMS, check_image_size


@keras.saving.register_keras_serializable("pdarts_tf")
class EvaluationNetwork(AuxiliaryLossModel):
    """The network of a genotype, which is trained from scratch.

    Input: images (batch, height, width, channels), height and width multiples of 4 times the stride
    of the stem; integers, such as uint8 pixels, count as they are, from 0 to 255. Output:
    logits (batch, num_classes); with an auxiliary head and in training (logits, auxiliary logits).
    The classifier sees the mean over all pixels that are left. One loss is enough for `compile`:
    the auxiliary head has it too, with the paper's weight of 0.4.

    Args:
        genotype: Genotype of the cells, which may have any number of nodes.
        init_channels: Channels of the first cells, an even number; reduction cells double them.
        num_layers: Number of cells, at least 3.
        num_classes: Number of logits.
        stem: "cifar" or "stride2", a convolution to 3 * init_channels at stride 1 or 2; "stride4"
            or "imagenet", two or three convolutions at stride 2 to init_channels.
        auxiliary: Whether an auxiliary head follows the second reduction cell. It needs images of
            at least 24 pixels times the stride of the stem.
        drop_path_rate: Rate of drop-path, in [0, 1). With 0 no drop-path is built; otherwise the
            rate can be changed while training.
        include_top: Whether the network ends with its classifier.
        pooling: Without the classifier: "avg" or "max" over all pixels, to (batch, channels), or
            None for none.
        seed: Random seed of the initialization and of the drop-path masks; not negative.
        sync_batch_norm: Whether batch norms normalize by the batches of all replicas together.
        rematerialize: Whether cells are recomputed in the backward pass instead of being stored.
        compile_cells: Whether XLA compiles the cells, each on its own; those of equal shape once.
        compile_step: Whether XLA compiles the steps that the network is part of, for which its
            operations then have forms that XLA can compile.
        dtype: Dtype policy, such as "mixed_float16"; variables, statistics and logits stay float32
            in a mixed one.
        **kwargs: Arguments of a Keras model: `name` and `trainable`.

    Raises:
        ValueError: If an argument is out of range; in `build` and `call`, if images of that size do
            not fit.

    Example:

    >>> import pdarts_tf as pd
    >>> genotype = pd.GENOTYPES["PDARTS"]
    >>> network = pd.EvaluationNetwork(genotype, init_channels=36, num_layers=20, num_classes=10)
    >>> round(pd.count_parameters(network) / 1e6, 2)
    3.43
    """

    def __init__(
        self,
        genotype: Genotype,
        init_channels: int = 36,
        num_layers: int = 20,
        num_classes: int = 10,
        *,
        stem: str = "cifar",
        auxiliary: bool = False,
        drop_path_rate: float = 0.0,
        include_top: bool = True,
        pooling: str | None = None,
        seed: int = 0,
        sync_batch_norm: bool = False,
        rematerialize: bool = False,
        compile_cells: bool = False,
        compile_step: bool = False,
        dtype: str | keras.DTypePolicy | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(dtype=dtype, **kwargs)
        if not isinstance(genotype, Genotype):
            raise ValueError(f"`genotype` must be a Genotype. Received: {genotype!r}")
        top.check_arguments(num_classes, stem, drop_path_rate)
        top.check_top(include_top, pooling, auxiliary)
        self.genotype = genotype
        self.init_channels = init_channels
        self.num_layers = num_layers
        self.num_classes = num_classes
        self.stem = stem
        self.include_top = include_top
        self.pooling = pooling
        self.seed = seed
        self.sync_batch_norm = sync_batch_norm
        self.rematerialize = rematerialize
        self.compile_cells = compile_cells
        self.compile_step = compile_step
        self._statistics = top.statistics_of(stem, sync_batch_norm)
        self._initial_drop_path_rate = drop_path_rate
        self._compiled: dict[tuple[Hashable, bool], Callable[..., Any]] = {}
        self._make_layers(auxiliary)

    def _make_layers(self, auxiliary: bool) -> None:
        layouts = cell_layout(
            self.init_channels, self.num_layers, reduction_prev=STEMS[self.stem].reads_two
        )
        draws = np.random.SeedSequence([self.seed, self.num_layers]).generate_state(
            self.num_layers + 6
        )
        seeds = [int(draw) % 2**30 for draw in draws]
        self.stem_layers = self._make_stem(seeds[3:6])
        self.cells = self._make_cells(layouts, seeds[6:])
        self.auxiliary_head = None
        if auxiliary:
            self.auxiliary_head = top.make_auxiliary_head(
                self.num_classes, self.stem, seeds[2], self._statistics, self.dtype_policy
            )
        fan_in = self.cells[-1].output_channels
        self.head: Any = None
        if self.include_top:
            self.head = make_classifier(self.num_classes, fan_in, seeds=(seeds[0], seeds[1]))
        # Both are there without drop-path too, so that one file of weights fits either network.
        self._drop_path_rate = self.add_weight(
            shape=(),
            initializer=keras.initializers.Constant(self._initial_drop_path_rate),
            trainable=False,
            autocast=False,
            name="drop_path_rate",
        )
        self.forward_passes = add_pass_counter(self)

    def _make_cells(
        self, layouts: Sequence[CellLayout], seeds: Sequence[int]
    ) -> list[EvaluationCell]:
        cells = self.genotype
        return [
            EvaluationCell(
                layout.channels,
                cells.reduce if layout.reduction else cells.normal,
                cells.reduce_concat if layout.reduction else cells.normal_concat,
                reduction=layout.reduction,
                reduction_prev=layout.reduction_prev,
                seed=seed,
                statistics=self._statistics,
                for_xla=self.compile_cells or self.compile_step,
                dtype=self.dtype_policy,
                name=f"cell_{i}",
            )
            for i, (layout, seed) in enumerate(zip(layouts, seeds, strict=True))
        ]

    def _make_stem(self, seeds: Sequence[int]) -> list[ConvNorm]:
        stem = STEMS[self.stem]
        sizes = zip(stem.channels(self.init_channels), stem.strides, strict=True)
        return [
            ConvNorm(
                width,
                stride,
                seed=seed,
                statistics=self._statistics,
                dtype=self.dtype_policy,
                name=f"stem_{i}",
            )
            for i, ((width, stride), seed) in enumerate(zip(sizes, seeds, strict=False))
        ]

    @property
    def _built_with_drop_path(self) -> bool:
        return self._initial_drop_path_rate > 0.0

    @property
    def drop_path_rate(self) -> float:
        """Current rate of drop-path."""
        return float(self._drop_path_rate.numpy()) if self._built_with_drop_path else 0.0

    @drop_path_rate.setter
    def drop_path_rate(self, rate: float) -> None:
        top.check_rate(rate)
        if rate > 0.0 and not self._built_with_drop_path:
            raise ValueError(
                "This network was built without drop-path (`drop_path_rate=0.0`). "
                f"Received: {rate!r}"
            )
        self._drop_path_rate.assign(rate)

    def build(self, input_shape: Sequence[Any]) -> None:
        """Creates all weights for images of (batch, height, width, channels).

        Height and width may be None; they are checked if they are known.
        """
        if None not in input_shape[1:3]:
            height, width = input_shape[1:3]
            top.check_images(height, width, self.stem, self.auxiliary_head is not None)
        channels = [input_shape[-1], *(layer.channels for layer in self.stem_layers)]
        for layer, inputs in zip(self.stem_layers, channels, strict=False):
            layer.build((None, None, None, inputs))
        shapes = [(None, None, None, channels[-1])] * 2
        for i, cell in enumerate(self.cells):
            cell.build(shapes)
            shapes = [shapes[1], (None, None, None, cell.output_channels)]
            if self.auxiliary_head is not None and i == auxiliary_cell(self.num_layers):
                self.auxiliary_head.build(shapes[1])
        if self.head is not None:
            self.head.build((None, shapes[1][-1]))

    def call(
        self, images: tf.Tensor, training: bool = False, first_image: tf.Tensor | None = None
    ) -> tf.Tensor | tuple[tf.Tensor, tf.Tensor]:
        """Returns logits or features; (logits, auxiliary logits) in training with such a head.

        Args:
            images: (batch, height, width, channels), height and width known.
            training: Whether to normalize by the batch, update running statistics and apply
                drop-path.
            first_image: Index of the first image in the global batch, for drop-path; by default
                that of the replica's part.
        """
        _, height, width, _ = images.shape
        if height is None or width is None:
            raise ValueError(
                f"Height and width of the images must be known. Received: shape {images.shape}"
            )
        check_image_size(height, width, self.stem)
        dropping: list[Dropout | None] = [None] * self.num_layers
        if training and self._built_with_drop_path:
            rate = tf.convert_to_tensor(self._drop_path_rate)
            if first_image is None:
                first_image = replicas.first_image(images)
            dropping = [(rate, seed, first_image) for seed in draw_seeds(self)]
        before, last = apply_stem(
            [functools.partial(layer.__call__, training=training) for layer in self.stem_layers],
            as_pixels(images, self.compute_dtype),
            reads_two=STEMS[self.stem].reads_two,
        )
        auxiliary_logits = None
        for i, cell in enumerate(self.cells):
            before, last = last, self._apply_cell(cell, (before, last), dropping[i], training)
            if (
                training
                and self.auxiliary_head is not None
                and i == auxiliary_cell(self.num_layers)
            ):
                # The head's first relu works in place in the official code. The cells that follow
                # begin with a relu themselves, but with 3 cells none does: the golden numbers.
                last = tf.nn.relu(last)
                auxiliary_logits = self.auxiliary_head(last, training=True)
        features = tf.cast(last, tf.float32)
        if self.head is None:
            return top.POOLINGS[self.pooling](features)
        logits = self.head(tf.reduce_mean(features, (1, 2)))
        return logits if auxiliary_logits is None else (logits, auxiliary_logits)

    def _apply_cell(
        self,
        cell: EvaluationCell,
        inputs: tuple[tf.Tensor, tf.Tensor],
        dropping: Dropout | None,
        training: bool,
    ) -> tf.Tensor:
        """Returns the output of a cell, compiled or computed twice if that is wanted."""

        def wrap(function: Callable[..., Any]) -> Callable[..., Any]:
            if self.compile_cells:
                function = self._compiled.setdefault((cell.kind, training), pure.compiled(function))
            return pure.rematerialized(function) if training and self.rematerialize else function

        if self.compile_cells or (training and self.rematerialize):
            return pure.call_wrapped(wrap, cell, inputs, dropping, training=training)
        return cell(inputs, dropping, training=training)

    def without_top(self, pooling: str | None = "avg") -> "EvaluationNetwork":
        """Returns a network of features with the weights of this one, for other classes.

        Args:
            pooling: See the constructor.

        Raises:
            ValueError: This network is not built, and so has no weights.

        Example:

        >>> from pdarts_tf.genotype import GENOTYPES
        >>> network = EvaluationNetwork(GENOTYPES["DARTS_V2"], init_channels=4, num_layers=3)
        >>> network.build((None, 32, 32, 3))
        >>> network.without_top()(tf.zeros((2, 32, 32, 3))).shape.as_list()
        [2, 64]
        """
        if not self.built:
            raise ValueError("Build the network first, or call it on images: it has no weights.")
        config = EvaluationNetwork.get_config(self)
        config |= {"include_top": False, "pooling": pooling, "auxiliary": False}
        other = EvaluationNetwork.from_config(config)
        other.build(self.get_build_config()["input_shape"])
        heads = [layer for layer in (self.head, self.auxiliary_head) if layer is not None]
        above = {id(variable) for layer in heads for variable in layer.weights}
        below = [variable for variable in self.weights if id(variable) not in above]
        for source, target in zip(below, other.weights, strict=True):
            target.assign(source)
        return other

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments, the genotype as JSON."""
        return {
            **super().get_config(),
            "genotype": self.genotype.to_json(),
            "init_channels": self.init_channels,
            "num_layers": self.num_layers,
            "num_classes": self.num_classes,
            "stem": self.stem,
            "auxiliary": self.auxiliary_head is not None,
            "drop_path_rate": self._initial_drop_path_rate,
            "include_top": self.include_top,
            "pooling": self.pooling,
            "seed": self.seed,
            "sync_batch_norm": self.sync_batch_norm,
            "rematerialize": self.rematerialize,
            "compile_cells": self.compile_cells,
            "compile_step": self.compile_step,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Self:
        """Returns a network with the arguments that `get_config` gave."""
        return cls(**{**config, "genotype": Genotype.from_json(config["genotype"])})
