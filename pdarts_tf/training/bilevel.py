"""The bilevel step of the search: alphas on one half of the images, weights on the other.

Reference: P-DARTS, section 4.2; DARTS (arXiv 1806.09055), section 2.3, first-order approximation.
"""

import tensorflow as tf

from pdarts_tf.models import supernet
from pdarts_tf.training.metrics import running_means, update, update_weighted

WEIGHT_METRICS = ("loss", "accuracy", "weight_grad_norm")
ARCH_METRICS = ("arch_loss", "arch_accuracy", "arch_grad_norm")
VALID_METRICS = ("valid_loss", "valid_accuracy")


def cross_entropy(labels, logits):
    """Returns the mean over the batch of the cross entropy of integer labels."""
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
    return tf.reduce_mean(losses)


def _hits(labels, logits):
    return tf.equal(tf.argmax(logits, -1), tf.cast(labels, tf.int64))


class Supernet(supernet.Supernet):
    """A supernet that is searched: `compile` takes two optimizers, `train_step` runs both."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.search_alphas = True
        self.trackers = running_means(WEIGHT_METRICS + ARCH_METRICS + VALID_METRICS)

    def compile(self, weight_optimizer, arch_optimizer):
        """Sets the optimizers of `trainable_variables` and of `arch_variables`."""
        super().compile(optimizer=weight_optimizer, jit_compile=False, auto_scale_loss=False)
        self.arch_optimizer = arch_optimizer
        if self.compute_dtype == "float16":
            weight_optimizer.use_loss_scale()
            arch_optimizer.use_loss_scale()

    @property
    def search_alphas(self):
        """Whether a step also moves the alphas; False during warm-up.

        It is read when a step is traced: `fit` traces again after a change, other callers of
        `train_step` have to.
        """
        return self._search_alphas

    @search_alphas.setter
    def search_alphas(self, value):
        self._search_alphas = bool(value)
        self.train_function = None

    @property
    def metrics(self):
        """The means over an epoch that `train_step` and `test_step` update."""
        return list(self.trackers.values())

    def build_optimizers(self):
        """Creates the optimizers' variables: before restoring, and before the first step."""
        self.optimizer.build(self.trainable_variables)
        self.arch_optimizer.build(self.arch_variables)

    def train_step(self, data):
        """One bilevel step, or during warm-up one step of the weights.

        Args:
            data: ((x_train, y_train), (x_valid, y_valid)): images (batch, height, width, channels)
                and integer labels (batch,). The alphas learn from the second pair.

        Returns:
            The running means of the epoch by name: `WEIGHT_METRICS`, and `ARCH_METRICS` if the
            alphas moved.
        """
        train, valid = data
        if self.search_alphas:
            self.arch_step(*valid)
        self.weight_step(*train)
        return self._results(WEIGHT_METRICS + ARCH_METRICS * self.search_alphas)

    def test_step(self, data):
        """Measures a batch of (images, labels, weights of the images) in inference mode.

        Returns:
            The running means of the validation by name: `VALID_METRICS`.
        """
        images, labels, weights = data
        logits = self(images, training=False)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
        measured = {"valid_loss": losses, "valid_accuracy": _hits(labels, logits)}
        update_weighted(self.trackers, measured, weights)
        return self._results(VALID_METRICS)

    def _results(self, names):
        return {name: self.trackers[name].result() for name in names}

    def arch_step(self, images, labels):
        """One step of the alphas; nothing else learns, but batch statistics do move."""
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            for alphas in self.arch_variables:
                tape.watch(alphas.value)
            logits = self(images, training=True, differentiate="architecture")
            loss = cross_entropy(labels, logits)
            scaled = self.arch_optimizer.scale_loss(loss)
        gradients = tape.gradient(scaled, [alphas.value for alphas in self.arch_variables])
        norm = self.arch_optimizer.clip_and_apply(gradients, self.arch_variables)
        self._track("arch_", labels, logits, loss)
        self.trackers["arch_grad_norm"].update_state(norm)

    def weight_step(self, images, labels):
        """One step of the weights."""
        with tf.GradientTape() as tape:
            logits = self(images, training=True, differentiate="weights")
            loss = cross_entropy(labels, logits)
            scaled = self.optimizer.scale_loss(loss)
        variables = self.trainable_variables
        gradients = tape.gradient(scaled, [variable.value for variable in variables])
        norm = self.optimizer.clip_and_apply(gradients, variables)
        self._track("", labels, logits, loss)
        self.trackers["weight_grad_norm"].update_state(norm)

    def _track(self, prefix, labels, logits, loss):
        measured = {prefix + "loss": loss, prefix + "accuracy": _hits(labels, logits)}
        update(self.trackers, measured)
