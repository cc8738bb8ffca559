"""The batch norms of a supernet's cell, by the batch in training and by running statistics."""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from pdarts_tf.layers.cell_plan import Candidate, CellPlan, Edge
from pdarts_tf.layers.forms import KernelsAndNorms, compute
from pdarts_tf.layers.normalization import Normalize, Normalized, normalize_moving
from pdarts_tf.layers.source import SourceViews


class Weight(NamedTuple):
    """The weight of a candidate, in two forms.

    Args:
        scalar: The weight itself.
        scale: The same for every channel, (channels,): the scale of a batch norm.
    """

    scalar: tf.Tensor
    scale: tf.Tensor


@tf.custom_gradient
def weighted(
    x: tf.Tensor, weight: tf.Tensor
) -> tuple[tf.Tensor, Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]]:
    """Returns weight * x for a scalar weight, without what broadcasting costs in the gradient."""
    factor = tf.cast(weight, x.dtype)

    def gradient(dy: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return factor * dy, tf.reduce_sum(tf.cast(dy * x, weight.dtype))

    return factor * x, gradient


class BatchNorms:
    """The batch norms of a cell in training: they keep the statistics they normalized by.

    Args:
        plan: Plan of the cell.
        channels: Channels of its nodes.
        normalize: Normalization by the batch, see `normalization.training_normalization`.
    """

    def __init__(self, plan: CellPlan, channels: int, normalize: Normalize) -> None:
        self._normalize = normalize
        self._means: list[tf.Tensor] = [None] * plan.num_norms
        self._variances: list[tf.Tensor] = [None] * plan.num_norms
        self._zeros = tf.zeros((channels,))
        self.ones = tf.ones((channels,))
        self._pools: dict[tuple[int, str], Normalized] = {}

    def normalize(self, row: int, x: tf.Tensor, scale: tf.Tensor) -> tf.Tensor:
        """Returns x normalized by the batch norm of that row, and scaled."""
        y, self._means[row], self._variances[row] = self._normalize(x, scale, self._zeros)
        return y

    def pool(
        self, edge: Edge, candidate: Candidate, views: SourceViews, weight: Weight
    ) -> tf.Tensor:
        """Returns a weighted pool; its norm is the same on every edge, so it is computed once."""
        key = edge.source, candidate.primitive
        if key not in self._pools:
            pooled = _pooled(views, candidate.primitive)
            self._pools[key] = self._normalize(pooled, self.ones, self._zeros)
        (row,) = candidate.norms
        y, self._means[row], self._variances[row] = self._pools[key]
        return weighted(y, weight.scalar)

    def statistics(self) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns mean and variance of the batch, (norms, channels) each."""
        return self._stacked(self._means), self._stacked(self._variances)

    def _stacked(self, rows: list[tf.Tensor]) -> tf.Tensor:
        # A cell of nothing but skip-connects has no batch norms.
        return tf.stack(rows) if rows else tf.zeros((0, *self._zeros.shape))


class MovingNorms:
    """The batch norms of a cell in inference: running statistics, each edge its own.

    Args:
        mean, variance: (norms, channels).
    """

    def __init__(self, mean: tf.Tensor, variance: tf.Tensor) -> None:
        self._means = tf.unstack(mean)
        self._variances = tf.unstack(variance)
        self._zeros = tf.zeros(mean.shape[1:])
        self.ones = tf.ones(mean.shape[1:])

    def normalize(self, row: int, x: tf.Tensor, scale: tf.Tensor) -> tf.Tensor:
        """Returns x normalized by the batch norm of that row, and scaled."""
        return normalize_moving(x, scale, self._zeros, self._means[row], self._variances[row])

    def pool(
        self, edge: Edge, candidate: Candidate, views: SourceViews, weight: Weight
    ) -> tf.Tensor:
        """Returns a weighted pool."""
        del edge
        (row,) = candidate.norms
        return self.normalize(row, _pooled(views, candidate.primitive), weight.scale)


def _pooled(views: SourceViews, primitive: str) -> tf.Tensor:
    return compute(primitive, views, KernelsAndNorms())
