"""Sizes of what is measured: the paper's on a GPU, and small ones to try the benchmark on a CPU."""

import dataclasses
from typing import Any

from pdarts_tf.config import SearchConfig, StageConfig, TrainConfig
from pdarts_tf.search_space import SearchSpace, random_space

PAPER_IMAGES = 25_000
"""Images of CIFAR-10 that train the weights in a search; as many train the alphas."""


@dataclasses.dataclass(frozen=True)
class Sizes:
    """Sizes for a kind of device.

    Args:
        stages: The stages of the search.
        network: The evaluation network.
        batch_size: Images per step of the search.
        network_batch_size: Images per step of the network's training.
        timing: Keyword arguments of `timing.step_seconds`.
        goldens: Stages whose goldens are compared.
        golden_network: Whether the network's are, too.
        depthwise: Pixels per side and channels of the depthwise convolutions.
        stream_batches: Batches of the input pipeline to time.
        loop_steps: Steps of a search to take from the input pipeline.
        published: Whether these are the paper's sizes.
    """

    stages: tuple[StageConfig, ...]
    network: TrainConfig
    batch_size: int
    network_batch_size: int
    timing: dict[str, int]
    goldens: tuple[int, ...]
    golden_network: bool
    depthwise: tuple[tuple[int, int], ...]
    stream_batches: int
    loop_steps: int
    published: bool

    def stage(self, number: int) -> tuple[StageConfig, SearchSpace]:
        """Returns a stage and its search space, drawn at random."""
        stage = self.stages[number - 1]
        return stage, random_space(stage.num_candidates)


def _small(stage: StageConfig) -> StageConfig:
    """Returns a stage with all kinds of cells, and little to trace."""
    changes: dict[str, Any] = {"num_layers": 3, "num_candidates": 2, "init_channels": 4}
    return dataclasses.replace(stage, **changes)


SIZES = {
    "gpu": Sizes(
        stages=SearchConfig().stages,
        network=TrainConfig(),
        batch_size=96,
        network_batch_size=128,
        timing={"rounds": 3, "steps": 10, "warm_up": 3},
        goldens=(3, 2, 1),
        golden_network=True,
        depthwise=((32, 16), (16, 32), (8, 64)),  # the resolutions of a supernet
        stream_batches=300,
        loop_steps=60,
        published=True,
    ),
    "cpu": Sizes(
        stages=tuple(_small(stage) for stage in SearchConfig().stages),
        network=dataclasses.replace(TrainConfig(), init_channels=4, layers=3),
        batch_size=4,
        network_batch_size=4,
        timing={"rounds": 2, "steps": 1, "warm_up": 0},
        goldens=(),
        golden_network=True,
        depthwise=((8, 4),),
        stream_batches=20,
        loop_steps=5,
        published=False,
    ),
}
"""By kind of device."""
