"""Keras' `fit` and `evaluate` of a supernet, whose data are pairs of batches."""

from collections.abc import Mapping
from typing import Any

import keras

from pdarts_tf.models.supernet import SearchNetwork
from pdarts_tf.training import keras_arguments
from pdarts_tf.training.optimizers import TorchOptimizer

VALID_METRICS = ("valid_loss", "valid_accuracy")


class FittedNetwork(SearchNetwork):
    """A supernet with two optimizers; see `bilevel.Supernet`, which has the steps.

    Args and Raises: see `SearchNetwork`.
    """

    arch_optimizer: TorchOptimizer
    arch_order: str
    class_weights: tuple[float, ...] | None = None

    def get_compile_config(self) -> dict[str, Any]:
        """Returns the arguments of `compile`, serialized."""
        if not self.compiled:
            return {}
        arguments = {
            "weight_optimizer": self.optimizer,
            "arch_optimizer": self.arch_optimizer,
            "arch_order": self.arch_order,
            "class_weights": self.class_weights,
        }
        return keras.saving.serialize_keras_object(arguments)

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compiles a built model with what `get_compile_config` gave."""
        self.compile(**keras.saving.deserialize_keras_object(config))
        self.build_optimizers()

    def build_optimizers(self) -> None:
        """Creates the optimizers' variables: before restoring, and before the first step."""
        self.optimizer.build(self.trainable_variables)
        self.arch_optimizer.build(self.arch_variables)

    @property
    def optimizers(self) -> list[TorchOptimizer]:
        """The optimizers of the weights and of the architecture."""
        return [self.optimizer, self.arch_optimizer]

    def fit(
        self, *args: Any, class_weight: Mapping[int, float] | None = None, **kwargs: Any
    ) -> keras.callbacks.History:
        """Searches as `train_step` does; see Keras' `fit` for the other arguments.

        Args:
            *args, **kwargs: Arguments of Keras' `fit`: first the data, such as a tf.data.Dataset of
                ((images, labels), (images, labels)). `validation_data` is (images, labels).
            class_weight: {class: weight} in the losses of weights and alphas, 1 where it has none;
                by default those of `compile`.

        Returns:
            Keras' history, with "val_loss" and "val_accuracy" if there is validation data.

        Raises:
            ValueError: An argument does not fit; it says what would.
        """
        keras_arguments.check_validation(
            kwargs.get("validation_data"), kwargs.get("validation_split", 0.0)
        )
        compiled = self.class_weights
        if class_weight is not None:
            self._set_class_weights(keras_arguments.class_weights(class_weight, self.num_classes))
        try:
            keras_arguments.build_for(self, args[0] if args else kwargs.get("x"))
            return super().fit(*args, **kwargs)
        finally:
            self._set_class_weights(compiled)

    def evaluate(
        self, *args: Any, return_dict: bool = False, **kwargs: Any
    ) -> dict[str, float] | list[float]:
        """Measures images and labels in inference mode; see Keras' `evaluate`.

        Returns:
            {"loss": …, "accuracy": …}, or without `return_dict` [loss, accuracy].
        """
        keras_arguments.build_for(self, args[0] if args else kwargs.get("x"))
        logs = super().evaluate(*args, return_dict=True, **kwargs)
        means = {name.removeprefix("valid_"): logs[name] for name in VALID_METRICS}
        return means if return_dict else list(means.values())

    def _maybe_symbolic_build(self, iterator: Any = None, data_batch: Any = None) -> None:
        """Does nothing: `build_for` has built what Keras would build by calling it with a pair."""

    def _set_class_weights(self, weights: tuple[float, ...] | None) -> None:
        if weights != self.class_weights:
            self.train_function = None  # which has been traced with the other weights
        self.class_weights = weights
