"""The mixed operations of a supernet's cell.

A mixed operation computes every candidate of its edge and adds them up, weighted by the softmax of
the architecture parameters:

    node_i = sum_{j<i} sum_{o in candidates(i,j)} softmax(alpha_{i,j})_o * o(node_j)

All edges of a cell are computed together, since most of what makes this fast is shared between
them (see `compute_mixed_operations`). The parameters of all operations of a cell lie stacked in a
few variables, a thousand fewer than one per kernel, which shortens both tracing and every update.

Reference: P-DARTS, sections 3.1 and 3.2.
"""

import functools

import keras
import tensorflow as tf

from pdarts_tf.layers.cell_plan import plan_cell
from pdarts_tf.layers.convolution import fan_in_uniform, join_phases
from pdarts_tf.layers.forms import KernelsAndNorms, compute, in_phases
from pdarts_tf.layers.normalization import (
    add_running_statistics,
    normalize_batch,
    normalize_moving,
    update_moving,
)
from pdarts_tf.layers.regularization import drop_elements, split_seed
from pdarts_tf.layers.source import SourceViews
from pdarts_tf.primitives import POOLS


@tf.custom_gradient
def weighted(x, weight):
    """Returns weight * x for a scalar weight, without what broadcasting costs in the gradient."""
    factor = tf.cast(weight, x.dtype)

    def gradient(dy):
        return factor * dy, tf.reduce_sum(tf.cast(dy * x, weight.dtype))

    return factor * x, gradient


class _BatchNorms:
    """The batch norms of a cell in training: they keep the statistics they normalized by."""

    def __init__(self, plan, channels, normalize):
        self._normalize = normalize
        self.means = [None] * plan.num_norms
        self.variances = [None] * plan.num_norms
        self.zeros = tf.zeros((channels,))
        self.ones = tf.ones((channels,))
        self._pools = {}

    def normalize(self, row, x, scale):
        y, self.means[row], self.variances[row] = self._normalize(x, scale, self.zeros)
        return y

    def pool(self, row, edge, primitive, views, weight, scale):
        """Returns a weighted pool; its norm is the same on every edge, so it is computed once."""
        del scale
        key = edge.source, primitive
        if key not in self._pools:
            self._pools[key] = self._normalize(_pooled(views, primitive), self.ones, self.zeros)
        y, self.means[row], self.variances[row] = self._pools[key]
        return weighted(y, weight)


class _MovingNorms:
    """The batch norms of a cell in inference: running statistics, each edge its own."""

    def __init__(self, mean, variance):
        self.means = tf.unstack(mean)
        self.variances = tf.unstack(variance)
        self.zeros = tf.zeros(mean.shape[1:])
        self.ones = tf.ones(mean.shape[1:])

    def normalize(self, row, x, scale):
        return normalize_moving(x, scale, self.zeros, self.means[row], self.variances[row])

    def pool(self, row, edge, primitive, views, weight, scale):
        del edge, weight
        return self.normalize(row, _pooled(views, primitive), scale)


def _stacked(rows, like):
    """Returns (norms, channels); a cell of nothing but skip-connects has no batch norms."""
    return tf.stack(rows) if rows else tf.zeros((0, *like.shape))


def _pooled(views, primitive):
    return compute(primitive, views, KernelsAndNorms())


class _Mixer:
    """Computes the weighted candidates of an edge, for given parameters of the cell."""

    def __init__(self, plan, weights, kernels, norms, dropout):
        channels = norms.ones.shape[0]
        self.norms = norms
        self.scalars = tf.unstack(tf.reshape(weights, (-1,)))
        self.scales = tf.unstack(tf.tile(tf.reshape(weights, (-1, 1)), (1, channels)))
        self.kernels = {
            kernel: tf.unstack(stack)
            for (kernel, _), stack in zip(plan.stacks, kernels, strict=True)
        }
        self.rate, self.seeds, self.first_image = None, {}, None
        if dropout is not None:
            self.rate, seed, self.first_image = dropout
            seeds = tf.unstack(split_seed(seed, len(plan.edges)))
            self.seeds = dict(zip(plan.edges, seeds, strict=True))

    def mix(self, edge, views):
        """Returns (pixels, phases): the weighted outputs, by how their pixels are laid out."""
        pixels: list[tf.Tensor] = []
        phases: list[tf.Tensor] = []
        for candidate in edge.candidates:
            name = candidate.primitive
            if name == "none":  # only takes part in the softmax
                continue
            if name in POOLS:
                pixels.append(self._pool(edge, candidate, views))
            elif not candidate.norms:
                pixels.append(self._identity(edge, candidate, views))
            else:
                outputs = phases if in_phases(name, views) else pixels
                outputs.append(self._operation(candidate, views))
        return pixels, phases

    def _pool(self, edge, candidate, views):
        (row,) = candidate.norms
        weight = self.scalars[candidate.weight], self.scales[candidate.weight]
        return self.norms.pool(row, edge, candidate.primitive, views, *weight)

    def _identity(self, edge, candidate, views):
        x = views.x
        if self.rate is not None:
            x = drop_elements(x, self.rate, self.seeds[edge], self.first_image)
        return weighted(x, self.scalars[candidate.weight])

    def _operation(self, candidate, views):
        """The weight goes in as the scale of the last batch norm, so that no copy is made."""
        scales = [self.norms.ones] * len(candidate.norms)
        scales[-1] = self.scales[candidate.weight]
        norms = [
            functools.partial(self.norms.normalize, row, scale=scale)
            for row, scale in zip(candidate.norms, scales, strict=True)
        ]
        kernels = [self.kernels[kernel][index] for kernel, index in candidate.kernels]
        return compute(candidate.primitive, views, KernelsAndNorms(kernels, norms))


def compute_mixed_operations(
    plan,
    differentiate,
    inputs,
    weights,
    kernels,
    statistics=None,
    dropout=None,
    normalize=normalize_batch,
):
    """Computes all edges and nodes of a cell; pure, so that equal cells share one trace.

    Exact, and what makes it fast: `none` is not computed; what depends on the source node alone is
    computed once (`SourceViews`); the weight of a candidate that ends in a batch norm is that
    norm's scale; dilated convolutions stay in phases, batch norm included, until all of them that
    lead to a node have been added up.

    Args:
        plan: the `CellPlan`.
        differentiate: "weights" or "architecture" if only the gradient for one of the two will be
            asked for (the other is not computed then), else "all".
        inputs: the two preprocessed inputs, (batch, height, width, channels) each.
        weights: (edges, candidates), each row summing to one.
        kernels: per stack of the plan, (count, *shape of the kernel).
        statistics: None in training, else running (mean, variance), each (norms, channels).
        dropout: None, or (rate, seed, first_image) of the dropout after skip-connects of stride 1:
            a scalar, two int32, and see `drop_elements`.
        normalize: what batch norms do in training, as `normalize_batch`.

    Returns:
        (nodes, mean, variance): the intermediate nodes concatenated, (batch, height, width,
        nodes * channels); the statistics of the batch, (norms, channels) each, or None.
    """
    if differentiate == "architecture":
        kernels = [tf.stop_gradient(stack) for stack in kernels]
    elif differentiate == "weights":
        weights = tf.stop_gradient(weights)
    training = statistics is None
    norms = (
        _BatchNorms(plan, inputs[0].shape[-1], normalize) if training else _MovingNorms(*statistics)
    )
    mixer = _Mixer(plan, weights, kernels, norms, dropout)
    nodes = list(inputs)
    views = [SourceViews(x, plan.edges[0].stride) for x in inputs]
    for target in range(2, plan.num_nodes + 2):
        terms = [mixer.mix(edge, views[edge.source]) for edge in plan.edges_to(target)]
        pixels = [y for pixels, _ in terms for y in pixels]
        phases = [y for _, phases in terms for y in phases]
        if phases:
            pixels.append(join_phases(tf.add_n(phases)))
        nodes.append(tf.add_n(pixels))
        views.append(SourceViews(nodes[-1], 1))
    output = tf.concat(nodes[2:], -1)
    if training:
        return output, _stacked(norms.means, norms.zeros), _stacked(norms.variances, norms.zeros)
    return output, None, None


@keras.saving.register_keras_serializable("pdarts_tf")
class MixedOperations(keras.layers.Layer):
    """The mixed operations on all edges of one cell, and the nodes they lead to.

    Args:
        candidates: per edge the names of its candidate operations.
        reduction: whether edges from the two inputs have stride 2.
        compute: `compute_mixed_operations`, or a tf.function of it that several cells share.
        seed: of the kernels' initialization.
    """

    def __init__(self, candidates, reduction, compute=compute_mixed_operations, seed=0, **kwargs):
        super().__init__(autocast=False, **kwargs)  # weights and rates stay as exact as they are
        self.plan = plan_cell(candidates, reduction)
        self.compute = compute
        self.seed = seed

    def build(self, input_shape):
        """Creates the stacked kernels and running statistics."""
        channels = input_shape[-1]
        self.kernels = []
        for i, (kernel, count) in enumerate(self.plan.stacks):
            self.kernels.append(
                self.add_weight(
                    shape=(count, *kernel.shape(channels)),
                    initializer=fan_in_uniform(kernel.fan_in(channels), self.seed + i),
                    name=f"{kernel.kind}_{kernel.size}",
                )
            )
        add_running_statistics(self, (self.plan.num_norms, channels))

    def call(self, inputs, weights, dropout=None, training=False, differentiate="all"):
        """Returns the concatenated nodes; see `compute_mixed_operations` for the arguments.

        In training it also updates the running statistics.
        """
        kernels = [tf.cast(stack, inputs[0].dtype) for stack in self.kernels]
        if not training:
            statistics = [tf.convert_to_tensor(s) for s in (self.moving_mean, self.moving_variance)]
            output, _, _ = self.compute(
                self.plan, differentiate, inputs, weights, kernels, statistics
            )
            return output
        output, mean, variance = self.compute(
            self.plan, differentiate, inputs, weights, kernels, None, dropout
        )
        update_moving(self.moving_mean, mean)
        update_moving(self.moving_variance, variance)
        return output
