"""The second-order gradient of the alphas: through one step of the weights.

The alphas shall lower the validation loss of the weights that a training step leads to,

    w' = w - xi (momentum velocity + grad_w L_train(w, alpha) + l2 w)

whose dependence on alpha adds a second term to the gradient:

    grad_alpha L_valid(w', alpha) - xi d(grad_alpha L_train(w, alpha))/dw grad_w' L_valid(w', alpha)

Reference: DARTS (arXiv 1806.09055), section 2.3, equations 7 and 8, and `Architect` of its official
code, which leaves clipping out of that step too.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import keras
import tensorflow as tf

from pdarts_tf.layers import pure, replicas
from pdarts_tf.training.optimizers import MomentumSGD

Tensors = Sequence[tf.Tensor]

Loss = Callable[[Tensors, Tensors, str], tuple[tf.Tensor, tf.Tensor]]
"""A pure function of (weights, alphas, differentiate) that returns (loss, logits) of a batch.

`differentiate` names the gradient that will be asked for, see `compute_mixed_operations`. Its
random numbers are the same in every call.
"""

PERTURBATION = 0.01
"""Norm of the step by which finite differences move the weights (DARTS, section 2.3)."""


class ArchGradient(NamedTuple):
    """A gradient of the alphas, and what was measured on the way.

    Args:
        gradients: One tensor per variable; under a strategy, those of the replica's own images.
        loss, logits: Of the batch for the alphas.
    """

    gradients: Tensors
    loss: tf.Tensor
    logits: tf.Tensor


class SearchedNetwork(Protocol):
    """A Keras model of two groups of variables, the weights and the alphas."""

    variables: list[keras.Variable]
    trainable_variables: list[keras.Variable]
    arch_variables: list[keras.Variable]
    forward_passes: keras.Variable


def prepare(dtype: str, weight_optimizer: keras.optimizers.Optimizer) -> None:
    """Makes TensorFlow compute in exact float32 (no TF32), in the whole process.

    Args:
        dtype: Dtype that the network computes in.
        weight_optimizer: Optimizer of its weights.

    Raises:
        ValueError: If the second order does not fit one of them.
    """
    if dtype != "float32":
        raise ValueError(
            "The second order needs dtype float32, since finite differences vanish in the rounding "
            f"of 16 bits. Received: {dtype!r}"
        )
    if not isinstance(weight_optimizer, MomentumSGD):
        raise ValueError(
            "The second order needs a MomentumSGD, whose step it differentiates. Received: "
            f"{weight_optimizer!r}"
        )
    # TF32, the default of GPUs that have it, rounds kernels to 10 bits, which loses most of what
    # finite differences move them by: with it the second term of a network of 3 cells and 4
    # channels was wrong by a third, in float32 by 1e-5.
    tf.config.experimental.enable_tensor_float_32_execution(False)


def pure_loss(
    network: SearchedNetwork,
    objective: Callable[[tf.Tensor, tf.Tensor], tf.Tensor],
    images: tf.Tensor,
    labels: tf.Tensor,
) -> Loss:
    """Returns the loss of a training pass as a pure function of weights and alphas.

    It counts as one pass, however often it is called: dropout has the same masks every time.

    No running statistics move. Of the four passes of a step only the first has the weights of the
    network, and it measures what the weight step is about to measure again, the same images with
    the same weights. (The official code counts that batch four times, twice of them at perturbed
    weights, which makes its running statistics averages over a quarter as many batches.)

    Args:
        network: Built network.
        objective: Function of (labels, logits).
        images, labels: The batch.
    """
    state = {id(v): tf.convert_to_tensor(v.value) for v in network.variables}
    moved = [id(v) for v in (*network.trainable_variables, *network.arch_variables)]
    network.forward_passes.assign_add(1)

    def loss(weights: Tensors, alphas: Tensors, differentiate: str) -> tuple[tf.Tensor, tf.Tensor]:
        values = state | dict(zip(moved, (*weights, *alphas), strict=True))
        options = {"training": True, "differentiate": differentiate}
        logits, _ = pure.call(network, list(values.values()), images, **options)
        return objective(labels, logits), logits

    return loss


def arch_gradient(
    train: Loss,
    valid: Loss,
    weights: Tensors,
    alphas: Tensors,
    *,
    unroll: Callable[[Tensors], Tensors],
    learning_rate: tf.Tensor,
) -> ArchGradient:
    """Computes the gradient of the alphas in second order.

    It takes four passes, one after the other: one with the gradient of the weights, one with both,
    and two with the gradient of the alphas. Under a strategy, every gradient that others are
    computed from is the mean over the replicas, that of the global batch.

    Args:
        train, valid: Losses of the batch for the weights, and of the batch for the alphas.
        weights, alphas: Values at which the gradient is computed.
        unroll: Returns the weights w' after a step along the given gradients.
        learning_rate: Learning rate xi of that step, a scalar.

    Returns:
        The gradient; loss and logits are those of `valid` at w'.
    """
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(weights)
        loss, _ = train(weights, alphas, "weights")
    unrolled = unroll(replicas.mean(tape.gradient(loss, weights)))
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch([unrolled, alphas])
        loss, logits = valid(unrolled, alphas, "all")
    direct, vector = tape.gradient(loss, [alphas, unrolled])
    products = mixed_derivative(train, weights, alphas, replicas.mean(vector))
    gradients = [d - learning_rate * p for d, p in zip(direct, products, strict=True)]
    return ArchGradient(gradients, loss, logits)


def mixed_derivative(
    loss: Loss, weights: Tensors, alphas: Tensors, vector: Tensors
) -> list[tf.Tensor]:
    """Computes d(grad_alpha loss)/dw times a vector v, by central finite differences.

        (grad_alpha loss(w + eps v, alpha) - grad_alpha loss(w - eps v, alpha)) / (2 eps)

    Args:
        loss: Function to differentiate.
        weights, alphas: Values at which it is differentiated.
        vector: One tensor per weight, of its shape.

    Returns:
        One tensor per tensor of `alphas`; zeros if the vector is 0.

    Example:

    >>> product = lambda weights, alphas, _: (weights[0] * alphas[0], weights[0])
    >>> w, alpha, v = (tf.constant([value]) for value in (3.0, 4.0, 0.5))
    >>> [round(float(each[0]), 3) for each in mixed_derivative(product, [w], [alpha], [v])]
    [0.5]
    """
    norm = tf.linalg.global_norm(vector)
    epsilon = tf.math.divide_no_nan(tf.constant(PERTURBATION, norm.dtype), norm)
    plus = _arch_gradients(loss, _moved(weights, epsilon, vector), alphas)
    # One after the other, so that memory has to hold the activations of one pass only.
    with tf.control_dependencies(plus):
        minus = _arch_gradients(loss, _moved(weights, -epsilon, vector), alphas)
    return [
        tf.math.divide_no_nan(after - before, 2.0 * epsilon)
        for after, before in zip(plus, minus, strict=True)
    ]


def _moved(weights: Tensors, distance: tf.Tensor, direction: Tensors) -> list[tf.Tensor]:
    return [w + distance * v for w, v in zip(weights, direction, strict=True)]


def _arch_gradients(loss: Loss, weights: Tensors, alphas: Tensors) -> Tensors:
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(alphas)
        value, _ = loss(weights, alphas, "architecture")
    gradients: Tensors = tape.gradient(value, alphas)
    return gradients
