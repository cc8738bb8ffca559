"""What the stages of a search and the samples of a random search have in common."""

import gc
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from pdarts_tf.alphas import Alphas
from pdarts_tf.config import SearchConfig, StageConfig
from pdarts_tf.data.augmentation import Augmentation
from pdarts_tf.runs import checkpoint
from pdarts_tf.runs.epochs import EpochResult
from pdarts_tf.runs.observers import EpochStart
from pdarts_tf.runs.run_directory import ALPHAS, METRICS
from pdarts_tf.runs.state import RunState
from pdarts_tf.search.split import SearchImages
from pdarts_tf.training.losses import class_weights
from pdarts_tf.training.optimizers import MomentumSGD, weight_optimizer


class SearchPhase(ABC):
    """A model that a search trains for some epochs; base class of what `run_epochs` is given.

    Args:
        config: Settings of the search.
        stage: Settings of the stage.
        images: The two halves of the training images.
        strategy: Devices that share each batch.
        part: Name of the phase in errors, such as "stage 1".
    """

    def __init__(
        self,
        config: SearchConfig,
        stage: StageConfig,
        images: SearchImages,
        strategy: tf.distribute.Strategy,
        part: str,
    ) -> None:
        self.config = config
        self.stage = stage
        self.images = images
        self.strategy = strategy
        self.part = part
        self.first_epoch = stage.index * config.epochs
        self.epochs = config.epochs
        self.batch_size = config.batch_size
        self.jit_compile = config.compiles_steps
        keras.backend.clear_session()  # the graphs of the phase before
        gc.collect()
        with strategy.scope():
            self.model: keras.Model = self._built_model()
        self._variables = self._model_variables() | checkpoint.metrics_of(self.model)
        self._validation_batches = images.validation_batches(config)

    @abstractmethod
    def _built_model(self) -> keras.Model:
        """Returns the compiled model with all its variables, those of optimizers included."""

    @abstractmethod
    def _model_variables(self) -> dict[str, Any]:
        """Returns {name: variable} of model and optimizers."""

    def restore(self, arrays: Mapping[str, np.ndarray] | None) -> None:
        """Restores the variables of a checkpoint inside the phase; None starts from the beginning.

        Raises:
            CheckpointError: The arrays are not of this model.
        """
        if arrays is not None:
            checkpoint.restore(self._variables, arrays)

    def variables(self) -> Mapping[str, Any]:
        """Returns {name: variable} of model, optimizers and metrics."""
        return self._variables

    def _weight_optimizer(self) -> MomentumSGD:
        config = self.config
        return weight_optimizer(
            learning_rate=config.learning_rate,
            momentum=config.momentum,
            l2=config.l2,
            clip_norm=config.clip_norm,
        )

    def _class_weights(self) -> tuple[float, ...] | None:
        """Returns the weights of the classes in the losses, by all training images."""
        data = self.images.data
        return class_weights(self.config.class_weights, data.train.labels, data.num_classes)

    def _batching(self, first_step: int) -> dict[str, Any]:
        """Returns the keyword arguments of the functions that make the batches of training."""
        config, data = self.config, self.images.data
        return {
            "batch_size": config.batch_size,
            "steps_per_epoch": self.images.steps,
            "seed": (config.seed, self.stage.index),
            "first_step": first_step,
            "last_step": config.epochs * self.images.steps,
            "augmentation": Augmentation(
                config.crop_padding,
                config.flip,
                resized_crop=config.augmentation == "resized_crop",
                color_jitter=config.color_jitter,
            ),
            "mean": data.mean,
            "std": data.std,
        }

    def ends_early(self, state: RunState) -> bool:
        """Returns False: the schedules of a search need all epochs."""
        return False

    def _place(self, epoch: int) -> dict[str, int]:
        return {"stage": self.stage.index + 1, "epoch": epoch + 1}

    def _validates(self, epoch: int) -> bool:
        """Returns whether the model is validated after an epoch."""
        return epoch >= self.config.epochs - self.config.validation_epochs

    def _result(self, start: EpochStart, logs: Mapping[str, float], alphas: Alphas) -> EpochResult:
        """Returns the records of an epoch: alphas; means, rates, and measures of the alphas."""
        metrics = {
            **start.place,
            **logs,
            **start.rates,
            "entropy_normal": alphas.mean_entropy("normal"),
            "entropy_reduce": alphas.mean_entropy("reduce"),
            "skip_connects": alphas.derive().num_skip_connects,
        }
        return EpochResult({ALPHAS: start.place | alphas.to_record(), METRICS: metrics})
