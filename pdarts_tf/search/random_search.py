"""Random search: cells drawn at random, each trained for some epochs; the best validation wins.

References: Li, Talwalkar, "Random Search and Reproducibility for Neural Architecture Search" (UAI
2019, arXiv 1902.07638), section 3; the random search of DARTS (arXiv 1806.09055), section 3.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from pdarts_tf import schedules
from pdarts_tf.alphas import Alphas
from pdarts_tf.config import SearchConfig, StageConfig
from pdarts_tf.cost.plan import Plan, random_search_plan, sample_memory
from pdarts_tf.data import pipeline
from pdarts_tf.data.images import ImageData
from pdarts_tf.genotype import Genotype
from pdarts_tf.primitives import PRIMITIVES
from pdarts_tf.runs import checkpoint
from pdarts_tf.runs.epochs import EpochResult, Evaluate, Session, run_epochs
from pdarts_tf.runs.observers import EpochStart
from pdarts_tf.runs.out_of_memory import explain_out_of_memory
from pdarts_tf.runs.state import RunState
from pdarts_tf.search.choosing import best_sample
from pdarts_tf.search.outcome import SearchOutcome
from pdarts_tf.search.phase import SearchPhase
from pdarts_tf.search.split import SearchImages, split_images
from pdarts_tf.search_space import CELLS, SearchSpace
from pdarts_tf.stems import stem_for
from pdarts_tf.training.supervised import VALIDATION_NAMES, SupervisedNetwork


def random_alphas(seed: int, sample: int, primitives: tuple[str, ...] = PRIMITIVES) -> Alphas:
    """Draws architecture parameters at random, from which a random cell is derived.

    All parameters are independent and normally distributed. On every edge each operation but `none`
    is then equally likely to be the most probable, whatever its probability is, and into every node
    each pair of edges equally likely to be the strongest: the distribution of Li & Talwalkar, who
    draw the two edges of a node without replacement and an operation for each. Unlike cells drawn
    directly, these can be restricted to M skip-connects by the same rules as those of a search.

    Args:
        seed: Seed of the search.
        sample: Number of the sample, counted from 0.
        primitives: Names of the primitives of the search.

    Example:

    >>> random_alphas(0, 0).derive(max_skip_connects=2).num_skip_connects <= 2
    True
    """
    space = SearchSpace.full(primitives)
    rng = np.random.default_rng([seed, sample])
    return Alphas(space, *rng.normal(size=(len(CELLS), *space.normal.shape)))


class RandomSearch:
    """A random search on given data.

    Args:
        config: Settings of the search, whose strategy is "random".
        data: The data set.
        strategy: Devices that share each batch; by default the current strategy.

    Raises:
        DataError: The images do not fit the settings.

    Attributes:
        images: The training images in two parts.
        steps: Steps per epoch.
        samples: Architecture parameters of every sample.
    """

    def __init__(
        self,
        config: SearchConfig,
        data: ImageData,
        strategy: tf.distribute.Strategy | None = None,
    ) -> None:
        self.config = config
        self.images = split_images(config, data)
        self.strategy = strategy or tf.distribute.get_strategy()
        self.steps = self.images.steps
        self.samples = [
            random_alphas(config.seed, stage.index, config.primitives) for stage in config.stages
        ]

    @property
    def plan(self) -> Plan:
        """Table of the samples and of the memory they take."""
        num_images = self.images.for_weights.num_images, self.images.for_alphas.num_images
        genotypes = [sampled_genotype(self.config, alphas) for alphas in self.samples]
        return random_search_plan(self.config, genotypes, self.images.data, num_images, self.steps)

    def run(self, session: Session) -> SearchOutcome:
        """Trains sample by sample, and takes the best; samples already finished are skipped.

        Args:
            session: State, files and observers of the run.

        Raises:
            NonFiniteLossError, OutOfMemoryError, CheckpointError, StoppedError, WriteError: See
                `ProgressiveSearch.run`.
        """
        config, state = self.config, session.state
        for stage, alphas in zip(config.stages, self.samples, strict=True):
            if state.epochs < (stage.index + 1) * config.epochs:
                self._train(stage, alphas, session)
        last_epochs = state.metrics[config.epochs - 1 :: config.epochs]
        best = self.samples[best_sample(last_epochs)]
        return SearchOutcome.derived(config, self.samples, best)

    def _train(self, stage: StageConfig, alphas: Alphas, session: Session) -> None:
        config, state = self.config, session.state
        arrays = session.checkpoints.take_arrays()
        if stage.index == len(state.spaces):  # begins; else the checkpoint is of this sample
            state.spaces.append(alphas.space)
            arrays = None
        session.observer.begin_stage(stage, alphas.space, state)
        memory = sample_memory(config, stage, sampled_genotype(config, alphas), self.images.data)
        where = f"sample {stage.index + 1}"
        with explain_out_of_memory(memory, config.batch_size, where, self.strategy):
            SampleTraining(config, stage, alphas, self.images, self.strategy).train(session, arrays)


def sampled_genotype(config: SearchConfig, alphas: Alphas) -> Genotype:
    """Returns the genotype of a sample, with the skip-connects that the settings allow."""
    return alphas.derive(config.max_skip_connects, restrict_reduce=config.restrict_reduce)


class SampleTraining(SearchPhase):
    """The training of one sample, which `run_epochs` runs.

    The network is that of a supernet's stage with one cell of the search space instead of all: on
    the same half of the images, with the same augmentation and schedule; the other half validates.

    Args:
        config: Settings of the search.
        stage: Settings of the sample.
        alphas: Architecture parameters that the cell is derived from.
        images: The images for the weights, and those to validate.
        strategy: Devices that share each batch.
    """

    def __init__(
        self,
        config: SearchConfig,
        stage: StageConfig,
        alphas: Alphas,
        images: SearchImages,
        strategy: tf.distribute.Strategy,
    ) -> None:
        self.alphas = alphas  # which the model is built of
        super().__init__(config, stage, images, strategy, f"sample {stage.index + 1}")

    def train(self, session: Session, arrays: Mapping[str, np.ndarray] | None = None) -> None:
        """Trains for the epochs that are left.

        Args:
            session: State, files and observers of the run.
            arrays: Variables of a checkpoint inside the sample; None to start from the beginning.

        Raises:
            CheckpointError: The arrays are not of this network.
            NonFiniteLossError, StoppedError, WriteError: See `run_epochs`.
        """
        self.restore(arrays)
        run_epochs(self, session)

    def batches(self, first_step: int) -> Iterable[Any]:
        """Returns the batches for the weights from a step on."""
        return pipeline.training_batches(self.images.for_weights, **self._batching(first_step))

    def begin_epoch(self, epoch: int) -> EpochStart:
        """Sets the learning rate of an epoch."""
        config = self.config
        learning_rate = schedules.cosine(epoch, config.epochs, config.learning_rate)
        self.model.optimizer.learning_rate = learning_rate
        rates = {"learning_rate": learning_rate, "skip_dropout_rate": 0.0}
        return EpochStart(epoch, self._place(epoch), rates)

    def end_epoch(
        self, start: EpochStart, logs: dict[str, float], evaluate: Evaluate, state: RunState
    ) -> EpochResult:
        """Validates in the last epochs."""
        if self._validates(start.epoch):
            logs |= evaluate(self._validation_batches, names=VALIDATION_NAMES)
        return self._result(start, logs, self.alphas)

    def _built_model(self) -> SupervisedNetwork:
        config, data = self.config, self.images.data
        model = SupervisedNetwork(
            sampled_genotype(config, self.alphas),
            init_channels=self.stage.init_channels,
            num_layers=self.stage.num_layers,
            num_classes=data.num_classes,
            stem=stem_for(config.stem, data.image_shape),
            seed=config.seed,
            name="network",
            **config.network_options,
        )
        model.build((None, *data.image_shape))
        model.compile(self._weight_optimizer(), class_weights=self._class_weights())
        model.optimizer.build(model.trainable_variables)
        return model

    def _model_variables(self) -> dict[str, Any]:
        return checkpoint.variables_of(self.model, self.model.optimizer)
