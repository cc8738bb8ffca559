"""MobileNetV3Small of keras.applications, trained from random weights for some minutes."""

import math
import time

import keras

from pdarts_tf.data.augmentation import Augmentation, normalize
from pdarts_tf.data.pipeline import check_batch_size, steps_per_epoch, training_batches

_WARM_UP = 0.05  # share of the time
_ENDLESS = 10**6  # epochs; the clock ends the training
# Keras' 0.999 is for long trainings: after a few hundred steps the averages would still be near
# the values that they began with, and validation near a guess.
_BATCH_NORM_MOMENTUM = 0.9


def rate_at(share, peak):
    """Returns the learning rate when a share of the time is used: linear warm-up, then cosine."""
    if share < _WARM_UP:
        return peak * share / _WARM_UP
    return peak * (1 + math.cos(math.pi * (min(share, 1) - _WARM_UP) / (1 - _WARM_UP))) / 2


class Budget(keras.callbacks.Callback):
    """Sets the learning rate by the clock, and ends a training when its time is used.

    Keeps the weights with the best validation accuracy; of equally good ones the last.

    Args:
        seconds: Time of the processors, from now on.
        peak: Largest learning rate.
        clock: Function that returns the seconds that the processors have worked.
    """

    def __init__(self, seconds, peak, clock=time.process_time):
        super().__init__()
        self._seconds, self._peak, self._clock = seconds, peak, clock
        self._begin = clock()
        self.accuracy, self.weights = -1.0, None
        self.epochs = self.best_epoch = 0

    def _share(self):
        return (self._clock() - self._begin) / self._seconds

    def on_train_batch_begin(self, batch, logs=None):
        """Sets the learning rate."""
        self.model.optimizer.learning_rate = rate_at(self._share(), self._peak)

    def on_train_batch_end(self, batch, logs=None):
        """Ends the training, after a last validation, when the time is used."""
        self.model.stop_training = self._share() >= 1

    def on_epoch_end(self, epoch, logs=None):
        """Keeps the weights if they are the best."""
        self.epochs = epoch + 1
        if logs["val_accuracy"] >= self.accuracy:
            self.accuracy, self.best_epoch = logs["val_accuracy"], self.epochs
            self.weights = self.model.get_weights()


def make_network(image_shape, num_classes):
    """Returns MobileNetV3Small with random weights, compiled.

    Args:
        image_shape: (height, width, channels) of its images, normalized.
        num_classes: Number of its logits.
    """
    network = keras.applications.MobileNetV3Small(
        image_shape,
        weights=None,
        classes=num_classes,
        classifier_activation=None,
        include_preprocessing=False,
    )
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = _BATCH_NORM_MOMENTUM
    network.compile(
        keras.optimizers.Adam(),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return network


def classify(data, train, valid, *, minutes, batch_size, learning_rate, seed):
    """Trains the network, and classifies the test images by its best weights.

    Args:
        data: `ImageData`, whose test images are in memory.
        train: Images for the weights.
        valid: Images in memory that choose the best weights.
        minutes: Minutes that the processors may work.
        batch_size: Images per step.
        learning_rate: Its peak.
        seed: Seed of weights, order, crops and flips.

    Returns:
        (probabilities of the test images, validation accuracy, what was trained).

    Raises:
        DataError: There is no whole batch.
    """
    check_batch_size(train.num_images, batch_size, f"{data.name} to train")
    budget = Budget(60 * minutes, learning_rate)
    scaling = {"mean": data.mean, "std": data.std}
    steps = steps_per_epoch(train.num_images, batch_size)
    batches = training_batches(
        train,
        batch_size=batch_size,
        steps_per_epoch=steps,
        seed=(seed,),
        first_step=0,
        last_step=steps * _ENDLESS,
        augmentation=Augmentation(resized_crop=True),
        **scaling,
    )
    keras.utils.set_random_seed(seed)
    network = make_network(data.image_shape, data.num_classes)
    network.fit(
        batches,
        steps_per_epoch=steps,
        epochs=_ENDLESS,
        shuffle=False,  # batches are shuffled
        validation_data=(normalize(valid.images, **scaling), valid.labels),
        callbacks=[budget],
        verbose=0,
    )
    network.set_weights(budget.weights)
    logits = network.predict(normalize(data.test.images, **scaling), batch_size, verbose=0)
    trained = {"epochs": budget.epochs, "best_epoch": budget.best_epoch}
    return keras.ops.softmax(logits).numpy(), budget.accuracy, trained
