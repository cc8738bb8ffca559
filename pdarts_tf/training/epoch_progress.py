"""Progress inside an epoch, and the names of its steps; needs no TensorFlow."""

import dataclasses
from collections.abc import Mapping

TRAINING, EVALUATION = "training", "evaluation"
"""The steps of a model, each of which becomes a graph."""


@dataclasses.dataclass
class EpochProgress:
    """Progress inside an epoch: all that is needed, beside the variables, to resume there.

    Args:
        steps: Number of steps taken.
        logs: Means over these steps, by name.
        seconds: Time that they have taken, in all processes that the epoch has seen.
    """

    steps: int = 0
    logs: Mapping[str, float] = dataclasses.field(default_factory=dict)
    seconds: float = 0.0
