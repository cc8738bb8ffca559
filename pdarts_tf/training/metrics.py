"""Means over an epoch of values that all replicas agree on."""

from collections.abc import Iterable, Mapping
from typing import Any

import keras
import tensorflow as tf

from pdarts_tf.layers import replicas


class RunningMean(keras.metrics.Mean):
    """A mean that is given the same values on every replica.

    Keras' own keeps what each replica has seen, and asks all of them when it is read: a chief that
    writes a checkpoint would wait for workers that do not.
    """

    def add_variable(
        self,
        shape: tuple[int, ...],
        initializer: Any,
        dtype: str | None = None,
        aggregation: str | None = None,
        name: str | None = None,
    ) -> keras.Variable:
        """Creates a variable of which every replica holds the same value."""
        del aggregation
        with keras.name_scope(self.name):
            return keras.Variable(
                initializer,
                shape,
                dtype,
                trainable=False,
                aggregation="only_first_replica",
                name=name,
            )


def running_means(names: Iterable[str]) -> dict[str, RunningMean]:
    """Returns {name: RunningMean}."""
    return {name: RunningMean(name=name) for name in names}


def update(means: Mapping[str, RunningMean], measured: Mapping[str, tf.Tensor]) -> None:
    """Updates means with the values of a step.

    Args:
        means: Means from `running_means`.
        measured: The replica's own values by name, scalars or (batch,).
    """
    if replicas.count() > 1:
        scalars = [tf.reduce_mean(tf.cast(value, tf.float32)) for value in measured.values()]
        measured = dict(zip(measured, replicas.mean(scalars), strict=True))
    for name, value in measured.items():
        means[name].update_state(value)


def update_weighted(
    means: Mapping[str, RunningMean], measured: Mapping[str, tf.Tensor], weights: tf.Tensor
) -> None:
    """Updates means with the values of a step, of which some count more than others.

    Args:
        means: Means from `running_means`.
        measured: The replica's own values by name, (batch,).
        weights: Weights of the values, (batch,).
    """
    if replicas.count() > 1:
        values = tf.stack([tf.cast(value, tf.float32) for value in measured.values()])
        sums = replicas.total(tf.linalg.matvec(values, weights))
        weights = replicas.total(tf.reduce_sum(weights))
        measured = dict(
            zip(measured, tf.unstack(tf.math.divide_no_nan(sums, weights)), strict=True)
        )
    for name, value in measured.items():
        means[name].update_state(value, weights)
