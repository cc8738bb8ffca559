"""Tensors of equal shape as one, for computations that treat all elements alike."""

from collections.abc import Sequence

import tensorflow as tf


class EqualShapes:
    """Stacks the tensors of each shape, so that one operation does for all of them.

    A step's time goes into starting operations where there are hundreds of small tensors.

    Args:
        shapes: Shape of each tensor.

    Example:

    >>> shapes = EqualShapes([(2,), (3,), (2,)])
    >>> stacks = shapes.stack([tf.zeros(2), tf.ones(3), tf.ones(2)])
    >>> [tuple(stack.shape) for stack in stacks]
    [(2, 2), (3,)]
    >>> [tuple(tensor.shape) for tensor in shapes.unstack(stacks)]
    [(2,), (3,), (2,)]
    """

    def __init__(self, shapes: Sequence[Sequence[int]]) -> None:
        self._groups: dict[tuple[int, ...], list[int]] = {}
        for index, shape in enumerate(shapes):
            self._groups.setdefault(tuple(shape), []).append(index)
        self._count = len(shapes)

    def stack(self, tensors: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        """Returns a tensor (count, *shape) per shape; a tensor alone of its shape as it is."""
        return [
            tf.stack([tensors[i] for i in group]) if len(group) > 1 else tensors[group[0]]
            for group in self._groups.values()
        ]

    def unstack(self, stacks: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        """Returns the tensors of stacks, in the order of the shapes."""
        tensors: list[tf.Tensor] = [None] * self._count
        for group, stack in zip(self._groups.values(), stacks, strict=True):
            for i, tensor in zip(
                group, tf.unstack(stack) if len(group) > 1 else [stack], strict=True
            ):
                tensors[i] = tensor
        return tensors
