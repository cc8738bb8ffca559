"""Supernets that several tests share, since tracing the cells of one takes many seconds.

They lie in caches, so that each is traced once however many files ask for it. A test first puts
one back into the state it needs.
"""

import functools
from pathlib import Path

import numpy as np
import tensorflow as tf

import pdarts_tf as pd

GOLDENS = Path(__file__).parent / "goldens"
STAGES = (1, 2, 3)


def uniform_space(*names):
    """A space with the same candidates on every edge of both cells."""
    mask = np.tile([name in names for name in pd.PRIMITIVES], (14, 1))
    return pd.SearchSpace(mask, mask)


def state_of(arrays, *prefixes):
    """The golden arrays of some prefixes without these; those of the last prefix count."""
    return {
        name.removeprefix(prefix): array
        for prefix in prefixes
        for name, array in arrays.items()
        if name.startswith(prefix)
    }


def snapshot(variables):
    """Copies of the variables' values."""
    return [variable.numpy().copy() for variable in variables]


def restore(variables, values):
    """Sets variables to what `snapshot` returned."""
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def compile_search(model, weight_rate=0.025, arch_rate=6e-4, arch_order="first"):
    """Gives a supernet new optimizers, and metrics that start afresh."""
    model.compile(
        weight_optimizer=pd.weight_optimizer(weight_rate),
        arch_optimizer=pd.arch_optimizer(arch_rate),
        arch_order=arch_order,
    )
    model.build_optimizers()
    for metric in model.metrics:
        metric.reset_state()


class GoldenSupernet:
    """One stage's small supernet of the goldens, and what the official code computed with it.

    Attributes:
        arrays: the golden file, in PyTorch's layout.
        model: a `Supernet` with 4 channels and 5 cells.
    """

    def __init__(self, stage):
        with np.load(GOLDENS / f"supernet_stage{stage}.npz") as file:
            self.arrays = dict(file)
        self.model = self._build()
        self._before = snapshot(self._build_with("before/").weights)
        self.restart()

    def restart(self):
        """Puts the model back to where the goldens begin."""
        restore(self.model.weights, self._before)

    def images(self, half):
        """The images of "train" or "valid"."""
        return tf.constant(self.arrays[f"{half}/x"].transpose(0, 2, 3, 1))

    def labels(self, half):
        """The labels of "train" or "valid"."""
        return tf.constant(self.arrays[f"{half}/y"])

    def data(self):
        """What `train_step` takes."""
        return tuple((self.images(half), self.labels(half)) for half in ("train", "valid"))

    def expected(self, prefix):
        """The golden arrays whose names begin with a prefix, as the weights of another model.

        Values that the goldens do not have under this prefix are those of "before/".
        """
        return self._build_with("before/", prefix)

    def _build(self):
        space = pd.SearchSpace(self.arrays["switches_normal"], self.arrays["switches_reduce"])
        model = pd.Supernet(space, init_channels=4, num_layers=5)
        model.build((None, 16, 16, 3))
        return model

    def _build_with(self, *prefixes):
        model = self._build()
        state = {
            name.removeprefix(prefix): array
            for prefix in prefixes
            for name, array in self.arrays.items()
            if name.startswith(prefix) and not name.endswith("/train_loss")
        }
        pd.load_torch_state_dict(model, state)
        return model


@functools.cache
def golden_supernet(stage):
    """Returns the one `GoldenSupernet` of a stage."""
    return GoldenSupernet(stage)


def torch_arrays(model):
    """Splits the weights of a supernet into the arrays that PyTorch has of its own.

    Returns:
        {(path of the variable without the model, row of a stacked one or None): array}.
    """
    stacked = {variable.path for cell in model.cells for variable in cell.mixed.weights}
    arrays: dict[tuple[str, int | None], np.ndarray] = {}
    for variable in model.weights:
        name = variable.path.partition("/")[2]
        if variable.path in stacked:
            arrays |= {(name, row): array for row, array in enumerate(variable.numpy())}
        else:
            arrays[name, None] = variable.numpy()
    return arrays


@functools.cache
def skip_supernet():
    """Returns (model, its initial weights): few candidates, dropout after skips, quick to trace."""
    model = build_skip_supernet()
    return model, snapshot(model.weights)


def build_skip_supernet(seed=3, like=None):
    """Another model as that of `skip_supernet`.

    Args:
        seed: of the model.
        like: a model whose traces it uses.
    """
    space = uniform_space("avg_pool_3x3", "skip_connect")
    model = pd.Supernet(
        space, init_channels=4, num_layers=4, num_classes=3, skip_dropout_rate=0.5, seed=seed
    )
    model.build((None, 8, 8, 3))
    if like is not None:
        model.compute = like.compute
    return model


def skip_images(seed=0):
    """Images (4, 8, 8, 3) and labels for `skip_supernet`."""
    rng = np.random.default_rng(seed)
    images = tf.constant(rng.normal(size=(4, 8, 8, 3)).astype(np.float32))
    return images, tf.constant(rng.integers(0, 3, 4))
