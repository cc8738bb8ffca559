"""Means over an epoch of values that all replicas agree on."""

import keras
import tensorflow as tf

from pdarts_tf.layers import replicas


class RunningMean(keras.metrics.Mean):
    """A mean that is given the same values on every replica.

    Keras' own keeps what each replica has seen, and asks all of them when it is read: a chief that
    writes a checkpoint would wait for workers that do not.
    """

    def add_variable(self, shape, initializer, dtype=None, aggregation=None, name=None):
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


def running_means(names):
    """Returns {name: RunningMean}."""
    return {name: RunningMean(name=name) for name in names}


def update(means, measured):
    """Takes the values of a step in.

    Args:
        means: from `running_means`.
        measured: {name: scalar, or (batch,) of which all count}, a replica's own.
    """
    if replicas.count() > 1:
        scalars = [tf.reduce_mean(tf.cast(value, tf.float32)) for value in measured.values()]
        measured = dict(zip(measured, replicas.mean(scalars), strict=True))
    for name, value in measured.items():
        means[name].update_state(value)


def update_weighted(means, measured, weights):
    """Takes the values of a step in that do not count alike.

    Args:
        means: from `running_means`.
        measured: {name: (batch,)}, a replica's own.
        weights: (batch,).
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
