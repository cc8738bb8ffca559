"""One stage of the search: a supernet, trained for some epochs together with its alphas.

Reference: P-DARTS (arXiv 1904.12760), section 4.2.
"""

import gc

import keras
import numpy as np

from pdarts_tf import schedules
from pdarts_tf.data import pipeline
from pdarts_tf.data.augmentation import Augmentation
from pdarts_tf.derivation import derive_genotype
from pdarts_tf.errors import StoppedError
from pdarts_tf.runs import checkpoint
from pdarts_tf.runs.journal import timing
from pdarts_tf.runs.progress import Progress
from pdarts_tf.runs.run_directory import ALPHAS, METRICS, TIMINGS
from pdarts_tf.search_space import mean_entropy
from pdarts_tf.training.loop import EpochProgress, TrainingLoop
from pdarts_tf.training.optimizers import arch_optimizer, weight_optimizer


class StageSearch:
    """One stage of a `ProgressiveSearch`: its supernet, and the loop over its epochs.

    Args:
        search: the whole search, of which this reads settings, data and devices, and into whose
            journal it writes.
        stage: a `StageConfig`.
        space: the `SearchSpace` of the stage.
    """

    def __init__(self, search, stage, space):
        self.search = search
        self.config = search.config
        self.stage = stage
        self.space = space
        keras.backend.clear_session()  # the graphs of the stage before
        gc.collect()
        config = self.config
        with search.strategy.scope():
            self.model = self._built_model()
        self.variables = checkpoint.variables_of(
            self.model, self.model.optimizer, self.model.arch_optimizer
        ) | checkpoint.metrics_of(self.model)
        self.first_epoch = stage.index * config.epochs
        progress = Progress(search.clock, self.first_epoch, search.steps, config.batch_size)
        callbacks, part = [progress, *search.callbacks], f"stage {stage.index + 1}"
        self.loop = TrainingLoop(self.model, callbacks, search.strategy, part)

    def _built_model(self):
        """Returns the supernet with all its variables, those of both optimizers included."""
        config, search = self.config, self.search
        model = search.supernet(self.stage, self.space)
        model.build((None, *search.data.image_shape))
        model.compile(
            weight_optimizer(
                config.learning_rate,
                momentum=config.momentum,
                l2=config.l2,
                clip_norm=config.clip_norm,
            ),
            arch_optimizer(
                config.arch_learning_rate,
                beta_1=config.arch_beta_1,
                beta_2=config.arch_beta_2,
                l2=config.arch_l2,
                clip_norm=config.arch_clip_norm,
            ),
        )
        model.build_optimizers()
        return model

    def train(self, restored):
        """Trains what is left of the stage, from a checkpoint inside it if one is given.

        Raises:
            StoppedError: a signal asked to stop; there is a checkpoint of the last step.
        """
        search = self.search
        epoch, progress = 0, EpochProgress()
        if restored is not None:
            checkpoint.restore(self.variables, restored.arrays)
            epoch, progress = restored.epochs - self.first_epoch, restored.progress
            search.clock.traced.add(restored.epochs)
        search.checkpointing.watch(
            lambda: self.variables, search.content, search.steps, self.first_epoch + epoch, progress
        )
        try:
            self._run_epochs(epoch, progress)
        except StoppedError:
            search.checkpointing.save()
            raise

    def _run_epochs(self, first_epoch, progress):
        config, search = self.config, self.search
        batches = iter(self._batches(first_epoch * search.steps + progress.steps))
        validation = self._validation()
        for epoch in range(first_epoch, config.epochs):
            self._schedule(epoch)
            self.loop.run_epoch(epoch, batches, search.steps, progress)
            logs = dict(progress.logs)
            if epoch >= config.epochs - config.validation_epochs:
                logs |= self.loop.evaluate(validation, epoch)
                search.log(
                    f"validation: loss {logs['valid_loss']:.4f}, "
                    f"accuracy {logs['valid_accuracy']:.4f}"
                )
            progress = self._finish(epoch, logs, progress.seconds)

    def _batches(self, first_step):
        config, search = self.config, self.search
        return pipeline.bilevel_batches(
            *search.halves,
            batch_size=config.batch_size,
            steps_per_epoch=search.steps,
            seed=(config.seed, self.stage.index),
            first_step=first_step,
            last_step=config.epochs * search.steps,
            augmentation=Augmentation(
                config.crop_padding,
                config.flip,
                resized_crop=config.augmentation == "resized_crop",
                color_jitter=config.color_jitter,
            ),
            mean=search.data.mean,
            std=search.data.std,
        )

    def _validation(self):
        data, config = self.search.data, self.config
        batches = pipeline.evaluation_batches(
            self.search.halves[1], config.batch_size, data.mean, data.std
        )
        return batches.take(config.max_steps_per_epoch or -1)

    def _schedule(self, epoch):
        """Sets what changes from epoch to epoch, and says so."""
        config, model = self.config, self.model
        rate = schedules.skip_dropout(
            epoch, config.epochs, config.warmup_epochs, self.stage.skip_dropout_rate
        )
        learning_rate = schedules.cosine(epoch, config.epochs, config.learning_rate)
        model.optimizer.learning_rate = learning_rate
        model.skip_dropout_rate = rate
        self.rates = {"learning_rate": learning_rate, "skip_dropout_rate": rate}
        search_alphas = epoch >= config.warmup_epochs
        if search_alphas != model.search_alphas:
            model.search_alphas = search_alphas
            self.loop.retrace()
        self.search.log(
            f"Stage {self.stage.index + 1}/{len(config.stages)}, epoch {epoch + 1}/{config.epochs}:"
            f" learning rate {learning_rate:.4g}, skip dropout {rate:.3f}, "
            + ("weights and alphas" if search_alphas else "weights only")
        )

    def _finish(self, epoch, logs, seconds):
        """Records an epoch; returns the progress of the next one."""
        search = self.search
        alphas = [np.asarray(variable) for variable in self.model.arch_variables]
        genotype = derive_genotype(self.space, alphas[0], alphas[1])
        where = {"stage": self.stage.index + 1, "epoch": epoch + 1}
        record = {
            **where,
            **logs,
            **self.rates,
            "entropy_normal": mean_entropy(alphas[0]),
            "entropy_reduce": mean_entropy(alphas[1]),
            "skip_connects": genotype.num_skip_connects,
        }
        values = {cell: a.tolist() for cell, a in zip(("normal", "reduce"), alphas, strict=True)}
        times = timing(self.config.batch_size * search.steps, seconds)
        search.journal.add({METRICS: record, TIMINGS: where | times, ALPHAS: where | values})
        progress = search.checkpointing.finish_epoch()
        search.journal.publish()
        return progress
