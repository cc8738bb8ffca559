"""The cells of which networks are stacked: those that are searched, and those that are evaluated.

Reference: P-DARTS, sections 3.1 and 4.3; DARTS (arXiv 1806.09055), section 2.1.
"""

from collections.abc import Hashable, Sequence
from typing import Any

import keras
import tensorflow as tf

from pdarts_tf.layers.mixed_op import ComputeMixed, MixedOperations, compute_mixed_operations
from pdarts_tf.layers.operations import make_operation
from pdarts_tf.layers.preprocess import Preprocess
from pdarts_tf.layers.regularization import Dropout, drop_path_factors, split_seed
from pdarts_tf.layers.source import SourceViews


@keras.saving.register_keras_serializable("pdarts_tf")
class SearchCell(keras.layers.Layer):
    """One cell of a supernet: its edges hold all candidate operations at once.

    Inputs: the outputs of the two cells before, (batch, height, width, any) each, and weights
    (edges, candidates). Output: (batch, height, width, nodes * channels), height and width halved
    by a reduction cell.

    Args:
        channels: Channels of each of its nodes.
        candidates: Names of the candidate operations of each edge, see `plan_cell`.
        reduction: Whether it is a reduction cell, which halves the size.
        reduction_prev: Whether the cell before it is a reduction cell, so that the older input is
            twice as large.
        seed: Seed of the initialization.
        statistics: Statistics that training normalizes by, see `BatchNormalization`.
        for_xla: Whether XLA is to compile the mixed operations, see `SourceViews`.
        **kwargs: Arguments of a Keras layer: `name`, `dtype` and `trainable`.

    Raises:
        ValueError: If an argument is out of range, see `plan_cell`.
    """

    def __init__(
        self,
        channels: int,
        candidates: Sequence[Sequence[str]],
        *,
        reduction: bool = False,
        reduction_prev: bool = False,
        seed: int = 0,
        statistics: str = "batch",
        for_xla: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(autocast=False, **kwargs)  # weights and rates stay as exact as they are
        self.channels = channels
        self.reduction = reduction
        self.reduction_prev = reduction_prev
        self.seed = seed
        options = {"statistics": statistics, "dtype": self.dtype_policy}
        self.preprocess = _preprocess(channels, reduction_prev, seed, affine=False, **options)
        self.mixed = MixedOperations(
            candidates, reduction, seed=seed + 20, for_xla=for_xla, name="mixed", **options
        )

    @property
    def output_channels(self) -> int:
        """Channels of the concatenated nodes."""
        return self.mixed.plan.num_nodes * self.channels

    def build(self, input_shapes: Sequence[Any]) -> None:
        """Builds the layers for the shapes of the outputs of the two cells before."""
        for layer, shape in zip(self.preprocess, input_shapes, strict=True):
            layer.build(shape)
        self.mixed.build([(None, None, None, self.channels)] * 2)

    def call(
        self,
        inputs: Sequence[tf.Tensor],
        weights: tf.Tensor,
        dropout: Dropout | None = None,
        training: bool = False,
        differentiate: str = "all",
        compute: ComputeMixed = compute_mixed_operations,
    ) -> tf.Tensor:
        """Returns the concatenated nodes.

        Args:
            inputs: The outputs of the two cells before.
            weights, dropout, training, differentiate, compute: See `MixedOperations`.
        """
        inputs = [
            layer(x, training=training) for layer, x in zip(self.preprocess, inputs, strict=True)
        ]
        return self.mixed(
            inputs,
            weights,
            dropout,
            training=training,
            differentiate=differentiate,
            compute=compute,
        )

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        mixed = self.mixed.get_config()
        return {
            **super().get_config(),
            "channels": self.channels,
            "reduction_prev": self.reduction_prev,
            "seed": self.seed,
            **{name: mixed[name] for name in ("candidates", "reduction", "statistics", "for_xla")},
        }


@keras.saving.register_keras_serializable("pdarts_tf")
class EvaluationCell(keras.layers.Layer):
    """One cell of an evaluation network: two operations lead to every node, which adds them up.

    Inputs: the outputs of the two cells before, (batch, height, width, any) each. Output: (batch,
    height, width, output_channels), height and width halved by a reduction cell.

    Args:
        channels: Channels of each of its nodes.
        edges: (operation, input) pairs, two per node, as in a `Genotype`.
        concat: The nodes that make up the output.
        reduction: Whether it is a reduction cell, which halves the size.
        reduction_prev: Whether the cell before it is a reduction cell, so that the older input is
            twice as large.
        seed: Seed of the initialization.
        statistics: Statistics that training normalizes by, see `BatchNormalization`.
        for_xla: Whether XLA is to compile the cell, see `SourceViews`.
        **kwargs: Arguments of a Keras layer: `name`, `dtype` and `trainable`.

    Raises:
        ValueError: If an operation is unknown.
    """

    def __init__(
        self,
        channels: int,
        edges: Sequence[tuple[str, int]],
        concat: Sequence[int],
        *,
        reduction: bool = False,
        reduction_prev: bool = False,
        seed: int = 0,
        statistics: str = "batch",
        for_xla: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(autocast=False, **kwargs)  # the rate of drop-path stays as exact as it is
        self.channels = channels
        self.reduction = reduction
        self.reduction_prev = reduction_prev
        self.seed = seed
        self.statistics = statistics
        self.for_xla = for_xla
        self.sources = tuple(source for _, source in edges)
        self.concat = tuple(concat)
        self.input_stride = 2 if reduction else 1
        options = {"statistics": statistics, "dtype": self.dtype_policy}
        self.preprocess = _preprocess(channels, reduction_prev, seed, **options)
        self.operations = [
            make_operation(
                primitive,
                self.input_stride if source < 2 else 1,
                seed=seed + 10 * (i + 2),
                name=f"operation_{i}",
                **options,
            )
            for i, (primitive, source) in enumerate(edges)
        ]

    @property
    def kind(self) -> Hashable:
        """What cells of one genotype have in common that compute the same: place and shapes."""
        place = self.channels, self.reduction, self.reduction_prev, self.trainable
        return place, *(tuple(variable.shape) for variable in self.variables)

    @property
    def output_channels(self) -> int:
        """Channels of the concatenated nodes."""
        return len(self.concat) * self.channels

    def build(self, input_shapes: Sequence[Any]) -> None:
        """Builds the layers for the shapes of the outputs of the two cells before."""
        for layer, shape in zip(self.preprocess, input_shapes, strict=True):
            layer.build(shape)
        for operation in self.operations:
            operation.build((None, None, None, self.channels))

    def call(
        self,
        inputs: Sequence[tf.Tensor],
        dropping: Dropout | None = None,
        training: bool = False,
    ) -> tf.Tensor:
        """Returns the concatenated nodes.

        Args:
            inputs: The outputs of the two cells before.
            dropping: None, or (rate, seed, first_image) of drop-path: a scalar, two int32, and see
                `regularization.drop_elements`.
            training: Whether to normalize by the batch and update running statistics.
        """
        nodes = [
            layer(x, training=training) for layer, x in zip(self.preprocess, inputs, strict=True)
        ]
        views = [SourceViews(x, self.input_stride, for_xla=self.for_xla) for x in nodes]
        factors = self._drop_path_factors(nodes[0], dropping)
        for first in range(0, len(self.operations), 2):
            terms = []
            for i in (first, first + 1):
                term = self.operations[i].apply_to(views[self.sources[i]], training)
                terms.append(term * factors[i] if i in factors else term)
            nodes.append(tf.add_n(terms))
            views.append(SourceViews(nodes[-1], 1, for_xla=self.for_xla))
        return tf.concat([nodes[i] for i in self.concat], -1)

    def _drop_path_factors(self, x: tf.Tensor, dropping: Dropout | None) -> dict[int, tf.Tensor]:
        """Returns the factor of drop-path by operation; identities have none."""
        dropped = [i for i, each in enumerate(self.operations) if not each.is_identity]
        if dropping is None or not dropped:
            return {}
        rate, seed, first_image = dropping
        seeds = tf.unstack(split_seed(seed, len(self.operations)))
        factors = drop_path_factors(x, rate, [seeds[i] for i in dropped], first_image)
        return dict(zip(dropped, factors, strict=True))

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        primitives = [operation.primitive for operation in self.operations]
        return {
            **super().get_config(),
            "channels": self.channels,
            "edges": [list(edge) for edge in zip(primitives, self.sources, strict=True)],
            "concat": list(self.concat),
            "reduction": self.reduction,
            "reduction_prev": self.reduction_prev,
            "seed": self.seed,
            "statistics": self.statistics,
            "for_xla": self.for_xla,
        }


def _preprocess(
    channels: int, reduction_prev: bool, seed: int, *, affine: bool = True, **options: Any
) -> list[Preprocess]:
    """Returns the layers that both inputs of a cell go through first."""
    stride = 2 if reduction_prev else 1
    return [
        Preprocess(channels, stride, affine=affine, seed=seed, name="preprocess0", **options),
        Preprocess(channels, affine=affine, seed=seed + 10, name="preprocess1", **options),
    ]
