"""The bilevel step of the search: alphas on one half of the images, weights on the other.

Reference: P-DARTS, section 4.2, which uses the first-order approximation of DARTS (arXiv
1806.09055), section 2.3; `second_order` has that paper's other one.
"""

import functools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import keras
import tensorflow as tf

from pdarts_tf.search_space import SearchSpace
from pdarts_tf.training import keras_arguments, second_order
from pdarts_tf.training.fitting import VALID_METRICS, FittedNetwork
from pdarts_tf.training.losses import cross_entropy
from pdarts_tf.training.metrics import RunningMean, running_means, update, update_weighted
from pdarts_tf.training.optimizers import TorchOptimizer

Batch = Sequence[tf.Tensor]
"""Images (batch, height, width, channels), integer labels (batch,), and weights or nothing."""

Objective = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
"""The loss of a batch, a function of (labels, logits)."""

WEIGHT_METRICS = ("loss", "accuracy", "weight_grad_norm")
ARCH_METRICS = ("arch_loss", "arch_accuracy", "arch_grad_norm")
ARCH_ORDERS = ("first", "second")


def _hits(labels: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    return tf.equal(tf.argmax(logits, -1), tf.cast(labels, tf.int64))


@keras.saving.register_keras_serializable("pdarts_tf")
class Supernet(FittedNetwork):
    """The network of one stage of the search, which holds all candidate operations at once.

    The architecture parameters (alphas) are not trainable: the optimizer of the weights owns
    `trainable_variables`, the one of the architecture `arch_variables`. `train_step` applies both.

    Input: images (batch, height, width, channels), height and width multiples of 4. Output: logits
    (batch, num_classes).

    Args:
        space: Candidate operations of every edge.
        init_channels: Channels of the first cells, an even number; reduction cells double them.
        num_layers: Number of cells, at least 3.
        num_classes: Number of logits.
        skip_dropout_rate: Rate of the dropout after skip-connects at stride 1, in [0, 1). With 0
            no dropout is built; otherwise the rate can be changed while training.
        seed: Random seed of the initialization and of the dropout masks.
        sync_batch_norm: Whether batch norms normalize by the batches of all replicas together.
        rematerialize: Whether cells are recomputed in the backward pass instead of being stored.
        compile_cells: Whether XLA compiles the cells, each on its own.
        compile_step: Whether XLA compiles the steps that the network is part of, for which its
            operations then have forms that XLA can compile.
        dtype: Dtype policy, such as "mixed_float16"; variables, statistics, logits and losses stay
            float32 in a mixed one.
        **kwargs: Arguments of a Keras model: `name` and `trainable`.

    Attributes:
        arch_variables: The architecture parameters (alphas) of the normal and of the reduction
            cells, of shape (14, candidates) each.

    Raises:
        ValueError: If an argument is out of range.

    Example:

    >>> import pdarts_tf as pd
    >>> supernet = pd.Supernet(pd.SearchSpace.full(), init_channels=16, num_layers=5)
    >>> [tuple(alphas.shape) for alphas in supernet.arch_variables]
    [(14, 8), (14, 8)]
    >>> round(pd.count_parameters(supernet) / 1e6, 2)
    1.28
    """

    def __init__(
        self,
        space: SearchSpace,
        init_channels: int = 16,
        num_layers: int = 5,
        num_classes: int = 10,
        *,
        skip_dropout_rate: float = 0.0,
        seed: int = 0,
        sync_batch_norm: bool = False,
        rematerialize: bool = False,
        compile_cells: bool = False,
        compile_step: bool = False,
        dtype: str | keras.DTypePolicy | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            space,
            init_channels,
            num_layers,
            num_classes,
            skip_dropout_rate=skip_dropout_rate,
            seed=seed,
            sync_batch_norm=sync_batch_norm,
            rematerialize=rematerialize,
            compile_cells=compile_cells,
            compile_step=compile_step,
            dtype=dtype,
            **kwargs,
        )
        self.search_alphas = True
        self.trackers = running_means(WEIGHT_METRICS + ARCH_METRICS + VALID_METRICS)

    def compile(
        self,
        weight_optimizer: TorchOptimizer | None = None,
        arch_optimizer: TorchOptimizer | None = None,
        *,
        arch_order: str = "first",
        class_weights: Sequence[float] | None = None,
        **others: Any,
    ) -> None:
        """Sets the optimizers of `trainable_variables` and of `arch_variables`.

        Args:
            weight_optimizer: What `weight_optimizer` returns; needed.
            arch_optimizer: What `arch_optimizer` returns; needed.
            arch_order: Order of the gradient of the alphas: "first" takes the weights as they are,
                "second" differentiates through a step of them, see `second_order`. The latter needs
                exact float32 and makes TensorFlow compute in it (no TF32), for the whole process.
            class_weights: Factors of the classes' losses, (classes,), for weights and alphas; by
                default 1.
            **others: None; other arguments of Keras' `compile` are refused.

        Raises:
            TypeError: There are others.
            ValueError: The order is unknown, the second does not fit dtype or optimizer, an
                optimizer is none of this package, or there is not one weight per class.
        """
        keras_arguments.check_no_others(others)
        weight_optimizer = keras_arguments.checked_optimizer("weight_optimizer", weight_optimizer)
        arch_optimizer = keras_arguments.checked_optimizer("arch_optimizer", arch_optimizer)
        if arch_order not in ARCH_ORDERS:
            raise ValueError(
                f"`arch_order` must be one of {', '.join(ARCH_ORDERS)}. Received: {arch_order!r}"
            )
        if arch_order == "second":
            second_order.prepare(self.compute_dtype, weight_optimizer)
        super().compile(optimizer=weight_optimizer, jit_compile=False, auto_scale_loss=False)
        self.arch_optimizer = arch_optimizer
        self.arch_order = arch_order
        self.class_weights = keras_arguments.checked_class_weights(class_weights, self.num_classes)
        if self.compute_dtype == "float16":
            weight_optimizer.use_loss_scale()
            arch_optimizer.use_loss_scale()

    @property
    def search_alphas(self) -> bool:
        """Whether a step also moves the alphas; False during warm-up.

        It is read when a step is traced: `fit` traces again after a change, other callers of
        `train_step` have to.
        """
        return self._search_alphas

    @search_alphas.setter
    def search_alphas(self, value: bool) -> None:
        self._search_alphas = bool(value)
        self.train_function = None

    @property
    def metrics(self) -> list[RunningMean]:
        """The means over an epoch that `train_step` and `test_step` update."""
        return list(self.trackers.values())

    def train_step(self, data: tuple[Batch, Batch]) -> dict[str, tf.Tensor]:
        """Takes one bilevel step, or during warm-up one step of the weights.

        Args:
            data: ((x_train, y_train), (x_valid, y_valid)): images (batch, height, width, channels)
                and integer labels (batch,). The alphas learn from the second pair. Weights of the
                images may stand third in a pair.

        Returns:
            The running means of the epoch by name: `WEIGHT_METRICS`, and `ARCH_METRICS` if the
            alphas moved.

        Raises:
            ValueError: The data has another structure.
        """
        train, valid = keras_arguments.pair_of_batches(data)
        keras_arguments.check_replica(self, train.images)
        if self.search_alphas:
            self.arch_step(valid.images, valid.labels, train, weights=valid.weights)
        self.weight_step(*train)
        return self._results(WEIGHT_METRICS + ARCH_METRICS * self.search_alphas)

    def test_step(self, data: tuple[tf.Tensor, ...]) -> dict[str, tf.Tensor]:
        """Measures a batch in inference mode.

        Args:
            data: (images, labels) or (images, labels, weights of the images).

        Returns:
            The running means of the validation by name: `VALID_METRICS`.
        """
        images, labels, weights = keras_arguments.labelled_images(data)
        if weights is None:
            weights = tf.ones(tf.shape(labels))
        logits = self(images, training=False)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
        measured = {"valid_loss": losses, "valid_accuracy": _hits(labels, logits)}
        update_weighted(self.trackers, measured, weights)
        return self._results(VALID_METRICS)

    def _results(self, names: Iterable[str]) -> dict[str, tf.Tensor]:
        return {name: self.trackers[name].result() for name in names}

    def arch_step(
        self,
        images: tf.Tensor,
        labels: tf.Tensor,
        train: Batch | None = None,
        *,
        weights: tf.Tensor | None = None,
    ) -> None:
        """Takes one step of the alphas; nothing else learns, but batch statistics may move.

        Args:
            images: Images (batch, height, width, channels) that the alphas learn from.
            labels: Their labels (batch,).
            train: Batch of the weights, as `weight_step` takes it, which only the second order
                needs. Loss and accuracy are then those of the unrolled weights.
            weights: Weights of the images in the loss, (batch,); by default 1.
        """
        if self.arch_order == "first":
            gradients, loss, logits = self._first_order(images, labels, weights)
        else:
            gradients, loss, logits = self._second_order((images, labels, weights), train)
        norm = self.arch_optimizer.clip_and_apply(gradients, self.arch_variables)
        self._track("arch_", labels, logits, loss)
        self.trackers["arch_grad_norm"].update_state(norm)

    def _first_order(
        self, images: tf.Tensor, labels: tf.Tensor, weights: tf.Tensor | None = None
    ) -> second_order.ArchGradient:
        objective = self._objective(weights)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            for alphas in self.arch_variables:
                tape.watch(alphas.value)
            logits = self(images, training=True, differentiate="architecture")
            loss = objective(labels, logits)
            scaled = self.arch_optimizer.scale_loss(loss)
        gradients = tape.gradient(scaled, [alphas.value for alphas in self.arch_variables])
        return second_order.ArchGradient(gradients, loss, logits)

    def _second_order(self, valid: Batch, train: Batch | None) -> second_order.ArchGradient:
        if train is None:
            raise ValueError("The second order needs `train`, the batch of the weights.")
        weights = self.trainable_variables
        self.optimizer.build(weights)
        return second_order.arch_gradient(
            self._pure_loss(*train),
            self._pure_loss(*valid),
            [tf.convert_to_tensor(variable.value) for variable in weights],
            [tf.convert_to_tensor(variable.value) for variable in self.arch_variables],
            unroll=lambda gradients: self.optimizer.unrolled(gradients, weights),
            learning_rate=tf.convert_to_tensor(self.optimizer.learning_rate),
        )

    def _pure_loss(
        self, images: tf.Tensor, labels: tf.Tensor, weights: tf.Tensor | None = None
    ) -> second_order.Loss:
        return second_order.pure_loss(self, self._objective(weights), images, labels)

    def _objective(self, weights: tf.Tensor | None) -> Objective:
        """Returns the loss of a batch, a function of (labels, logits)."""
        return functools.partial(cross_entropy, weights=weights, class_weights=self.class_weights)

    def weight_step(
        self, images: tf.Tensor, labels: tf.Tensor, weights: tf.Tensor | None = None
    ) -> None:
        """Takes one step of the weights.

        Args:
            images: Images (batch, height, width, channels) that they learn from.
            labels: Their labels (batch,).
            weights: Weights of the images in the loss, (batch,); by default 1.
        """
        objective = self._objective(weights)
        with tf.GradientTape() as tape:
            logits = self(images, training=True, differentiate="weights")
            loss = objective(labels, logits)
            scaled = self.optimizer.scale_loss(loss)
        variables = self.trainable_variables
        gradients = tape.gradient(scaled, [variable.value for variable in variables])
        norm = self.optimizer.clip_and_apply(gradients, variables)
        self._track("", labels, logits, loss)
        self.trackers["weight_grad_norm"].update_state(norm)

    def _track(self, prefix: str, labels: tf.Tensor, logits: tf.Tensor, loss: tf.Tensor) -> None:
        measured = {prefix + "loss": loss, prefix + "accuracy": _hits(labels, logits)}
        update(self.trackers, measured)
