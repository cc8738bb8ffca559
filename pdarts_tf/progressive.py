"""The progressive search: three stages of growing depth and shrinking choice, then a genotype.

Only this module knows stages. Everything it needs to go on after a crash is in the run directory:
the search space of each stage, the alphas and measurements of every epoch, and checkpoints.

Reference: P-DARTS (arXiv 1904.12760), sections 3.2 and 3.3.
"""

import gc

import keras
import numpy as np
import tensorflow as tf

from pdarts_tf import schedules
from pdarts_tf.data import pipeline, sources
from pdarts_tf.data.augmentation import Augmentation
from pdarts_tf.derivation import derive_all, derive_genotype
from pdarts_tf.genotype import PRIMITIVES, genotypes_json
from pdarts_tf.report import console as text
from pdarts_tf.search_space import SearchSpace, mean_entropy
from pdarts_tf.training import checkpoint
from pdarts_tf.training.bilevel import Supernet
from pdarts_tf.training.loop import TrainingLoop
from pdarts_tf.training.optimizers import arch_optimizer, weight_optimizer
from pdarts_tf.training.precision import mixed_precision
from pdarts_tf.training.progress import Clock, Progress
from pdarts_tf.training.run_directory import ALPHAS, GENOTYPE, GENOTYPES, METRICS, console
from pdarts_tf.training.summaries import Summaries

CHECKPOINTS = "checkpoints"
SHARE_OF_WARMUP = 0.6  # of the time of a bilevel step that a step of the weights alone takes
# Most parameters first; `none` and the pools have none.
_HEAVIEST = ("sep_conv_5x5", "sep_conv_3x3", "dil_conv_5x5", "dil_conv_3x3", "skip_connect")


def space_file(stage):
    """Returns the name of the file with the candidates of a stage, counted from 0."""
    return f"search_space_stage{stage + 1}.json"


class ProgressiveSearch:
    """A search on given data.

    Args:
        config: a `SearchConfig`.
        data: `ImageData`.
        strategy: `tf.distribute.Strategy` of the devices that share each batch; by default the
            present one.

    Raises:
        DataError: the images do not fit the settings.
    """

    def __init__(self, config, data, strategy=None):
        self.config = config
        self.data = data
        self.strategy = strategy or tf.distribute.get_strategy()
        self.halves = split_images(config, data)
        self.steps = pipeline.steps_per_epoch(
            self.halves[0].num_images, config.batch_size, config.max_steps_per_epoch
        )
        costs = [
            stage.num_layers
            * stage.num_candidates
            * stage.init_channels
            * (SHARE_OF_WARMUP if epoch < config.warmup_epochs else 1.0)
            for stage in config.stages
            for epoch in range(config.epochs)
        ]
        # The functions of a stage are traced in its first epoch, and again when the alphas join in.
        traced = {
            stage.index * config.epochs + epoch
            for stage in config.stages
            for epoch in {0, config.warmup_epochs}
        }
        self.clock = Clock(costs, self.steps, traced)
        self.log = console().info

    def execute(self, run):
        """Runs what is left of the search in an open `RunDirectory`.

        Raises:
            NonFiniteLossError: a loss became NaN or infinite.
            CheckpointError: the newest checkpoint is damaged.
        """
        config = self.config
        self.run = run
        self.log(self._plan())
        restored = self._resume()
        summaries = Summaries(self.run.path / "tensorboard" if run.writes else None)
        for stage in config.stages[len(self.records) // config.epochs :]:
            space = self._space(stage)
            self.run.write(space_file(stage.index), space.to_json() + "\n")
            epoch = len(self.records) % config.epochs
            _StageSearch(self, stage, space, summaries).train(epoch, restored)
            restored = None
            if stage.num_to_drop:
                self._report_kept(self._space(config.stages[stage.index + 1]))
        summaries.close()
        self._derive()

    def _plan(self):
        """Returns what will run, as a table."""
        config, data = self.config, self.data
        shape = (None, *data.image_shape)
        counts = []
        for stage in config.stages:
            model = self.supernet(stage, _heaviest_space(stage.num_candidates))
            model.build(shape)
            counts.append(sum(int(np.prod(v.shape)) for v in model.trainable_variables))
        height, width, channels = data.image_shape
        first, second = self.halves
        return (
            f"Searching on {data.name}: {first.num_images:,} images {height}x{width}x{channels} for"
            f" the weights, {second.num_images:,} for the alphas, {data.num_classes} classes\n"
            + text.stage_table(config.stages, counts, config.epochs, self.steps)
            + "\n(parameters: at most, after the first stage it depends on what is kept)"
        )

    def supernet(self, stage, space):
        """Returns the supernet of a stage, not yet built."""
        config = self.config
        with mixed_precision(config.mixed_precision):
            return Supernet(
                space,
                stage.init_channels,
                stage.num_layers,
                self.data.num_classes,
                stage.skip_dropout_rate,
                seed=config.seed,
                name="supernet",
                **config.network_options,
            )

    def _resume(self):
        """Returns the variables of the newest checkpoint if the run stopped inside a stage.

        Measurements of epochs after that checkpoint are forgotten: they will be made again.
        """
        self.records = self.run.read_records(METRICS)
        self.alphas = self.run.read_records(ALPHAS)
        path = checkpoint.newest(self.run.path / CHECKPOINTS)
        if path is None:
            self.records, self.alphas = [], []
            return None
        arrays, position = checkpoint.load(path)
        epochs = position["epochs"]
        self.records, self.alphas = self.records[:epochs], self.alphas[:epochs]
        self.log(f"Resuming after epoch {epochs} of {len(self.config.stages) * self.config.epochs}")
        return arrays if epochs % self.config.epochs else None

    def _space(self, stage):
        """Returns the candidates of a stage: all, or what is left of the stage before."""
        if stage.index == 0:
            return SearchSpace.full()
        before = self.config.stages[stage.index - 1]
        last = self.alphas[stage.index * self.config.epochs - 1]
        return self._space(before).drop_lowest(
            np.array(last["normal"]), np.array(last["reduce"]), before.num_to_drop
        )

    def _report_kept(self, space):
        for cell in ("normal", "reduce"):
            self.log(text.kept_operations(space, cell))
            count = sum("skip_connect" in names for names in space.candidates(cell))
            self.log(f"{cell} cell: skip-connect is still a candidate on {count} edges")

    def record(self, record, alphas):
        """Adds what was measured in an epoch to the run's files."""
        self.records.append(record)
        self.alphas.append(alphas)
        self.run.write_records(ALPHAS, self.alphas)
        self.run.write_records(METRICS, self.records)

    def _derive(self):
        """Derives and writes all genotypes, the one for M as the result."""
        config = self.config
        space = self._space(config.stages[-1])
        normal, reduce = (np.array(self.alphas[-1][cell]) for cell in ("normal", "reduce"))
        restrict = config.restrict_reduce
        genotypes = derive_all(space, normal, reduce, restrict_reduce=restrict)
        result = derive_genotype(
            space, normal, reduce, config.max_skip_connects, restrict_reduce=restrict
        )
        self.run.write(GENOTYPES, genotypes_json(genotypes) + "\n")
        # Written last: it says that the run is finished.
        self.run.write(GENOTYPE, result.to_json() + "\n")
        self.log("All genotypes, by the limit of skip-connects in the normal cell:")
        self.log(text.genotype_list(genotypes))


class _StageSearch:
    """One stage: its supernet, and the loop over its epochs."""

    def __init__(self, search, stage, space, summaries):
        self.search = search
        self.config = search.config
        self.stage = stage
        self.space = space
        self.summaries = summaries
        keras.backend.clear_session()  # the graphs of the stage before
        gc.collect()
        config = self.config
        with search.strategy.scope():
            self.model = self._built_model()
        self.variables = checkpoint.variables_of(
            self.model, self.model.optimizer, self.model.arch_optimizer
        )
        self.first_epoch = stage.index * config.epochs
        progress = Progress(search.clock, self.first_epoch, search.steps, config.batch_size)
        self.loop = TrainingLoop(
            self.model, [progress], search.strategy, part=f"stage {stage.index + 1}"
        )

    def _built_model(self):
        """Returns the supernet with all its variables, those of both optimizers included."""
        config, search = self.config, self.search
        model = search.supernet(self.stage, self.space)
        model.build((None, *search.data.image_shape))
        model.compile(
            weight_optimizer(config.learning_rate, config.momentum, config.l2, config.clip_norm),
            arch_optimizer(
                config.arch_learning_rate,
                config.arch_beta_1,
                config.arch_beta_2,
                config.arch_l2,
                config.arch_clip_norm,
            ),
        )
        model.build_optimizers()
        return model

    def train(self, first_epoch, restored):
        """Trains from an epoch on, with restored variables if that is inside the stage."""
        config, search = self.config, self.search
        if restored is not None:
            checkpoint.restore(self.variables, restored)
            search.clock.traced.add(self.first_epoch + first_epoch)
        batches = iter(self._batches(first_epoch))
        validation = self._validation()
        for epoch in range(first_epoch, config.epochs):
            self._schedule(epoch)
            logs, seconds = self.loop.run_epoch(epoch, batches, search.steps)
            if epoch >= config.epochs - config.validation_epochs:
                logs |= self.loop.evaluate(validation, epoch)
                search.log(
                    f"validation: loss {logs['valid_loss']:.4f}, "
                    f"accuracy {logs['valid_accuracy']:.4f}"
                )
            self._finish(epoch, logs, seconds)

    def _batches(self, first_epoch):
        config, search = self.config, self.search
        return pipeline.bilevel_batches(
            *search.halves,
            batch_size=config.batch_size,
            steps_per_epoch=search.steps,
            seed=(config.seed, self.stage.index),
            first_step=first_epoch * search.steps,
            last_step=config.epochs * search.steps,
            augmentation=Augmentation(config.crop_padding, config.flip),
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
        """Records an epoch: measurements, alphas, TensorBoard, checkpoint."""
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
            "seconds": seconds,
            "images_per_second": self.config.batch_size * search.steps / seconds,
        }
        index = self.first_epoch + epoch + 1
        values = {cell: a.tolist() for cell, a in zip(("normal", "reduce"), alphas, strict=True)}
        search.record(record, where | values)
        self.summaries.write(record, index)
        if search.run.writes:
            checkpoint.save(search.run.path / CHECKPOINTS, index, self.variables, {"epochs": index})


def split_images(config, data):
    """Returns the training images in two parts, for the weights and for the alphas.

    Raises:
        DataError: a batch does not fit into one of them, or the size cannot be halved twice.
    """
    height, width, _ = data.image_shape
    if height % 4 or width % 4:
        near = f"{max(4, height // 4 * 4)} or {height // 4 * 4 + 4}"
        raise sources.DataError(
            "images must have a height and width divisible by 4, since two reductions halve them. "
            f"Received: {height}x{width}; set --image_size={near}"
        )
    halves = sources.split_in_two(data.train, config.train_portion, config.seed)
    for half, what in zip(halves, ("weights", "alphas"), strict=True):
        pipeline.check_batch_size(
            half.num_images, config.batch_size, f"the part of {data.name} for the {what}"
        )
    return halves


def _heaviest_space(num_candidates):
    """Returns the space with the most parameters among those with so many candidates."""
    others = [name for name in PRIMITIVES if name not in _HEAVIEST]
    names = [*_HEAVIEST, *others][:num_candidates]
    mask = np.tile([name in names for name in PRIMITIVES], (14, 1))
    return SearchSpace(mask, mask)
