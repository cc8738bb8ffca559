"""The steps that searches and trainings run on a device, traced as for a GPU."""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import tensorflow as tf

import pdarts_tf as pd
from pdarts_tf.config import SearchConfig, StageConfig, TrainConfig
from pdarts_tf.config.compute import PRECISIONS
from pdarts_tf.data.augmentation import Augmentation
from pdarts_tf.data.images import Split
from pdarts_tf.data.pipeline import bilevel_batches, evaluation_batches
from pdarts_tf.layers.device_kind import traced_for
from pdarts_tf.search_space import SearchSpace, random_space
from pdarts_tf.stems import stem_for
from pdarts_tf.training.bilevel import Supernet
from pdarts_tf.training.supervised import SupervisedNetwork

ConcreteFunction: TypeAlias = tf.types.experimental.ConcreteFunction

SETTINGS = ("plain", "rematerialize", "accumulation")
"""How a step computes; only trainings have the last one."""

STAGES = {f"stage {stage.index + 1}": stage for stage in SearchConfig().stages}

PARTS = 2
"""Parts of a batch with accumulation."""

# Neither changes which operations there are.
_BATCH, _IMAGE_SIZE, _CHANNELS = 8, 32, 4
_CLASSES = 10


def batch_specs() -> tuple[Any, Any]:
    """Returns the specifications of the batches that the input pipeline hands to the steps.

    Returns:
        (those of a bilevel step, those of a validation or test step): structures of tf.TensorSpec.
    """
    images = np.zeros((_BATCH, _IMAGE_SIZE, _IMAGE_SIZE, 3), np.uint8)
    split = Split(images, np.zeros(_BATCH, np.int64))
    scaling = {"mean": (0.5,) * 3, "std": (0.25,) * 3}
    train = bilevel_batches(
        split,
        split,
        batch_size=_BATCH,
        steps_per_epoch=1,
        seed=(0,),
        first_step=0,
        last_step=1,
        augmentation=Augmentation(),
        **scaling,
    )
    return train.element_spec, evaluation_batches(split, _BATCH, **scaling).element_spec


def search_steps(
    stage: StageConfig,
    precision: str = "none",
    setting: str = "plain",
    *,
    space: SearchSpace | None = None,
    num_layers: int | None = None,
) -> dict[str, ConcreteFunction]:
    """Traces the steps of a stage: in the warm-up, after it, and of the validation.

    Args:
        stage: The stage.
        precision: A key of `PRECISIONS`.
        setting: "plain" or "rematerialize".
        space: Search space; by default one as the stage's, drawn at random.
        num_layers: Number of cells; by default the stage's.

    Returns:
        {name: traced step}.
    """
    model = Supernet(
        random_space(stage.num_candidates) if space is None else space,
        init_channels=_CHANNELS,
        num_layers=num_layers or stage.num_layers,
        num_classes=_CLASSES,
        skip_dropout_rate=stage.skip_dropout_rate,
        rematerialize=setting == "rematerialize",
        dtype=PRECISIONS[precision],
    )
    model.build((None, _IMAGE_SIZE, _IMAGE_SIZE, 3))
    model.compile(pd.weight_optimizer(), pd.arch_optimizer())
    model.build_optimizers()
    train, test = batch_specs()
    searching = _traced(model.train_step, train)
    model.search_alphas = False
    return {
        "warm-up": _traced(model.train_step, train),
        "search": searching,
        "validation": _traced(model.test_step, test),
    }


def network_steps(
    precision: str = "none",
    setting: str = "plain",
    *,
    genotype: pd.Genotype | None = None,
    num_layers: int | None = None,
) -> dict[str, ConcreteFunction]:
    """Traces the steps of an evaluation network: of its training and of its test.

    Args:
        precision: A key of `PRECISIONS`.
        setting: One of `SETTINGS`.
        genotype: Genotype; by default the paper's.
        num_layers: Number of cells; by default the paper's.

    Returns:
        {name: traced step}.
    """
    config = TrainConfig()
    model = SupervisedNetwork(
        genotype or pd.GENOTYPES["PDARTS"],
        init_channels=_CHANNELS,
        num_layers=num_layers or config.layers,
        num_classes=_CLASSES,
        stem=stem_for(config.stem, (_IMAGE_SIZE, _IMAGE_SIZE)),
        auxiliary=config.auxiliary,
        drop_path_rate=config.drop_path_rate,
        rematerialize=setting == "rematerialize",
        dtype=PRECISIONS[precision],
    )
    model.build((None, _IMAGE_SIZE, _IMAGE_SIZE, 3))
    parts = PARTS if setting == "accumulation" else 1
    model.compile(pd.weight_optimizer(), gradient_accumulation=parts)
    model.optimizer.build(model.trainable_variables)
    (train, _), test = batch_specs()
    return {"train": _traced(model.train_step, train), "test": _traced(model.test_step, test)}


def _traced(step: Callable[..., Any], specification: Any) -> ConcreteFunction:
    with traced_for("GPU"):
        return tf.function(step, autograph=False).get_concrete_function(specification)
