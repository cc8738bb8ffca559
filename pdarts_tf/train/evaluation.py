"""Architecture evaluation: the network of a genotype, trained from scratch and tested.

Reference: P-DARTS (arXiv 1904.12760), sections 4.3 and 4.4.
"""

import functools
import os
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import numpy as np
import tensorflow as tf

from pdarts_tf import schedules
from pdarts_tf.config import ConfigError, TrainConfig
from pdarts_tf.cost.complexity import count_macs, count_parameters
from pdarts_tf.cost.plan import Plan, train_plan
from pdarts_tf.data import pipeline
from pdarts_tf.data.images import DataError, ImageData
from pdarts_tf.genotype import Genotype
from pdarts_tf.runs import checkpoint
from pdarts_tf.runs.epochs import EpochResult, Evaluate, Session, run_epochs
from pdarts_tf.runs.observers import EpochStart
from pdarts_tf.runs.out_of_memory import explain_out_of_memory
from pdarts_tf.runs.run_directory import BEST_WEIGHTS, GENOTYPE, LAST_WEIGHTS, METRICS
from pdarts_tf.runs.state import RunState
from pdarts_tf.stems import stem_for
from pdarts_tf.train.assessing import assess
from pdarts_tf.train.assessment import Assessment
from pdarts_tf.train.scores import (
    TrainingOutcome,
    best,
    check_stored_weights,
    epochs_since_best,
    is_best,
    scores,
)
from pdarts_tf.train.training_images import split_training_images
from pdarts_tf.training.averaging import WeightAverage
from pdarts_tf.training.loop import TrainingLoop
from pdarts_tf.training.losses import class_weights
from pdarts_tf.training.optimizers import weight_optimizer
from pdarts_tf.training.supervised import VALIDATION_NAMES, SupervisedNetwork

_AVERAGE = "average/"


class Images(Protocol):
    """Properties of images that a network depends on."""

    @property
    def num_classes(self) -> int:
        """Number of classes."""

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of every image."""


def make_network(config: TrainConfig, data: Images) -> SupervisedNetwork:
    """Returns the built network of a run.

    Args:
        config: Settings of the training.
        data: The images.

    Raises:
        ConfigError: Images of that size do not fit, or the network is larger than allowed.
    """
    try:
        model = SupervisedNetwork(
            Genotype.parse(config.genotype),
            init_channels=config.init_channels,
            num_layers=config.layers,
            num_classes=data.num_classes,
            stem=stem_for(config.stem, data.image_shape),
            auxiliary=config.auxiliary,
            drop_path_rate=config.drop_path_rate,
            seed=config.seed,
            name="network",
            **config.network_options,
        )
        model.build((None, *data.image_shape))
    except ValueError as error:
        raise ConfigError(str(error)) from error
    counts = {
        "parameters": count_parameters(model),
        "macs": count_macs(model, data.image_shape[:2]),
    }
    for name, count in counts.items():
        limit = getattr(config, f"max_{name}")
        if limit is not None and count > limit:
            raise ConfigError(
                f"the network has {count:,} {name}, more than --max_{name}={limit:,}; "
                "use fewer --init_channels or --layers, or another genotype"
            )
    return model


class Training:
    """The training of a network on given data, which `run_epochs` runs.

    Args:
        config: Settings of the training.
        data: The data set.
        strategy: Devices that share each batch; by default the current strategy.

    Raises:
        ConfigError: See `make_network`.
        DataError: See `split_training_images`.

    Attributes:
        images: The images that train the weights, and those for validation.
        steps: Steps per epoch.
        plan: Table of the training and of the memory it takes.
    """

    part = None
    first_epoch = 0

    def __init__(
        self,
        config: TrainConfig,
        data: ImageData,
        strategy: tf.distribute.Strategy | None = None,
    ) -> None:
        self.config = config
        self.epochs = config.epochs
        self.batch_size = config.batch_size
        self.jit_compile = config.compiles_steps
        self.images = split_training_images(config, data)
        self.steps = self.images.steps
        self.strategy = strategy or tf.distribute.get_strategy()
        with self.strategy.scope():
            self.model = make_network(config, data)  # first, as it checks the images' size
            self.model.compile(
                weight_optimizer(
                    learning_rate=config.learning_rate,
                    momentum=config.momentum,
                    l2=config.l2,
                    clip_norm=config.clip_norm,
                ),
                auxiliary_weight=config.auxiliary_weight,
                label_smoothing=config.label_smoothing,
                gradient_accumulation=config.gradient_accumulation,
                class_weights=class_weights(
                    config.class_weights, self.images.for_weights.labels, data.num_classes
                ),
            )
            self.model.optimizer.build(self.model.trainable_variables)
        self.plan: Plan = train_plan(config, data, self.images.counts, self.steps)
        self.weights = checkpoint.variables_of(self.model)
        self._variables = checkpoint.variables_of(
            self.model, self.model.optimizer
        ) | checkpoint.metrics_of(self.model)
        floating = {n: v for n, v in self.weights.items() if str(v.dtype).startswith("float")}
        self.average = WeightAverage(floating, config.average_decay)

    def run(self, session: Session) -> TrainingOutcome:
        """Trains for the epochs that are left.

        Args:
            session: State, files and observers of the run.

        Raises:
            NonFiniteLossError: A loss became NaN or infinite.
            OutOfMemoryError: The training needs more memory than there is.
            CheckpointError: The checkpoint is not of this network.
            StoppedError: A signal asked to stop; there is a checkpoint of the last step.
            WriteError: A file cannot be written.
        """
        config = self.config
        arrays = session.checkpoints.take_arrays()
        if arrays is not None:
            self._restore(arrays)
            if session.directory.writes:
                check_stored_weights(session.directory.path, session.state.metrics)
        del arrays
        session.directory.write(GENOTYPE, Genotype.parse(config.genotype).to_json() + "\n")
        memory = self.plan.parts[0].memory
        with explain_out_of_memory(memory, config.batch_size, "the training", self.strategy):
            run_epochs(self, session)
        assessment = None
        if session.directory.writes:
            weights = BEST_WEIGHTS if self._validation_batches is not None else LAST_WEIGHTS
            assessment = self._assess(os.path.join(session.directory.path, weights))
        return self._result(session.state, assessment)

    def _assess(self, weights: str) -> Assessment | None:
        """Returns the assessment of stored weights on the test images; None if there are none."""
        data = self.images.data
        if not data.test.num_images:
            return None
        network = restored_network(self.config, data, weights)
        return assess(network, self._test_batches, data.test)

    def _restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        average = {name: a for name, a in arrays.items() if name.startswith(_AVERAGE)}
        self.average.arrays = {name.removeprefix(_AVERAGE): a for name, a in average.items()}
        rest = {name: a for name, a in arrays.items() if name not in average}
        checkpoint.restore(self._variables, rest)

    def variables(self) -> Mapping[str, Any]:
        """Returns {name: variable or array} of network, optimizer, metrics and average."""
        average = {_AVERAGE + name: array for name, array in self.average.arrays.items()}
        return self._variables | average

    def batches(self, first_step: int) -> Iterable[Any]:
        """Returns the training batches from a step on."""
        return self.images.training_batches(self.config, first_step)

    @functools.cached_property
    def _validation_batches(self) -> tf.data.Dataset | None:
        held_out = self.images.for_validation
        return None if held_out is None else self.images.evaluation_batches(self.config, held_out)

    @functools.cached_property
    def _test_batches(self) -> tf.data.Dataset:
        return self.images.evaluation_batches(self.config, self.images.data.test)

    def begin_epoch(self, epoch: int) -> EpochStart:
        """Sets learning rate and drop-path rate of an epoch."""
        config, model = self.config, self.model
        learning_rate = schedules.LEARNING_RATE_SCHEDULES[config.schedule](
            epoch, config.epochs, config.learning_rate, config.learning_rate_warmup_epochs
        )
        rate = schedules.drop_path(epoch, config.epochs, config.drop_path_rate)
        model.optimizer.learning_rate = learning_rate
        model.drop_path_rate = rate
        rates = {"learning_rate": learning_rate, "drop_path_rate": rate}
        return EpochStart(epoch, {"epoch": epoch + 1}, rates)

    def ends_early(self, state: RunState) -> bool:
        """Returns whether the validation score has not become better for long enough."""
        patience = self.config.early_stopping_epochs
        return 0 < patience <= epochs_since_best(state.metrics)

    def end_epoch(
        self, start: EpochStart, logs: dict[str, float], evaluate: Evaluate, state: RunState
    ) -> EpochResult:
        """Validates and tests the weights, or their average, and keeps them."""
        config = self.config
        # Until both are done, a checkpoint would hold the state after the last step.
        average = self.average.updated() if config.average_decay else {}
        with self.average.in_place(average):
            if self._validation_batches is not None:
                logs |= evaluate(self._validation_batches, names=VALIDATION_NAMES)
            logs |= evaluate(self._test_batches)
            weights = checkpoint.archive(self.weights, {"epochs": start.epoch + 1})
        self.average.arrays = average
        record = {**start.place, **logs, **start.rates}
        files = {LAST_WEIGHTS: weights}
        if self._validation_batches is not None and is_best(record, state.metrics):
            files = {BEST_WEIGHTS: weights, **files}
        return EpochResult({METRICS: record}, files)

    def _result(self, state: RunState, assessment: Assessment | None) -> TrainingOutcome:
        chosen = best(state.metrics)
        return TrainingOutcome(
            scores(state.metrics[-1]),
            None if chosen is None else scores(chosen),
            count_parameters(self.model),
            count_macs(self.model, self.images.data.image_shape[:2]),
            assessment,
        )


def restored_network(
    config: TrainConfig, data: Images, weights: str | os.PathLike[str]
) -> SupervisedNetwork:
    """Returns the network of a run with stored weights.

    Args:
        config: Settings of the training.
        data: The images.
        weights: File with the weights.

    Raises:
        ConfigError: See `make_network`.
        CheckpointError: The weights are damaged or of another network.
    """
    model = make_network(config, data)
    arrays, _ = checkpoint.load(weights)
    checkpoint.restore(checkpoint.variables_of(model), arrays)
    return model


def evaluate(
    config: TrainConfig, data: ImageData, weights: str | os.PathLike[str]
) -> dict[str, float]:
    """Tests stored weights on the whole test split.

    Args:
        config: Settings of the run.
        data: The data set; its classes and image shape are those of the run.
        weights: Path of the weights.

    Returns:
        {"test_loss", "test_accuracy", "test_top5"}.

    Raises:
        ConfigError: See `make_network`.
        CheckpointError: The weights are damaged or of another network.
        DataError: There are no test images.
    """
    if not data.test.num_images:
        raise DataError(f"{data.name} has no test images to test the weights on")
    model = restored_network(config, data, weights)
    batches = pipeline.evaluation_batches(data.test, config.batch_size, data.mean, data.std)
    return TrainingLoop(model, jit_compile=config.compiles_steps).evaluate(batches)
