"""The mixed operations of a supernet's cell.

A mixed operation computes every candidate of its edge and adds them up, weighted by the softmax of
the architecture parameters:

    node_i = sum_{j<i} sum_{o in candidates(i,j)} softmax(alpha_{i,j})_o * o(node_j)

All edges of a cell are computed together, since most of what makes this fast is shared between
them (see `compute_mixed_operations`). The parameters of all operations of a cell lie stacked in a
few variables, a thousand fewer than one per kernel, which shortens both tracing and every update.

`Reference` in tests/layers/test_mixed_op.py is the same cell written plainly, one operation after
the other: read it first.

Reference: P-DARTS, sections 3.1 and 3.2.
"""

import functools
from collections.abc import Sequence
from typing import Any, Protocol

import keras
import tensorflow as tf

from pdarts_tf.layers.cell_norms import BatchNorms, MovingNorms, Weight, weighted
from pdarts_tf.layers.cell_plan import Candidate, CellPlan, Edge, plan_cell
from pdarts_tf.layers.convolution import fan_in_uniform, join_phases
from pdarts_tf.layers.forms import KernelsAndNorms, compute, in_phases
from pdarts_tf.layers.normalization import (
    add_running_statistics,
    checked_statistics,
    training_normalization,
    update_moving,
)
from pdarts_tf.layers.regularization import Dropout, drop_elements, split_seed
from pdarts_tf.layers.source import SourceViews
from pdarts_tf.primitives import TABLE


class _Mixer:
    """Computes the weighted candidates of an edge, for given parameters of the cell."""

    def __init__(
        self,
        plan: CellPlan,
        weights: tf.Tensor,
        kernels: Sequence[tf.Tensor],
        norms: BatchNorms | MovingNorms,
        dropout: Dropout | None,
    ) -> None:
        channels = norms.ones.shape[0]
        self.norms = norms
        scalars = tf.unstack(tf.reshape(weights, (-1,)))
        scales = tf.unstack(tf.tile(tf.reshape(weights, (-1, 1)), (1, channels)))
        self.weights = [Weight(*pair) for pair in zip(scalars, scales, strict=True)]
        self.kernels = {
            kernel: tf.unstack(stack)
            for (kernel, _), stack in zip(plan.stacks, kernels, strict=True)
        }
        self.rate, self.first_image = None, None
        self.seeds: dict[Edge, tf.Tensor] = {}
        if dropout is not None:
            self.rate, seed, self.first_image = dropout
            seeds = tf.unstack(split_seed(seed, len(plan.edges)))
            self.seeds = dict(zip(plan.edges, seeds, strict=True))

    def mix(self, edge: Edge, views: SourceViews) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
        """Returns (pixels, phases): the weighted outputs, by how their pixels are laid out."""
        pixels: list[tf.Tensor] = []
        phases: list[tf.Tensor] = []
        for candidate in edge.candidates:
            name = candidate.primitive
            if name == "none":  # only takes part in the softmax
                continue
            if TABLE[name].is_pool:
                weight = self.weights[candidate.weight]
                pixels.append(self.norms.pool(edge, candidate, views, weight))
            elif not candidate.norms:
                pixels.append(self._identity(edge, candidate, views))
            else:
                outputs = phases if in_phases(name, views) else pixels
                outputs.append(self._operation(candidate, views))
        return pixels, phases

    def _identity(self, edge: Edge, candidate: Candidate, views: SourceViews) -> tf.Tensor:
        x = views.x
        if self.rate is not None:
            x = drop_elements(x, self.rate, self.seeds[edge], self.first_image)
        return weighted(x, self.weights[candidate.weight].scalar)

    def _operation(self, candidate: Candidate, views: SourceViews) -> tf.Tensor:
        # The weight goes in as the scale of the last batch norm, so that no copy is made.
        scales = [self.norms.ones] * len(candidate.norms)
        scales[-1] = self.weights[candidate.weight].scale
        norms = [
            functools.partial(self.norms.normalize, row, scale=scale)
            for row, scale in zip(candidate.norms, scales, strict=True)
        ]
        kernels = [self.kernels[kernel][index] for kernel, index in candidate.kernels]
        return compute(candidate.primitive, views, KernelsAndNorms(kernels, norms))


def compute_mixed_operations(
    plan: CellPlan,
    differentiate: str,
    inputs: Sequence[tf.Tensor],
    weights: tf.Tensor,
    kernels: Sequence[tf.Tensor],
    moving: Sequence[tf.Tensor] | None = None,
    dropout: Dropout | None = None,
    *,
    statistics: str = "batch",
    for_xla: bool = False,
) -> tuple[tf.Tensor, tf.Tensor | None, tf.Tensor | None]:
    """Computes all edges and nodes of a cell; pure, so that equal cells share one trace.

    It is exact, and fast for these reasons: `none` is not computed; what depends on the source node
    alone is computed once (`SourceViews`); the weight of a candidate that ends in a batch norm is
    that norm's scale; dilated convolutions stay in phases, batch norm included, until all of them
    that lead to a node have been added up.

    Args:
        plan: The `CellPlan`.
        differentiate: "weights" or "architecture" if only the gradient with respect to these is
            needed (the other is not computed then), else "all".
        inputs: The two preprocessed inputs, (batch, height, width, channels) each.
        weights: (edges, candidates), each row summing to one.
        kernels: One stack per entry of `plan.stacks`, (count, *shape of the kernel).
        moving: None in training, else running (mean, variance), each (norms, channels).
        dropout: None, or (rate, seed, first_image) of the dropout after skip-connects of stride 1:
            a scalar, two int32, and see `drop_elements`.
        statistics: Statistics that training normalizes by, see `training_normalization`.
        for_xla: Whether XLA is to compile this, see `SourceViews`.

    Returns:
        (nodes, mean, variance): the intermediate nodes concatenated, (batch, height, width,
        nodes * channels); the statistics of the batch, (norms, channels) each, or None.
    """
    if differentiate == "architecture":
        kernels = [tf.stop_gradient(stack) for stack in kernels]
    elif differentiate == "weights":
        weights = tf.stop_gradient(weights)
    norms: BatchNorms | MovingNorms
    if moving is None:
        norms = BatchNorms(plan, inputs[0].shape[-1], training_normalization(statistics))
    else:
        norms = MovingNorms(*moving)
    mixer = _Mixer(plan, weights, kernels, norms, dropout)
    nodes = list(inputs)
    views = [SourceViews(x, plan.edges[0].stride, for_xla=for_xla) for x in inputs]
    for target in range(2, plan.num_nodes + 2):
        terms = [mixer.mix(edge, views[edge.source]) for edge in plan.edges_to(target)]
        pixels = [y for pixels, _ in terms for y in pixels]
        phases = [y for _, phases in terms for y in phases]
        if phases:
            pixels.append(join_phases(tf.add_n(phases)))
        nodes.append(tf.add_n(pixels))
        views.append(SourceViews(nodes[-1], 1, for_xla=for_xla))
    output = tf.concat(nodes[2:], -1)
    if isinstance(norms, BatchNorms):
        return output, *norms.statistics()
    return output, None, None


class ComputeMixed(Protocol):
    """The type of `compute_mixed_operations`, and of a tf.function of it."""

    def __call__(
        self,
        plan: CellPlan,
        differentiate: str,
        inputs: Sequence[tf.Tensor],
        weights: tf.Tensor,
        kernels: Sequence[tf.Tensor],
        moving: Sequence[tf.Tensor] | None = None,
        dropout: Dropout | None = None,
        *,
        statistics: str = "batch",
        for_xla: bool = False,
    ) -> tuple[tf.Tensor, tf.Tensor | None, tf.Tensor | None]:
        """See `compute_mixed_operations`."""


@keras.saving.register_keras_serializable("pdarts_tf")
class MixedOperations(keras.layers.Layer):
    """The mixed operations on all edges of one cell, and the nodes they lead to.

    Inputs: two tensors (batch, height, width, channels), and weights (edges, candidates). Output:
    (batch, height, width, nodes * channels), height and width halved by a reduction cell.

    Args:
        candidates: Names of the candidate operations of each edge, see `plan_cell`.
        reduction: Whether edges from the two inputs have stride 2.
        seed: Seed of the kernels' initialization.
        statistics: Statistics that training normalizes by, see `BatchNormalization`.
        for_xla: Whether XLA is to compile the cell, see `SourceViews`.
        **kwargs: Arguments of a Keras layer: `name`, `dtype` and `trainable`.

    Raises:
        ValueError: If an argument is out of range, see `plan_cell`.
    """

    def __init__(
        self,
        candidates: Sequence[Sequence[str]],
        reduction: bool = False,
        *,
        seed: int = 0,
        statistics: str = "batch",
        for_xla: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(autocast=False, **kwargs)  # weights and rates stay as exact as they are
        self.plan = plan_cell(candidates, reduction)
        self.reduction = reduction
        self.seed = seed
        self.statistics = checked_statistics(statistics)
        self.for_xla = for_xla

    def build(self, input_shapes: Sequence[Any]) -> None:
        """Creates the stacked kernels and running statistics, for the shapes of both inputs."""
        channels = input_shapes[0][-1]
        self.kernels = []
        for i, (kernel, count) in enumerate(self.plan.stacks):
            self.kernels.append(
                self.add_weight(
                    shape=(count, *kernel.shape(channels)),
                    initializer=fan_in_uniform(kernel.fan_in(channels), self.seed + i),
                    name=f"{kernel.kind}_{kernel.size}",
                )
            )
        self.moving_mean, self.moving_variance = add_running_statistics(
            self, (self.plan.num_norms, channels)
        )

    def call(
        self,
        inputs: Sequence[tf.Tensor],
        weights: tf.Tensor,
        dropout: Dropout | None = None,
        training: bool = False,
        differentiate: str = "all",
        compute: ComputeMixed = compute_mixed_operations,
    ) -> tf.Tensor:
        """Returns the concatenated nodes; in training also updates the running statistics.

        Args:
            inputs, weights, dropout, differentiate: See `compute_mixed_operations`; dropout is
                applied in training only.
            training: Whether to normalize by the batch.
            compute: `compute_mixed_operations`, or a tf.function of it that several cells share.
        """
        kernels = [tf.cast(stack, inputs[0].dtype) for stack in self.kernels]
        running = self.moving_mean, self.moving_variance
        output, *measured = compute(
            self.plan,
            differentiate,
            inputs,
            weights,
            kernels,
            None if training else [tf.convert_to_tensor(statistic) for statistic in running],
            dropout if training else None,
            statistics=self.statistics,
            for_xla=self.for_xla,
        )
        if training:
            for statistic, value in zip(running, measured, strict=True):
                update_moving(statistic, value)
        return output

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        names = [[candidate.primitive for candidate in e.candidates] for e in self.plan.edges]
        return {
            **super().get_config(),
            "candidates": names,
            "reduction": self.reduction,
            "seed": self.seed,
            "statistics": self.statistics,
            "for_xla": self.for_xla,
        }
