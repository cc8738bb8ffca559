"""Layers as pure functions of tensors, which can be compiled, or computed again for the gradient.

A layer's variables go in as tensors and come out as what they shall become, so that running
statistics move once however often the function runs.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf


def call(
    layer: keras.layers.Layer, state: Sequence[tf.Tensor], *inputs: Any, **options: Any
) -> tuple[Any, list[tf.Tensor]]:
    """Calls a layer with other values in the place of its variables, and moves none of them.

    Args:
        layer: a built Keras layer.
        state: One tensor per variable of `layer.variables`.
        *inputs: Inputs of the layer.
        **options: Further arguments of its call, which are no tensors.

    Returns:
        (outputs, state): the outputs of the layer, and the new values of its variables.
    """
    mapping = list(zip(layer.variables, state, strict=True))
    with keras.StatelessScope(state_mapping=mapping) as scope:
        outputs = layer(*inputs, **options)
    return outputs, [scope.get_current_value(variable) for variable in layer.variables]


def call_wrapped(
    wrap: Callable[[Callable[..., Any]], Callable[..., Any]],
    layer: keras.layers.Layer,
    *inputs: Any,
    **options: Any,
) -> Any:
    """Calls a layer through a wrapped pure function, and then updates its variables.

    Args:
        wrap: Takes a pure function of tensors and returns another, such as `rematerialized`.
        layer, *inputs, **options: See `call`.

    Returns:
        The outputs of the layer.
    """
    variables = layer.variables
    moving = [i for i, variable in enumerate(variables) if not variable.trainable]

    def run(state: list[tf.Tensor], inputs: Any) -> tuple[Any, list[tf.Tensor]]:
        outputs, after = call(layer, state, *inputs, **options)
        return outputs, [after[i] for i in moving]

    state = [tf.convert_to_tensor(variable.value) for variable in variables]
    outputs, after = wrap(run)(state, inputs)
    for i, value in zip(moving, after, strict=True):
        variables[i].assign(value)
    return outputs


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Returns the same function, compiled by XLA."""
    return tf.function(function, jit_compile=True, autograph=False)


def rematerialized(function: Callable[..., Any]) -> Callable[..., Any]:
    """Returns a function that stores only its arguments, and is recomputed in the backward pass.

    `tf.recompute_grad` takes no function with variables that move; this one takes none at all.

    Args:
        function: Pure function of structures of tensors that returns (outputs, others): a tensor
            and a list of tensors without a gradient. Its random numbers follow from its arguments.

    Reference: Chen, Xu, Zhang, Guestrin, "Training Deep Nets with Sublinear Memory Cost" (arXiv
    1604.06174).
    """

    @functools.wraps(function)
    def run(*arguments: Any) -> tuple[tf.Tensor, list[tf.Tensor]]:
        leaves = tf.nest.flatten(arguments)

        def from_tensors(*tensors: tf.Tensor) -> tuple[tf.Tensor, list[tf.Tensor]]:
            given = iter(tensors)
            filled = [None if leaf is None else next(given) for leaf in leaves]
            return function(*tf.nest.pack_sequence_as(arguments, filled))

        @tf.custom_gradient
        def run_twice(*tensors: tf.Tensor) -> tuple[tuple[tf.Tensor, ...], Callable[..., Any]]:
            outputs, others = from_tensors(*tensors)

            def gradient(upstream: tf.Tensor, *of_others: tf.Tensor) -> list[tf.Tensor | None]:
                del of_others
                return _gradient_again(from_tensors, tensors, upstream)

            return (outputs, *others), gradient

        outputs, *others = run_twice(*(leaf for leaf in leaves if leaf is not None))
        return outputs, others

    return run


def _gradient_again(
    function: Callable[..., Any], tensors: Sequence[tf.Tensor], upstream: tf.Tensor
) -> list[tf.Tensor | None]:
    """Returns the gradient with respect to the arguments of a function that now runs again."""
    # Without this it would run at once, with the forward pass, and everything would be kept.
    with tf.control_dependencies([upstream]):
        tensors = [tf.identity(tensor) for tensor in tensors]
    floating = [tensor for tensor in tensors if tensor.dtype.is_floating]
    with tf.GradientTape() as tape:
        tape.watch(floating)
        outputs, _ = function(*tensors)
    gradients = iter(tape.gradient(outputs, floating, output_gradients=upstream))
    return [next(gradients) if tensor.dtype.is_floating else None for tensor in tensors]
