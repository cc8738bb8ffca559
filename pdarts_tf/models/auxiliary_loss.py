"""Keras' `compile` and `fit` of a network with an auxiliary head: one loss, of both logits."""

from typing import Any

import keras
import tensorflow as tf

AUXILIARY_WEIGHT = 0.4
"""Weight of the auxiliary head's loss (P-DARTS, section 4.3)."""


class AuxiliaryLossModel(keras.Model):
    """A model that in training returns (logits, auxiliary logits), and otherwise logits.

    The one loss that it is compiled with is that of the logits plus `AUXILIARY_WEIGHT` times that
    of the auxiliary logits. Metrics see the logits only.
    """

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: tf.Tensor | None = None,
        training: bool = True,
    ) -> tf.Tensor:
        """Returns the loss of a batch; see Keras' `compute_loss`.

        Raises:
            ValueError: There are several losses for the labels of one.
        """
        if not isinstance(y_pred, tuple) or isinstance(y, tuple | list | dict):
            return super().compute_loss(x, y, y_pred, sample_weight, training)
        if isinstance(self.loss, tuple | list | dict):
            raise ValueError(
                "`loss` must be one loss, which the auxiliary head has too, with weight "
                f"{AUXILIARY_WEIGHT}. Received: {len(self.loss)} losses and one array of labels"
            )
        logits, auxiliary = y_pred
        loss = super().compute_loss(x, y, logits, sample_weight, training)
        # Not compute_loss again, which also adds penalties of weights.
        return loss + AUXILIARY_WEIGHT * self._compile_loss(y, auxiliary, sample_weight)

    def compute_metrics(
        self, x: Any, y: Any, y_pred: Any, sample_weight: tf.Tensor | None = None
    ) -> dict[str, Any]:
        """Returns the metrics by name; see Keras' `compute_metrics`."""
        if isinstance(y_pred, tuple) and not isinstance(y, tuple | list | dict):
            y_pred = y_pred[0]
        metrics: dict[str, Any] = super().compute_metrics(x, y, y_pred, sample_weight)
        return metrics
