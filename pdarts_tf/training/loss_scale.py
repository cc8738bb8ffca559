"""Dynamic loss scaling: float16 has no numbers below 6e-8, where many gradients lie.

Reference: Micikevicius et al., "Mixed Precision Training" (arXiv 1710.03740), section 3.2.
"""

import keras
import tensorflow as tf

INITIAL_SCALE = 2.0**15
GROWTH_STEPS = 2000
"""Steps without an overflow after which the scale doubles; at each overflow it halves."""


class LossScale:
    """A factor of the loss, as large as the gradients of a float16 network allow.

    Attributes:
        variables: Its state, for checkpoints.
    """

    def __init__(self) -> None:
        options = {"trainable": False, "aggregation": "only_first_replica"}
        self.scale = keras.Variable(INITIAL_SCALE, name="loss_scale", **options)
        self.steps = keras.Variable(0, dtype="int32", name="steps_of_loss_scale", **options)

    @property
    def variables(self) -> list[keras.Variable]:
        """The scale, and the steps since it changed."""
        return [self.scale, self.steps]

    def update(self, finite: tf.Tensor) -> None:
        """Adapts the scale to whether the gradients of a step were finite, a boolean scalar."""
        grows = finite & (self.steps + 1 >= GROWTH_STEPS)
        factor = tf.where(finite, tf.where(grows, 2.0, 1.0), 0.5)
        self.steps.assign(tf.where(finite & ~grows, self.steps + 1, 0))
        self.scale.assign(tf.maximum(self.scale * factor, 1.0))
