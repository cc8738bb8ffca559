"""The golden evaluation networks, which several tests share since building one takes a second."""

import dataclasses
import functools
from pathlib import Path

import numpy as np
import tensorflow as tf

import pdarts_tf as pd

GOLDENS = Path(__file__).parent / "goldens"
NUM_LAYERS = {"cifar": 5, "imagenet": 3}
STEM_KERNELS = {"cifar": "stem.0.weight", "imagenet": "stem0.0.weight"}


@dataclasses.dataclass
class GoldenNetwork:
    """An evaluation network with the official weights, and what the official code computed."""

    stem: str
    arrays: dict[str, np.ndarray]
    model: pd.EvaluationNetwork

    @property
    def state_dict(self):
        """The official weights by name."""
        prefix = "before/"
        names = [name for name in self.arrays if name.startswith(prefix)]
        return {name.removeprefix(prefix): self.arrays[name] for name in names}

    @property
    def images(self):
        """The images (batch, height, width, channels)."""
        return tf.constant(self.arrays["x"].transpose(0, 2, 3, 1))

    def restart(self):
        """Sets the weights, which training passes have changed."""
        pd.load_torch_state_dict(self.model, self.state_dict)


@functools.cache
def golden_network(stem):
    """The network of one golden file."""
    with np.load(GOLDENS / f"network_{stem}_pdarts.npz") as file:
        arrays = dict(file)
    model = pd.EvaluationNetwork(
        pd.GENOTYPES["PDARTS"],
        init_channels=4,
        num_layers=NUM_LAYERS[stem],
        stem=stem,
        auxiliary=True,
    )
    golden = GoldenNetwork(stem, arrays, model)
    model.build(golden.images.shape)
    return golden
