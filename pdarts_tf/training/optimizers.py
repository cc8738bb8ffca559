"""Optimizers with PyTorch's conventions, which the published settings assume.

Both clip the gradient to a global norm first and then add L2 times the weight to it. Keras'
`weight_decay` is decoupled from the gradient instead, and its SGD folds the learning rate into the
momentum, which differs once the learning rate changes.
"""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from pdarts_tf.layers import replicas
from pdarts_tf.training.equal_shapes import EqualShapes
from pdarts_tf.training.loss_scale import LossScale


def clip_by_global_norm(
    gradients: Sequence[tf.Tensor], limit: float
) -> tuple[list[tf.Tensor], tf.Tensor]:
    """Scales gradients down so that their global norm is at most `limit`.

    Returns:
        (gradients, norm): norm is the one before clipping, a scalar.
    """
    norm = tf.linalg.global_norm(gradients)
    scale = tf.minimum(limit / (norm + 1e-6), 1.0)  # PyTorch's epsilon
    return [gradient * scale for gradient in gradients], norm


def _bias_correction(beta: float, step: tf.Tensor) -> tf.Tensor:
    """Returns 1 - beta^step; in float32 its first steps would be wrong in the sixth digit."""
    return tf.cast(1.0 - tf.pow(tf.constant(beta, tf.float64), step), tf.float32)


class TorchOptimizer(keras.optimizers.Optimizer):
    """An optimizer with gradient clipping, an L2 penalty in the gradient, and loss scaling.

    Args:
        learning_rate: Initial learning rate; the attribute can be set.
        l2: Factor of the L2 penalty: l2 * w is added to the gradient of w.
        clip_norm: Maximum global norm of the gradient.
        name: Prefix of its variables in a checkpoint.
    """

    def __init__(self, learning_rate: float, *, l2: float, clip_norm: float, name: str) -> None:
        super().__init__(learning_rate=learning_rate, name=name)
        self.l2 = l2
        self.clip_norm = clip_norm
        self._loss_scale: LossScale | None = None
        self._finite: tf.Tensor | None = None

    def use_loss_scale(self) -> None:
        """Lets `scale_loss` scale; steps whose gradients overflow are then left out."""
        with keras.name_scope(self.name):
            self._loss_scale = LossScale()

    @property
    def variables(self) -> list[keras.Variable]:
        """All state, that of the loss scale included."""
        return super().variables + (self._loss_scale.variables if self._loss_scale else [])

    def scale_loss(self, loss: tf.Tensor) -> tf.Tensor:
        """Returns the loss to differentiate; `clip_and_apply` undoes the scaling."""
        return loss if self._loss_scale is None else loss * self._loss_scale.scale

    def clip_and_apply(
        self, gradients: Sequence[tf.Tensor], variables: Sequence[keras.Variable]
    ) -> tf.Tensor:
        """Clips the gradients, updates the variables, and returns the norm before clipping.

        Under a strategy, what is clipped is the mean over the replicas, the gradient of the global
        batch, so that every replica takes the same step.
        """
        shapes = EqualShapes([variable.shape for variable in variables])
        stacks = shapes.stack(replicas.mean(gradients))
        if self._loss_scale is None:
            clipped, norm = clip_by_global_norm(stacks, self.clip_norm)
            self._apply_stacks(shapes, clipped, variables)
            return norm
        stacks = [stack / self._loss_scale.scale for stack in stacks]
        clipped, norm = clip_by_global_norm(stacks, self.clip_norm)
        finite = tf.math.is_finite(norm)
        self._loss_scale.update(finite)
        self._finite = finite
        self._apply_stacks(shapes, clipped, variables)  # all replicas together
        self._finite = None
        self.iterations.assign_sub(tf.cast(~finite, self.iterations.dtype))
        # At the smallest scale it is not the scale that makes gradients infinite.
        shown = finite | (self._loss_scale.scale <= 1.0)
        return tf.where(shown, norm, 0.0)

    def apply(
        self,
        grads: Sequence[tf.Tensor],
        trainable_variables: Sequence[keras.Variable] | None = None,
    ) -> None:
        """Updates the variables by gradients as they are, not clipped; see Keras' `apply`."""
        variables = trainable_variables
        if variables is None:
            if not self.built:
                raise ValueError("An optimizer that is not built needs `trainable_variables`.")
            variables = self._trainable_variables
        shapes = EqualShapes([variable.shape for variable in variables])
        self._apply_stacks(shapes, shapes.stack(grads), variables)

    def _apply_stacks(
        self, shapes: EqualShapes, gradients: list[tf.Tensor], variables: Sequence[keras.Variable]
    ) -> None:
        weights = shapes.stack([tf.convert_to_tensor(variable.value) for variable in variables])
        penalized = [g + self.l2 * w for g, w in zip(gradients, weights, strict=True)]
        super().apply(shapes.unstack(penalized), variables)

    def unless_overflow(self, value: Any, otherwise: Any) -> Any:
        """Returns a value; the other one where the gradients of this step have overflowed."""
        return value if self._finite is None else tf.where(self._finite, value, otherwise)

    def _all_reduce_sum_gradients(self, grads_and_vars: Any) -> Any:
        # Keras would now add up over the replicas what they have agreed on before clipping.
        return grads_and_vars

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        config = super().get_config()
        kept = {key: config[key] for key in ("name", "learning_rate")}
        return {**kept, "l2": self.l2, "clip_norm": self.clip_norm}


@keras.saving.register_keras_serializable("pdarts_tf")
class MomentumSGD(TorchOptimizer):
    """SGD with momentum: v <- momentum v + (g + l2 w); w <- w - learning_rate v.

    Args:
        learning_rate: Initial learning rate; the attribute can be set.
        momentum: Momentum, in [0, 1).
        l2: Factor of the L2 penalty: l2 * w is added to the gradient.
        clip_norm: Maximum global norm of the gradient.
        name: Prefix of its variables in a checkpoint.
    """

    def __init__(
        self,
        learning_rate: float,
        *,
        momentum: float = 0.9,
        l2: float = 3e-4,
        clip_norm: float = 5.0,
        name: str = "weights",
    ) -> None:
        super().__init__(learning_rate, l2=l2, clip_norm=clip_norm, name=name)
        self.momentum = momentum

    def build(self, variables: Sequence[keras.Variable]) -> None:
        """Creates one velocity per variable."""
        if not self.built:
            super().build(variables)
            self.velocities = self.add_optimizer_variables(variables, "velocity")

    def _backend_update_step(
        self, grads: Any, trainable_variables: Any, learning_rate: tf.Tensor
    ) -> None:
        # Once per step, not once per variable: with these two a step changes nothing.
        self._step_momentum = tf.convert_to_tensor(self.unless_overflow(self.momentum, 1.0))
        learning_rate = self.unless_overflow(learning_rate, 0.0)
        super()._backend_update_step(grads, trainable_variables, learning_rate)

    def update_step(
        self, gradient: tf.Tensor, variable: tf.Variable, learning_rate: tf.Tensor
    ) -> None:
        """Updates one variable by a gradient that contains the L2 penalty."""
        # One kernel instead of six; its momentum is PyTorch's.
        tf.raw_ops.ResourceApplyMomentum(
            var=variable.handle,
            accum=self._velocity(variable).value.handle,
            lr=learning_rate,
            grad=self.unless_overflow(gradient, 0.0),
            momentum=self._step_momentum,
        )

    def unrolled(
        self, gradients: Sequence[tf.Tensor], variables: Sequence[keras.Variable]
    ) -> list[tf.Tensor]:
        """Returns what a step without clipping would make of the variables; updates nothing."""
        learning_rate = tf.convert_to_tensor(self.learning_rate)
        return [
            variable
            - learning_rate
            * (self.momentum * self._velocity(variable) + gradient + self.l2 * variable)
            for gradient, variable in zip(gradients, variables, strict=True)
        ]

    def _velocity(self, variable: keras.Variable | tf.Variable) -> keras.Variable:
        return self.velocities[self._get_variable_index(variable)]

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "momentum": self.momentum}


@keras.saving.register_keras_serializable("pdarts_tf")
class AdamL2(TorchOptimizer):
    """Adam on the gradient g + l2 w, with epsilon where PyTorch adds it.

    Args:
        learning_rate: Learning rate, constant during a stage.
        beta_1, beta_2: Decay rates of the two moments.
        epsilon: Term added to the root of the bias-corrected second moment.
        l2: Factor of the L2 penalty: l2 * w is added to the gradient.
        clip_norm: Maximum global norm of the gradient.
        name: Prefix of its variables in a checkpoint.
    """

    def __init__(
        self,
        learning_rate: float = 6e-4,
        *,
        beta_1: float = 0.5,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        l2: float = 1e-3,
        clip_norm: float = 5.0,
        name: str = "architecture",
    ) -> None:
        super().__init__(learning_rate, l2=l2, clip_norm=clip_norm, name=name)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon

    def build(self, variables: Sequence[keras.Variable]) -> None:
        """Creates two moments per variable."""
        if not self.built:
            super().build(variables)
            self.means, self.squares = self.add_optimizer_variables(variables, ["mean", "square"])

    def update_step(
        self, gradient: tf.Tensor, variable: keras.Variable, learning_rate: tf.Tensor
    ) -> None:
        """Updates one variable by a gradient that contains the L2 penalty."""
        index = self._get_variable_index(variable)
        count = tf.cast(self.iterations + 1, tf.float64)
        mean = self.beta_1 * self.means[index] + (1 - self.beta_1) * gradient
        square = self.beta_2 * self.squares[index] + (1 - self.beta_2) * tf.square(gradient)
        self.means[index].assign(self.unless_overflow(mean, self.means[index]))
        self.squares[index].assign(self.unless_overflow(square, self.squares[index]))
        mean = mean / _bias_correction(self.beta_1, count)
        square = square / _bias_correction(self.beta_2, count)
        step = learning_rate * mean / (tf.sqrt(square) + self.epsilon)
        variable.assign_sub(self.unless_overflow(step, 0.0))

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        config = {"beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon}
        return {**super().get_config(), **config}


def weight_optimizer(
    learning_rate: float = 0.025,
    *,
    momentum: float = 0.9,
    l2: float = 3e-4,
    clip_norm: float = 5.0,
) -> MomentumSGD:
    """Returns the optimizer of the weights, with the paper's settings (P-DARTS, section 4.2).

    Args:
        learning_rate: Learning rate.
        momentum: Factor of the velocity, in [0, 1).
        l2: Factor of the L2 penalty, added to the gradient.
        clip_norm: Maximum global norm of the gradient.

    Example:

    >>> optimizer = weight_optimizer(learning_rate=0.1)
    >>> optimizer.momentum, optimizer.l2, optimizer.clip_norm
    (0.9, 0.0003, 5.0)
    """
    return MomentumSGD(learning_rate, momentum=momentum, l2=l2, clip_norm=clip_norm)


def arch_optimizer(
    learning_rate: float = 6e-4,
    *,
    beta_1: float = 0.5,
    beta_2: float = 0.999,
    l2: float = 1e-3,
    clip_norm: float = 5.0,
) -> AdamL2:
    """Returns the optimizer of the alphas, with the paper's settings (P-DARTS, section 4.2).

    Args:
        learning_rate: Learning rate.
        beta_1: Decay rate of the first moment, in [0, 1).
        beta_2: Decay rate of the second moment, in [0, 1).
        l2: Factor of the L2 penalty, added to the gradient.
        clip_norm: Maximum global norm of the gradient.

    Example:

    >>> optimizer = arch_optimizer()
    >>> optimizer.beta_1, optimizer.beta_2, optimizer.l2
    (0.5, 0.999, 0.001)
    """
    return AdamL2(learning_rate, beta_1=beta_1, beta_2=beta_2, l2=l2, clip_norm=clip_norm)
