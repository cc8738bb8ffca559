"""Means over parts of a batch that are computed one after the other, to fit into less memory."""

from collections.abc import Callable, Sequence

import tensorflow as tf


def mean_over_parts(
    function: Callable[[tf.Tensor], list[tf.Tensor]], num_parts: int, like: Sequence[tf.Tensor]
) -> list[tf.Tensor]:
    """Returns the means of what a function returns for each part; only one part is in memory.

    Args:
        function: of the number of a part, a scalar int32; returns a list of tensors. It moves no
            variable.
        num_parts: number of parts.
        like: tensors of the same shapes and types as those that the function returns.

    Returns:
        A list of tensors. Of integers, which count what has happened, it has those of the last
        part.
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
