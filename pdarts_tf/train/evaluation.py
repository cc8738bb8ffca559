"""Architecture evaluation: the network of a genotype, trained from scratch and tested.

Reference: P-DARTS (arXiv 1904.12760), sections 4.3 and 4.4.
"""

import json

import numpy as np
import tensorflow as tf

from pdarts_tf import schedules
from pdarts_tf.config.settings import ConfigError
from pdarts_tf.cost.complexity import count_macs, count_parameters
from pdarts_tf.cost.plan import train_plan
from pdarts_tf.data import pipeline
from pdarts_tf.data.augmentation import Augmentation
from pdarts_tf.data.sources import DataError
from pdarts_tf.errors import StoppedError
from pdarts_tf.genotype import Genotype
from pdarts_tf.runs import checkpoint
from pdarts_tf.runs.journal import Journal, timing
from pdarts_tf.runs.out_of_memory import explain_out_of_memory
from pdarts_tf.runs.progress import Clock, Progress
from pdarts_tf.runs.run_directory import (
    BEST_WEIGHTS,
    GENOTYPE,
    LAST_WEIGHTS,
    METRICS,
    RESULT,
    TIMINGS,
    console,
)
from pdarts_tf.tensorboard.board import TrainBoard
from pdarts_tf.training.averaging import WeightAverage
from pdarts_tf.training.loop import EpochProgress, TrainingLoop
from pdarts_tf.training.optimizers import weight_optimizer
from pdarts_tf.training.supervised import SupervisedNetwork

_AVERAGE = "average/"
_SCHEDULES = {
    "cosine": schedules.cosine_with_warmup,
    "linear": schedules.linear_with_warmup,
}


def make_network(config, data):
    """Returns the built network of a run.

    Args:
        config: a `TrainConfig`.
        data: `ImageData`, or anything else with its `num_classes` and `image_shape`.

    Raises:
        ConfigError: images of that size do not fit, or the network is larger than allowed.
    """
    try:
        model = SupervisedNetwork(
            Genotype.parse(config.genotype),
            init_channels=config.init_channels,
            num_layers=config.layers,
            num_classes=data.num_classes,
            stem=config.stem,
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


def test_batches(config, data):
    """Returns the batches of the whole test split."""
    return pipeline.evaluation_batches(data.test, config.batch_size, data.mean, data.std)


class Training:
    """The training of a network on given data.

    Args:
        config: a `TrainConfig`.
        data: `ImageData`.
        strategy: `tf.distribute.Strategy` of the devices that share each batch; by default the
            present one.

    Raises:
        ConfigError: see `make_network`.
        DataError: a batch does not fit into the training images.
    """

    def __init__(self, config, data, strategy=None):
        self.config = config
        self.data = data
        pipeline.check_batch_size(data.train.num_images, config.batch_size, f"{data.name} to train")
        self.steps = pipeline.steps_per_epoch(
            data.train.num_images, config.batch_size, config.max_steps_per_epoch
        )
        self.strategy = strategy or tf.distribute.get_strategy()
        with self.strategy.scope():
            self.model = make_network(config, data)  # first, as it checks the images' size
            self.model.compile(
                weight_optimizer(
                    config.learning_rate,
                    momentum=config.momentum,
                    l2=config.l2,
                    clip_norm=config.clip_norm,
                ),
                auxiliary_weight=config.auxiliary_weight,
                label_smoothing=config.label_smoothing,
                gradient_accumulation=config.gradient_accumulation,
            )
            self.model.optimizer.build(self.model.trainable_variables)
        self.plan = train_plan(config, data, self.steps)
        self.weights = checkpoint.variables_of(self.model)
        self.variables = checkpoint.variables_of(
            self.model, self.model.optimizer
        ) | checkpoint.metrics_of(self.model)
        floating = {n: v for n, v in self.weights.items() if str(v.dtype).startswith("float")}
        self.average = WeightAverage(floating, config.average_decay)
        self.clock = Clock([1.0] * config.epochs, self.steps, {0})
        self.log = console().info

    def execute(self, run, checkpointing, callbacks=()):
        """Trains what is left of the run, and writes its result.

        Args:
            run: an open `RunDirectory`.
            checkpointing: a `Checkpointing` of it.
            callbacks: further Keras callbacks of all steps.

        Raises:
            NonFiniteLossError: a loss became NaN or infinite.
            OutOfMemoryError: the training needs more memory than there is.
            CheckpointError: no checkpoint can be read, though there have been some.
            ConfigError: the directory holds weights that were imported.
            StoppedError: a signal asked to stop; there is a checkpoint of the last step.
            WriteError: a file cannot be written.
        """
        config = self.config
        self.run = run
        self.checkpointing = checkpointing
        self._refuse_imported()
        self.log(self.plan.text())
        progress = self._resume()
        run.write(GENOTYPE, Genotype.parse(config.genotype).to_json() + "\n")
        bar = Progress(self.clock, 0, self.steps, config.batch_size)
        self.loop = TrainingLoop(self.model, [bar, checkpointing, *callbacks], self.strategy)
        try:
            self._run_epochs(progress)
        except StoppedError:
            checkpointing.save()
            raise
        self._write_result()

    def _run_epochs(self, progress):
        config = self.config
        first_epoch = len(self.journal.metrics)
        batches = iter(self._batches(first_epoch * self.steps + progress.steps))
        test = test_batches(config, self.data).take(config.max_steps_per_epoch or -1)
        with explain_out_of_memory(self.plan.parts[0].memory, config.batch_size, "the training"):
            for epoch in range(first_epoch, config.epochs):
                self._schedule(epoch)
                self.loop.run_epoch(epoch, batches, self.steps, progress)
                progress = self._finish(epoch, progress, test)

    def _write_result(self):
        last = self.journal.metrics[-1]
        best = max(self.journal.metrics, key=_merit)
        names = ("epoch", "test_loss", "test_accuracy", "test_top5")
        result = {
            "last": {name: last[name] for name in names},
            "best": {name: best[name] for name in names},
            "parameters": count_parameters(self.model),
            "macs": count_macs(self.model, self.data.image_shape[:2]),
        }
        self.run.write(RESULT, json.dumps(result, indent=2) + "\n")

    def _resume(self):
        """Restores the newest checkpoint; returns how far the first unfinished epoch is."""
        restored = self.checkpointing.load()
        content = restored.content if restored else {}
        self.journal = Journal(self.run, (TIMINGS, METRICS), content, TrainBoard(self.config))
        progress = EpochProgress()
        if restored is not None:
            progress = restored.progress
            self._restore(restored.arrays)
            self.clock.traced.add(restored.epochs)
        self.checkpointing.watch(
            self._state,
            lambda: self.journal.content,
            self.steps,
            len(self.journal.metrics),
            progress,
        )
        return progress

    def _restore(self, arrays):
        average = {name: a for name, a in arrays.items() if name.startswith(_AVERAGE)}
        self.average.arrays = {name.removeprefix(_AVERAGE): a for name, a in average.items()}
        rest = {name: a for name, a in arrays.items() if name not in average}
        checkpoint.restore(self.variables, rest)

    def _state(self):
        average = {_AVERAGE + name: array for name, array in self.average.arrays.items()}
        return self.variables | average

    def _refuse_imported(self):
        """A training begins with a file of measurements: weights alone are somebody's import."""
        weights, metrics = (self.run.path / name for name in (BEST_WEIGHTS, METRICS))
        if weights.is_file() and not metrics.is_file():
            raise ConfigError(
                f"{self.run.path} holds imported weights, which a training would overwrite; choose "
                "another --output_dir"
            )

    def _batches(self, first_step):
        config, data = self.config, self.data
        return pipeline.training_batches(
            data.train,
            batch_size=config.batch_size,
            steps_per_epoch=self.steps,
            seed=(config.seed,),
            first_step=first_step,
            last_step=config.epochs * self.steps,
            augmentation=Augmentation(
                config.crop_padding,
                config.flip,
                config.cutout_length,
                config.augmentation == "resized_crop",
                config.color_jitter,
            ),
            mean=data.mean,
            std=data.std,
        )

    def _schedule(self, epoch):
        """Sets what changes from epoch to epoch, and says so."""
        config, model = self.config, self.model
        learning_rate = _SCHEDULES[config.schedule](
            epoch, config.epochs, config.learning_rate, config.learning_rate_warmup_epochs
        )
        rate = schedules.drop_path(epoch, config.epochs, config.drop_path_rate)
        model.optimizer.learning_rate = learning_rate
        model.drop_path_rate = rate
        self.rates = {"learning_rate": learning_rate, "drop_path_rate": rate}
        self.log(
            f"Epoch {epoch + 1}/{config.epochs}: learning rate {learning_rate:.4g}, "
            f"drop-path {rate:.3f}"
        )

    def _finish(self, epoch, progress, test):
        """Tests after an epoch, and keeps what has come out; returns the next epoch's progress."""
        config = self.config
        # Until the test is done, a checkpoint would hold the state after the last step.
        average = self.average.updated() if config.average_decay else {}
        with self.average.in_place(average):
            logs = progress.logs | self.loop.evaluate(test, epoch)
            weights = checkpoint.archive(self.weights, {"epochs": epoch + 1})
        self.average.arrays = average
        record = {"epoch": epoch + 1, **logs, **self.rates}
        self.log(
            f"test: loss {record['test_loss']:.4f}, top-1 {record['test_accuracy']:.4f}, "
            f"top-5 {record['test_top5']:.4f}"
        )
        # The weights first: a checkpoint says that they are there.
        best = max(map(_merit, self.journal.metrics), default=(0.0, -np.inf))
        if _merit(record) > best:
            self.run.write(BEST_WEIGHTS, weights)
        self.run.write(LAST_WEIGHTS, weights)
        times = timing(config.batch_size * self.steps, progress.seconds)
        self.journal.add({METRICS: record, TIMINGS: {"epoch": epoch + 1} | times})
        progress = self.checkpointing.finish_epoch()
        self.journal.publish()
        return progress


def _merit(record):
    """What makes weights better: accuracy, then a lower loss."""
    return record["test_accuracy"], -record["test_loss"]


def evaluate(config, data, weights):
    """Tests stored weights on the whole test split.

    Args:
        config: `TrainConfig` of the run.
        data: `ImageData`; its classes and image shape are those of the run.
        weights: path of the weights.

    Returns:
        {"test_loss", "test_accuracy", "test_top5"}.

    Raises:
        ConfigError: see `make_network`.
        CheckpointError: the weights are damaged or of another network.
        DataError: there are no test images.
    """
    if not data.test.num_images:
        raise DataError(f"{data.name} has no test images to test the weights on")
    model = make_network(config, data)
    arrays, _ = checkpoint.load(weights)
    checkpoint.restore(checkpoint.variables_of(model), arrays)
    return TrainingLoop(model).evaluate(test_batches(config, data))
