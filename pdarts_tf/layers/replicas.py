"""The replicas among which a global batch is divided, as a step sees them.

Replica r computes images r * n to (r + 1) * n - 1 of the batch. With one replica nothing here adds
an operation to a graph.
"""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf


def count() -> int:
    """Returns the number of replicas that run the present step."""
    in_step = tf.distribute.get_replica_context() is not None
    return tf.distribute.get_strategy().num_replicas_in_sync if in_step else 1


def index() -> tf.Tensor:
    """Returns the number of the present replica, a scalar int32, counted over all workers."""
    return tf.convert_to_tensor(
        tf.distribute.get_replica_context().replica_id_in_sync_group, tf.int32
    )


def first_image(images: tf.Tensor) -> tf.Tensor | None:
    """Returns the place of the first of a replica's images in the global batch.

    Args:
        images: (batch, ...), the replica's own.

    Returns:
        A scalar int32; None if there is one replica.
    """
    return None if count() == 1 else index() * tf.shape(images)[0]


def total(values: Any) -> Any:
    """Returns the sum over the replicas; its gradient is the sum over their gradients.

    Args:
        values: a tensor, whose shape is the same on all replicas, or a structure of such tensors.
    """
    if count() == 1:
        return values
    return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, values)


def mean(tensors: Sequence[tf.Tensor]) -> Sequence[tf.Tensor]:
    """Returns the means over the replicas of float32 tensors, sent as one vector."""
    if count() == 1:
        return tensors
    flat = total(tf.concat([tf.reshape(each, (-1,)) for each in tensors], 0)) / count()
    parts = tf.split(flat, [tf.size(each) for each in tensors], num=len(tensors))
    return [tf.reshape(part, tf.shape(each)) for part, each in zip(parts, tensors, strict=True)]


def gather(x: tf.Tensor) -> tf.Tensor:
    """Returns the tensors of all replicas, (replicas, *shape of x), in their order."""
    return total(tf.one_hot(index(), count(), dtype=x.dtype)[(..., *[None] * len(x.shape))] * x)
