"""The progressive search: stages of growing depth and shrinking choice, then a genotype.

Reference: P-DARTS (arXiv 1904.12760), sections 3.2 and 3.3.
"""

import tensorflow as tf

from pdarts_tf.alphas import Alphas
from pdarts_tf.config import SearchConfig, StageConfig
from pdarts_tf.cost.plan import Plan, search_plan, stage_memory
from pdarts_tf.data.images import ImageData
from pdarts_tf.runs.epochs import Session
from pdarts_tf.runs.out_of_memory import explain_out_of_memory
from pdarts_tf.runs.state import RunState
from pdarts_tf.search.outcome import SearchOutcome
from pdarts_tf.search.split import split_images
from pdarts_tf.search.stage import StageSearch
from pdarts_tf.search_space import SearchSpace


class ProgressiveSearch:
    """A search on given data.

    Args:
        config: Settings of the search.
        data: The data set.
        strategy: Devices that share each batch; by default the current strategy.

    Raises:
        DataError: The images do not fit the settings.

    Attributes:
        images: The training images in two parts.
        steps: Steps per epoch.
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

    @property
    def plan(self) -> Plan:
        """Table of the stages and of the memory they take."""
        num_images = self.images.for_weights.num_images, self.images.for_alphas.num_images
        return search_plan(self.config, self.images.data, num_images, self.steps)

    def run(self, session: Session) -> SearchOutcome:
        """Searches stage by stage, and derives the genotypes; stages already finished are skipped.

        Args:
            session: State, files and observers of the run.

        Raises:
            NonFiniteLossError: A loss became NaN or infinite.
            OutOfMemoryError: A stage needs more memory than there is.
            CheckpointError: The checkpoint is not of this search.
            StoppedError: A signal asked to stop; there is a checkpoint of the last step.
            WriteError: A file cannot be written.
        """
        space, results = SearchSpace.full(self.config.primitives), []
        for stage in self.config.stages:
            result = self._finished(stage, session.state)
            result = result or self._search_stage(stage, space, session)
            space = result.next_space(stage.num_to_drop)
            results.append(result)
        return SearchOutcome.derived(self.config, results, results[-1])

    def _finished(self, stage: StageConfig, state: RunState) -> Alphas | None:
        """The result of a stage that the run has finished before; None if it has not."""
        epochs = (stage.index + 1) * self.config.epochs
        if state.epochs < epochs:
            return None
        return Alphas.from_record(state.spaces[stage.index], state.alphas[epochs - 1])

    def _search_stage(self, stage: StageConfig, space: SearchSpace, session: Session) -> Alphas:
        state, arrays = session.state, session.checkpoints.take_arrays()
        if stage.index == len(state.spaces):  # begins; else the checkpoint is of this stage
            state.spaces.append(space)
            arrays = None
        space = state.spaces[stage.index]
        session.observer.begin_stage(stage, space, state)
        memory = stage_memory(self.config, stage, space, self.images.data)
        where, batch_size = f"stage {stage.index + 1}", self.config.batch_size
        with explain_out_of_memory(memory, batch_size, where, self.strategy):
            search = StageSearch(self.config, stage, space, self.images, self.strategy)
            return search.train(session, arrays)
