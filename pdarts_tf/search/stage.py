"""One stage of the search: a supernet, trained for some epochs together with its alphas.

Reference: P-DARTS (arXiv 1904.12760), section 4.2.
"""

import gc
from collections.abc import Iterable, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from pdarts_tf import schedules
from pdarts_tf.alphas import Alphas
from pdarts_tf.config import SearchConfig, StageConfig
from pdarts_tf.data import pipeline
from pdarts_tf.data.augmentation import Augmentation
from pdarts_tf.runs import checkpoint
from pdarts_tf.runs.epochs import EpochResult, Evaluate, Session, run_epochs
from pdarts_tf.runs.observers import EpochStart
from pdarts_tf.runs.run_directory import ALPHAS, METRICS
from pdarts_tf.runs.state import RunState
from pdarts_tf.search.split import SearchImages
from pdarts_tf.search_space import SearchSpace
from pdarts_tf.training.bilevel import Supernet
from pdarts_tf.training.optimizers import arch_optimizer, weight_optimizer


def make_supernet(
    config: SearchConfig, stage: StageConfig, space: SearchSpace, num_classes: int
) -> Supernet:
    """Returns the supernet of a stage, not yet built."""
    return Supernet(
        space,
        init_channels=stage.init_channels,
        num_layers=stage.num_layers,
        num_classes=num_classes,
        skip_dropout_rate=stage.skip_dropout_rate,
        seed=config.seed,
        name="supernet",
        **config.network_options,
    )


def search_augmentation(config: SearchConfig) -> Augmentation:
    """Returns the augmentation of both halves of the training images."""
    return Augmentation(
        config.crop_padding,
        config.flip,
        resized_crop=config.augmentation == "resized_crop",
        color_jitter=config.color_jitter,
    )


def search_metrics(start: EpochStart, logs: Mapping[str, float], alphas: Alphas) -> dict[str, Any]:
    """Returns the record of an epoch: its place, means, rates, and measures of the alphas."""
    return {
        **start.place,
        **logs,
        **start.rates,
        "entropy_normal": alphas.mean_entropy("normal"),
        "entropy_reduce": alphas.mean_entropy("reduce"),
        "skip_connects": alphas.derive().num_skip_connects,
    }


class StageSearch:
    """A stage of the search, which `run_epochs` trains.

    Args:
        config: Settings of the search.
        stage: Settings of the stage.
        space: Candidate operations of the stage.
        images: The images for the weights, and those for the alphas.
        strategy: Devices that share each batch.
    """

    def __init__(
        self,
        config: SearchConfig,
        stage: StageConfig,
        space: SearchSpace,
        images: SearchImages,
        strategy: tf.distribute.Strategy,
    ) -> None:
        self.config = config
        self.stage = stage
        self.space = space
        self.images = images
        self.strategy = strategy
        self.part = f"stage {stage.index + 1}"
        self.first_epoch = stage.index * config.epochs
        self.epochs = config.epochs
        self.batch_size = config.batch_size
        keras.backend.clear_session()  # the graphs of the stage before
        gc.collect()
        with strategy.scope():
            self.model = self._built_model()
        self._variables = checkpoint.variables_of(
            self.model, self.model.optimizer, self.model.arch_optimizer
        ) | checkpoint.metrics_of(self.model)
        self._validation_batches = images.validation_batches(config)

    def train(self, session: Session, arrays: Mapping[str, np.ndarray] | None = None) -> Alphas:
        """Trains for the epochs of the stage that are left.

        Args:
            session: State, files and observers of the run.
            arrays: Variables of a checkpoint inside the stage; None to start from the beginning.

        Returns:
            The architecture parameters that the stage ends with.

        Raises:
            CheckpointError: The arrays are not of this supernet.
            NonFiniteLossError, StoppedError, WriteError: See `run_epochs`.
        """
        if arrays is not None:
            checkpoint.restore(self._variables, arrays)
        run_epochs(self, session)
        return self._alphas()

    def variables(self) -> Mapping[str, Any]:
        """Returns {name: variable} of supernet, optimizers and metrics."""
        return self._variables

    def batches(self, first_step: int) -> Iterable[Any]:
        """Returns pairs of batches, for the weights and for the alphas, from a step on."""
        config, images = self.config, self.images
        return pipeline.bilevel_batches(
            images.for_weights,
            images.for_alphas,
            batch_size=config.batch_size,
            steps_per_epoch=images.steps,
            seed=(config.seed, self.stage.index),
            first_step=first_step,
            last_step=config.epochs * images.steps,
            augmentation=search_augmentation(config),
            mean=images.data.mean,
            std=images.data.std,
        )

    def begin_epoch(self, epoch: int) -> EpochStart:
        """Sets the rates of an epoch; the alphas join in after the warm-up."""
        config, model = self.config, self.model
        rate = schedules.skip_dropout(
            epoch, config.epochs, config.warmup_epochs, self.stage.skip_dropout_rate
        )
        learning_rate = schedules.cosine(epoch, config.epochs, config.learning_rate)
        model.optimizer.learning_rate = learning_rate
        model.skip_dropout_rate = rate
        search_alphas = epoch >= config.warmup_epochs
        retrace = search_alphas != model.search_alphas
        model.search_alphas = search_alphas
        return EpochStart(
            epoch,
            {"stage": self.stage.index + 1, "epoch": epoch + 1},
            {"learning_rate": learning_rate, "skip_dropout_rate": rate},
            retrace,
        )

    def end_epoch(
        self, start: EpochStart, logs: dict[str, float], evaluate: Evaluate, state: RunState
    ) -> EpochResult:
        """Validates in the last epochs, and measures the alphas."""
        config = self.config
        if start.epoch >= config.epochs - config.validation_epochs:
            logs |= evaluate(self._validation_batches)
        alphas = self._alphas()
        metrics = search_metrics(start, logs, alphas)
        return EpochResult({ALPHAS: start.place | alphas.to_record(), METRICS: metrics})

    def _built_model(self) -> Supernet:
        """Returns the supernet with all its variables, those of both optimizers included."""
        config, data = self.config, self.images.data
        model = make_supernet(config, self.stage, self.space, data.num_classes)
        model.build((None, *data.image_shape))
        model.compile(
            weight_optimizer(
                learning_rate=config.learning_rate,
                momentum=config.momentum,
                l2=config.l2,
                clip_norm=config.clip_norm,
            ),
            arch_optimizer(
                learning_rate=config.arch_learning_rate,
                beta_1=config.arch_beta_1,
                beta_2=config.arch_beta_2,
                l2=config.arch_l2,
                clip_norm=config.arch_clip_norm,
            ),
            arch_order=config.arch_order,
        )
        model.build_optimizers()
        return model

    def _alphas(self) -> Alphas:
        normal, reduce = (np.asarray(variable) for variable in self.model.arch_variables)
        return Alphas(self.space, normal, reduce)
