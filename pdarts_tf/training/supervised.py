"""The training step of an evaluation network.

Reference: P-DARTS, sections 4.3 and 4.4.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import keras
import tensorflow as tf

from pdarts_tf.genotype import Genotype
from pdarts_tf.layers import pure, replicas
from pdarts_tf.models.auxiliary_loss import AUXILIARY_WEIGHT
from pdarts_tf.models.network import EvaluationNetwork
from pdarts_tf.training import keras_arguments
from pdarts_tf.training.accumulation import mean_over_parts
from pdarts_tf.training.losses import smoothed_cross_entropy
from pdarts_tf.training.metrics import RunningMean, running_means, update, update_weighted
from pdarts_tf.training.optimizers import TorchOptimizer

TRAIN_METRICS = ("loss", "accuracy", "weight_grad_norm")
TEST_METRICS = ("test_loss", "test_accuracy", "test_top5")
VALIDATION_NAMES = {name: name.replace("test_", "valid_") for name in TEST_METRICS}
"""Names of the means over validation images, by their names in `test_step`."""


@keras.saving.register_keras_serializable("pdarts_tf")
class SupervisedNetwork(EvaluationNetwork):
    """An evaluation network with its loss: that of the logits, plus that of the auxiliary head.

    Args and Raises: see `EvaluationNetwork`.
    """

    def __init__(
        self,
        genotype: Genotype,
        init_channels: int = 36,
        num_layers: int = 20,
        num_classes: int = 10,
        *,
        stem: str = "cifar",
        auxiliary: bool = False,
        drop_path_rate: float = 0.0,
        seed: int = 0,
        sync_batch_norm: bool = False,
        rematerialize: bool = False,
        compile_cells: bool = False,
        compile_step: bool = False,
        dtype: str | keras.DTypePolicy | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            genotype,
            init_channels,
            num_layers,
            num_classes,
            stem=stem,
            auxiliary=auxiliary,
            drop_path_rate=drop_path_rate,
            seed=seed,
            sync_batch_norm=sync_batch_norm,
            rematerialize=rematerialize,
            compile_cells=compile_cells,
            compile_step=compile_step,
            dtype=dtype,
            **kwargs,
        )
        self.trackers = running_means(TRAIN_METRICS + TEST_METRICS)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments; see `EvaluationNetwork.get_config`."""
        config = super().get_config()
        return {
            name: each for name, each in config.items() if name not in ("include_top", "pooling")
        }

    def compile(
        self,
        weight_optimizer: TorchOptimizer,
        *,
        auxiliary_weight: float = AUXILIARY_WEIGHT,
        label_smoothing: float = 0.0,
        gradient_accumulation: int = 1,
        class_weights: Sequence[float] | None = None,
    ) -> None:
        """Sets the optimizer and the weights of the loss.

        Args:
            weight_optimizer: Optimizer of the weights, see `optimizers.weight_optimizer`.
            auxiliary_weight: Weight of the auxiliary head's loss.
            label_smoothing: Label smoothing of the training loss, see `smoothed_cross_entropy`.
            gradient_accumulation: Number of parts that a batch is divided into, computed one after
                the other. Batch norms normalize by one part at a time.
            class_weights: Factors of the classes' training losses, (classes,); by default 1.

        Raises:
            ValueError: The optimizer is none of this package, or there is not one weight per class.
        """
        keras_arguments.checked_optimizer("weight_optimizer", weight_optimizer)
        super().compile(optimizer=weight_optimizer, jit_compile=False, auto_scale_loss=False)
        self.auxiliary_weight = auxiliary_weight
        self.label_smoothing = label_smoothing
        self.gradient_accumulation = gradient_accumulation
        self.class_weights = keras_arguments.checked_class_weights(class_weights, self.num_classes)
        if self.compute_dtype == "float16":
            weight_optimizer.use_loss_scale()

    def get_compile_config(self) -> dict[str, Any]:
        """Returns the arguments of `compile`, serialized."""
        if not self.compiled:
            return {}
        return {
            "weight_optimizer": keras.saving.serialize_keras_object(self.optimizer),
            "auxiliary_weight": self.auxiliary_weight,
            "label_smoothing": self.label_smoothing,
            "gradient_accumulation": self.gradient_accumulation,
            "class_weights": self.class_weights,
        }

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compiles a built model with what `get_compile_config` gave."""
        self.compile(**keras.saving.deserialize_keras_object(config))
        self.optimizer.build(self.trainable_variables)

    @property
    def metrics(self) -> list[RunningMean]:
        """The means over an epoch that `train_step` and `test_step` update."""
        return list(self.trackers.values())

    def train_step(self, data: tuple[tf.Tensor, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Takes one step of the weights.

        Args:
            data: Images (batch, height, width, channels), and integer labels (batch,) or the share
                of every class, floats (batch, classes), of which the largest counts as the label
                in the accuracy.

        Returns:
            The running means of the epoch by name: `TRAIN_METRICS`.

        Raises:
            ValueError: The data has another structure.
        """
        images, labels, weights = keras_arguments.images_with_targets(data, self.num_classes)
        if weights is not None:
            raise ValueError("The images of a training all count alike: leave out their weights.")
        variables = self.trainable_variables
        if self.gradient_accumulation > 1:
            gradients, measured = self._accumulated(images, labels)
        else:
            with tf.GradientTape() as tape:
                loss, measured = self._scaled_loss(labels, self(images, training=True))
            gradients = _gradients(tape, loss, [variable.value for variable in variables])
        norm = self.optimizer.clip_and_apply(gradients, variables)
        update(self.trackers, measured)
        self.trackers["weight_grad_norm"].update_state(norm)
        return self._results(TRAIN_METRICS)

    def _accumulated(
        self, images: tf.Tensor, labels: tf.Tensor
    ) -> tuple[list[tf.Tensor], dict[str, tf.Tensor]]:
        """Returns the gradients of a batch in parts, and {name: what was measured}.

        All parts begin with the same running statistics, whose means are set at the end: the parts
        are to the model what replicas are.
        """
        size = images.shape[0] // self.gradient_accumulation
        first_image = replicas.first_image(images)
        first_image = 0 if first_image is None else first_image
        variables = self.variables
        state = [tf.convert_to_tensor(variable.value) for variable in variables]
        learned = [value for v, value in zip(variables, state, strict=True) if v.trainable]
        moving = [i for i, variable in enumerate(variables) if not variable.trainable]

        def differentiate(part: tf.Tensor) -> list[tf.Tensor]:
            first = part * size
            # Not images[first:][:size], whose size XLA would not know.
            rows = [
                tf.slice(each, [first] + [0] * (len(each.shape) - 1), [size, *each.shape[1:]])
                for each in (images, labels)
            ]
            with tf.GradientTape() as tape:
                tape.watch(learned)
                outputs, after = pure.call(
                    self, state, rows[0], training=True, first_image=first_image + first
                )
                loss, measured = self._scaled_loss(rows[1], outputs)
            gradients = _gradients(tape, loss, learned)
            return [*gradients, measured["loss"], tf.reduce_mean(measured["accuracy"])] + [
                after[i] for i in moving
            ]

        like = [*learned, tf.zeros(()), tf.zeros(()), *(state[i] for i in moving)]
        means = mean_over_parts(differentiate, self.gradient_accumulation, like)
        gradients, (loss, accuracy) = means[: len(learned)], means[len(learned) :][:2]
        for i, value in zip(moving, means[len(learned) + 2 :], strict=True):
            variables[i].assign(value)
        return gradients, {"loss": loss, "accuracy": accuracy}

    def _scaled_loss(
        self, labels: tf.Tensor, outputs: tf.Tensor | tuple[tf.Tensor, tf.Tensor]
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """Returns what is to be differentiated, and {name: what was measured}."""
        logits, loss = self._loss(labels, outputs)
        measured = {"loss": loss, "accuracy": _in_top(labels, logits, 1)}
        return self.optimizer.scale_loss(loss), measured

    def test_step(self, data: tuple[tf.Tensor, ...]) -> dict[str, tf.Tensor]:
        """Measures a batch in inference mode.

        Args:
            data: (images, labels) or (images, labels, weights of the images).

        Returns:
            The running means of the test by name: `TEST_METRICS`.
        """
        images, labels, weights = keras_arguments.labelled_images(data)
        if weights is None:
            weights = tf.ones(tf.shape(labels))
        logits = self(images, training=False)
        losses = smoothed_cross_entropy(labels, logits)
        measured = {
            "test_loss": losses,
            "test_accuracy": _in_top(labels, logits, 1),
            "test_top5": _in_top(labels, logits, 5),
        }
        update_weighted(self.trackers, measured, weights)
        return self._results(TEST_METRICS)

    def _loss(
        self, labels: tf.Tensor, outputs: tf.Tensor | tuple[tf.Tensor, tf.Tensor]
    ) -> tuple[tf.Tensor, tf.Tensor]:
        logits, auxiliary = outputs if isinstance(outputs, tuple) else (outputs, None)
        loss = self._mean_loss(labels, logits)
        if auxiliary is not None:
            loss += self.auxiliary_weight * self._mean_loss(labels, auxiliary)
        return logits, loss

    def _mean_loss(self, labels: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
        return tf.reduce_mean(
            smoothed_cross_entropy(labels, logits, self.label_smoothing, self.class_weights)
        )

    def _results(self, names: Iterable[str]) -> dict[str, tf.Tensor]:
        return {name: self.trackers[name].result() for name in names}


def _gradients(
    tape: tf.GradientTape, loss: tf.Tensor, weights: Sequence[tf.Tensor]
) -> list[tf.Tensor]:
    # A genotype may have nodes that do not reach the output.
    return tape.gradient(loss, weights, unconnected_gradients=tf.UnconnectedGradients.ZERO)


def _in_top(labels: tf.Tensor, logits: tf.Tensor, k: int) -> tf.Tensor:
    if len(labels.shape) == 2:
        labels = tf.argmax(labels, -1)
    return tf.cast(tf.math.in_top_k(labels, logits, min(k, logits.shape[-1])), tf.float32)
