"""Loads arrays under the parameter names of the official PyTorch code into our models."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from pdarts_tf.layers.operations import POOLS

# Names of the kernels and batch norms inside each operation of the official code.
_SEPARABLE = (("op.1", "op.2", "op.5", "op.6"), ("op.3", "op.7"))
_DILATED = (("op.1", "op.2"), ("op.3",))
_NAMES = {
    "skip_connect": (("conv_1", "conv_2"), ("bn",)),
    "sep_conv_3x3": _SEPARABLE,
    "sep_conv_5x5": _SEPARABLE,
    "sep_conv_7x7": _SEPARABLE,
    "dil_conv_3x3": _DILATED,
    "dil_conv_5x5": _DILATED,
    "conv_7x1_1x7": (("1", "2"), ("3",)),
}


@dataclass(frozen=True)
class Slot:
    """Where an array goes: a variable, or one row of a stacked one.

    Args:
        variable: a Keras variable.
        kind: how the official layout differs from ours: "depthwise", "conv" (also 1x1 ones, which
            are matrices here), "linear" or "plain".
        row: index along the first axis if several arrays are stacked in the variable.
    """

    variable: Any
    kind: str = "plain"
    row: int | None = None

    @property
    def shape(self):
        """Shape in our layout."""
        shape = tuple(self.variable.shape)
        return shape if self.row is None else shape[1:]

    @property
    def torch_shape(self):
        """Shape in the official layout."""
        shape = self.shape
        if self.kind == "depthwise":
            return (shape[2], 1, *shape[:2])
        if self.kind == "conv":
            return (shape[-1], shape[-2], *(shape[:2] if len(shape) == 4 else (1, 1)))
        return shape[::-1] if self.kind == "linear" else shape

    def from_torch(self, array):
        """Returns an array of `torch_shape` in our layout."""
        axes = {"depthwise": (2, 3, 0, 1), "conv": (2, 3, 1, 0), "linear": (1, 0)}
        array = np.transpose(array, axes[self.kind]) if self.kind in axes else array
        return np.reshape(array, self.shape)


def _norm_slots(name, norm):
    slots = {
        f"{name}.running_mean": Slot(norm.moving_mean),
        f"{name}.running_var": Slot(norm.moving_variance),
    }
    if norm.affine:
        slots |= {f"{name}.weight": Slot(norm.gamma), f"{name}.bias": Slot(norm.beta)}
    return slots


def _preprocess_slots(name, layer):
    if layer.stride == 1:
        slots = {f"{name}.op.1.weight": Slot(layer.kernels[0], "conv")}
        return slots | _norm_slots(f"{name}.op.2", layer.norm)
    halves = enumerate(layer.kernels, 1)
    slots = {f"{name}.conv_{i}.weight": Slot(kernel, "conv") for i, kernel in halves}
    return slots | _norm_slots(f"{name}.bn", layer.norm)


def _kernel_kind(kernel):
    return "depthwise" if kernel.kind == "depthwise" else "conv"


def _mixed_slots(name, mixed):
    stacks = {
        kernel: variable
        for (kernel, _), variable in zip(mixed.plan.stacks, mixed.kernels, strict=True)
    }
    slots = {}
    for e, edge in enumerate(mixed.plan.edges):
        for o, candidate in enumerate(edge.candidates):
            prefix = f"{name}.cell_ops.{e}.m_ops.{o}"
            # In a mixed operation the batch norm of a pool follows it as item 1 of a sequence.
            if candidate.primitive in POOLS:
                kernels, norms = (), ("1",)
            elif candidate.norms:
                kernels, norms = _NAMES[candidate.primitive]
            else:
                continue
            for suffix, (kernel, row) in zip(kernels, candidate.kernels, strict=True):
                slots[f"{prefix}.{suffix}.weight"] = Slot(stacks[kernel], _kernel_kind(kernel), row)
            for suffix, row in zip(norms, candidate.norms, strict=True):
                slots[f"{prefix}.{suffix}.running_mean"] = Slot(mixed.moving_mean, row=row)
                slots[f"{prefix}.{suffix}.running_var"] = Slot(mixed.moving_variance, row=row)
    return slots


def supernet_slots(model):
    """Returns {official parameter name: Slot} of a built supernet."""
    normal, reduce = model.arch_variables
    slots = {
        "alphas_normal": Slot(normal),
        "alphas_reduce": Slot(reduce),
        "stem.0.weight": Slot(model.stem_kernel, "conv"),
        "classifier.weight": Slot(model.head.kernel, "linear"),
        "classifier.bias": Slot(model.head.bias),
    } | _norm_slots("stem.1", model.stem_norm)
    for i, cell in enumerate(model.cells):
        for j, layer in enumerate(cell.preprocess):
            slots |= _preprocess_slots(f"cells.{i}.preprocess{j}", layer)
        slots |= _mixed_slots(f"cells.{i}", cell.mixed)
    return slots


def load_torch_state_dict(model, arrays):
    """Sets all weights of a built model from a state dict of the official code.

    Args:
        model: a `Supernet`.
        arrays: {official parameter name: array in PyTorch's layout}. Counters named
            `num_batches_tracked` are not needed and ignored.

    Raises:
        ValueError: a parameter is missing, surplus, or of another shape; the first is named, and
            nothing has been changed.
    """
    slots = supernet_slots(model)
    given = {name: a for name, a in arrays.items() if not name.endswith("num_batches_tracked")}
    for name, slot in slots.items():
        if name not in given:
            raise ValueError(f"The state dict lacks {name!r} of shape {slot.torch_shape}.")
        if np.shape(given[name]) != slot.torch_shape:
            raise ValueError(
                f"{name!r} must have shape {slot.torch_shape}. Received: {np.shape(given[name])}"
            )
    for name, array in given.items():
        if name not in slots:
            raise ValueError(
                f"The state dict has {name!r} of shape {np.shape(array)}, "
                "which this model does not have."
            )
    values: dict[int, np.ndarray] = {}
    variables = {}
    for name, slot in slots.items():
        key = id(slot.variable)
        variables[key] = slot.variable
        if key not in values:
            values[key] = np.zeros(slot.variable.shape, slot.variable.dtype)
        values[key][... if slot.row is None else slot.row] = slot.from_torch(given[name])
    for key, value in values.items():
        variables[key].assign(value)
