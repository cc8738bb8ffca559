"""Slots: the variables of our models for the arrays of the official PyTorch code."""

from dataclasses import dataclass

import keras
import numpy as np

from pdarts_tf.layers.normalization import BatchNormalization
from pdarts_tf.layers.preprocess import Preprocess
from pdarts_tf.primitives import Kernel


@dataclass(frozen=True)
class Slot:
    """Place for an array: a variable, or one row of a stacked one.

    Args:
        variable: Variable that holds it.
        kind: How the official layout differs from ours: "depthwise", "conv" (also 1x1 ones, which
            are matrices here), "linear" or "plain".
        row: Index along the first axis if several arrays are stacked in the variable.
    """

    variable: keras.Variable
    kind: str = "plain"
    row: int | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape in our layout."""
        shape = tuple(self.variable.shape)
        return shape if self.row is None else shape[1:]

    @property
    def torch_shape(self) -> tuple[int, ...]:
        """Shape in the official layout."""
        shape = self.shape
        if self.kind == "depthwise":
            return (shape[2], 1, *shape[:2])
        if self.kind == "conv":
            return (shape[-1], shape[-2], *(shape[:2] if len(shape) == 4 else (1, 1)))
        return shape[::-1] if self.kind == "linear" else shape

    def from_torch(self, array: np.ndarray) -> np.ndarray:
        """Returns an array of `torch_shape` in our layout."""
        axes = {"depthwise": (2, 3, 0, 1), "conv": (2, 3, 1, 0), "linear": (1, 0)}
        array = np.transpose(array, axes[self.kind]) if self.kind in axes else array
        return np.reshape(array, self.shape)


Slots = dict[str, Slot]
"""Slots by the official names of the parameters."""


def norm_slots(name: str, norm: BatchNormalization) -> Slots:
    """Returns the slots of a batch norm that the official code calls `name`."""
    slots = {
        f"{name}.running_mean": Slot(norm.moving_mean),
        f"{name}.running_var": Slot(norm.moving_variance),
    }
    if norm.affine:
        slots |= {f"{name}.weight": Slot(norm.gamma), f"{name}.bias": Slot(norm.beta)}
    return slots


def dense_slots(name: str, dense: keras.layers.Dense) -> Slots:
    """Returns the slots of a Dense layer that the official code calls `name`."""
    return {f"{name}.weight": Slot(dense.kernel, "linear"), f"{name}.bias": Slot(dense.bias)}


def preprocess_slots(name: str, layer: Preprocess) -> Slots:
    """Returns the slots of a `Preprocess` that the official code calls `name`."""
    if layer.stride == 1:
        slots = {f"{name}.op.1.weight": Slot(layer.kernels[0], "conv")}
        return slots | norm_slots(f"{name}.op.2", layer.norm)
    halves = enumerate(layer.kernels, 1)
    slots = {f"{name}.conv_{i}.weight": Slot(kernel, "conv") for i, kernel in halves}
    return slots | norm_slots(f"{name}.bn", layer.norm)


def kernel_kind(kernel: Kernel) -> str:
    """Returns the `kind` of the slot of a kernel."""
    return "depthwise" if kernel.kind == "depthwise" else "conv"
