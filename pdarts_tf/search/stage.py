"""One stage of the search: a supernet, trained for some epochs together with its alphas.

Reference: P-DARTS (arXiv 1904.12760), section 4.2.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from pdarts_tf import schedules
from pdarts_tf.alphas import Alphas
from pdarts_tf.config import SearchConfig, StageConfig
from pdarts_tf.data import pipeline
from pdarts_tf.data.images import ImageData
from pdarts_tf.runs import checkpoint
from pdarts_tf.runs.epochs import EpochResult, Evaluate, Session, run_epochs
from pdarts_tf.runs.observers import EpochStart
from pdarts_tf.runs.state import RunState
from pdarts_tf.search.phase import SearchPhase
from pdarts_tf.search.split import SearchImages
from pdarts_tf.search_space import SearchSpace
from pdarts_tf.stems import stem_for
from pdarts_tf.training.bilevel import Supernet
from pdarts_tf.training.optimizers import arch_optimizer


def make_supernet(
    config: SearchConfig, stage: StageConfig, space: SearchSpace, data: ImageData
) -> Supernet:
    """Returns the supernet of a stage, not yet built."""
    return Supernet(
        space,
        init_channels=stage.init_channels,
        num_layers=stage.num_layers,
        num_classes=data.num_classes,
        stem=stem_for(config.stem, data.image_shape),
        skip_dropout_rate=stage.skip_dropout_rate,
        seed=config.seed,
        name="supernet",
        **config.network_options,
    )


class StageSearch(SearchPhase):
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
        self.space = space  # which the model is built of
        super().__init__(config, stage, images, strategy, f"stage {stage.index + 1}")

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
        self.restore(arrays)
        run_epochs(self, session)
        return self._alphas()

    def batches(self, first_step: int) -> Iterable[Any]:
        """Returns pairs of batches, for the weights and for the alphas, from a step on."""
        images = self.images
        return pipeline.bilevel_batches(
            images.for_weights, images.for_alphas, **self._batching(first_step)
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
            self._place(epoch),
            {"learning_rate": learning_rate, "skip_dropout_rate": rate},
            retrace,
        )

    def end_epoch(
        self, start: EpochStart, logs: dict[str, float], evaluate: Evaluate, state: RunState
    ) -> EpochResult:
        """Validates in the last epochs, and measures the alphas."""
        if self._validates(start.epoch):
            logs |= evaluate(self._validation_batches)
        return self._result(start, logs, self._alphas())

    def _built_model(self) -> Supernet:
        config, data = self.config, self.images.data
        model = make_supernet(config, self.stage, self.space, data)
        model.build((None, *data.image_shape))
        model.compile(
            self._weight_optimizer(),
            arch_optimizer(
                learning_rate=config.arch_learning_rate,
                beta_1=config.arch_beta_1,
                beta_2=config.arch_beta_2,
                l2=config.arch_l2,
                clip_norm=config.arch_clip_norm,
            ),
            arch_order=config.arch_order,
            class_weights=self._class_weights(),
        )
        model.build_optimizers()
        return model

    def _model_variables(self) -> dict[str, Any]:
        model = self.model
        return checkpoint.variables_of(model, model.optimizer, model.arch_optimizer)

    def _alphas(self) -> Alphas:
        normal, reduce = (np.asarray(variable) for variable in self.model.arch_variables)
        return Alphas(self.space, normal, reduce)
