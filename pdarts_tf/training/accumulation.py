"""Means over parts of a batch that are computed one after the other, to fit into less memory."""

from collections.abc import Callable, Sequence

import tensorflow as tf


def mean_over_parts(
    function: Callable[[tf.Tensor], list[tf.Tensor]], num_parts: int, like: Sequence[tf.Tensor]
) -> list[tf.Tensor]:
    """Returns the means of a function over the parts, of which only one is in memory at a time.

    Args:
        function: Function of the index of a part, a scalar int32, that returns a list of tensors
            and assigns no variable.
        num_parts: Number of parts.
        like: Tensors of the same shapes and types as those that the function returns.

    Returns:
        A list of tensors. Integers, which are counters, are those of the last part.
    """

    def body(part: tf.Tensor, means: list[tf.Tensor]) -> tuple[tf.Tensor, list[tf.Tensor]]:
        values = function(part)
        return part + 1, [
            mean + value / num_parts if value.dtype.is_floating else value
            for mean, value in zip(means, values, strict=True)
        ]

    _, means = tf.while_loop(
        lambda part, _: part < num_parts,
        body,
        (tf.zeros((), tf.int32), [tf.zeros_like(each) for each in like]),
        parallel_iterations=1,
        maximum_iterations=num_parts,
    )
    return means
