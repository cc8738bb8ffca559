"""Loads arrays under the parameter names of the official PyTorch code into our models."""

import numpy as np

from pdarts_tf.interop.slots import Slot, dense_slots, kernel_kind, norm_slots, preprocess_slots
from pdarts_tf.layers.operations import POOLS
from pdarts_tf.models.network import EvaluationNetwork
from pdarts_tf.models.supernet import SearchNetwork

_AUXILIARY = "auxiliary_head."

# Names of the kernels and batch norms inside each operation of the official code.
_SEPARABLE = (("op.1", "op.2", "op.5", "op.6"), ("op.3", "op.7"))
_DILATED = (("op.1", "op.2"), ("op.3",))
_NAMES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "skip_connect": (("conv_1", "conv_2"), ("bn",)),
    "sep_conv_3x3": _SEPARABLE,
    "sep_conv_5x5": _SEPARABLE,
    "sep_conv_7x7": _SEPARABLE,
    "dil_conv_3x3": _DILATED,
    "dil_conv_5x5": _DILATED,
    "conv_7x1_1x7": (("1", "2"), ("3",)),
}
# In a mixed operation the batch norm of a pool follows it as item 1 of a sequence.
_MIXED_NAMES = {**_NAMES, **dict.fromkeys(POOLS, ((), ("1",)))}


def _mixed_slots(name, mixed):
    stacks = {
        kernel: variable
        for (kernel, _), variable in zip(mixed.plan.stacks, mixed.kernels, strict=True)
    }
    slots: dict[str, Slot] = {}
    for e, edge in enumerate(mixed.plan.edges):
        for o, candidate in enumerate(edge.candidates):
            if not candidate.norms:  # neither `none` nor an identity has parameters
                continue
            prefix = f"{name}.cell_ops.{e}.m_ops.{o}"
            kernels, norms = _MIXED_NAMES[candidate.primitive]
            for suffix, (kernel, row) in zip(kernels, candidate.kernels, strict=True):
                slots[f"{prefix}.{suffix}.weight"] = Slot(stacks[kernel], kernel_kind(kernel), row)
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
    }
    slots |= norm_slots("stem.1", model.stem_norm) | dense_slots("classifier", model.head)
    for i, cell in enumerate(model.cells):
        for j, layer in enumerate(cell.preprocess):
            slots |= preprocess_slots(f"cells.{i}.preprocess{j}", layer)
        slots |= _mixed_slots(f"cells.{i}", cell.mixed)
    return slots


def _operation_slots(name, operation):
    if not operation.norms:  # neither a pool nor an identity has parameters
        return {}
    kernels, norms = _NAMES[operation.primitive]
    definitions = operation.definition.kernels[operation.stride]
    slots = {
        f"{name}.{suffix}.weight": Slot(variable, kernel_kind(kernel))
        for suffix, kernel, variable in zip(kernels, definitions, operation.kernels, strict=True)
    }
    for suffix, norm in zip(norms, operation.norms, strict=True):
        slots |= norm_slots(f"{name}.{suffix}", norm)
    return slots


def _stem_slots(model):
    names = {
        "cifar": (("stem.0", "stem.1"),),
        "imagenet": (("stem0.0", "stem0.1"), ("stem0.3", "stem0.4"), ("stem1.1", "stem1.2")),
    }[model.stem]
    slots: dict[str, Slot] = {}
    for (kernel, norm), layer in zip(names, model.stem_layers, strict=True):
        slots |= {f"{kernel}.weight": Slot(layer.kernel, "conv")} | norm_slots(norm, layer.norm)
    return slots


def _auxiliary_slots(head):
    slots: dict[str, Slot] = {}
    for i, (kernel, norm) in enumerate(zip(head.kernels, head.norms, strict=True)):
        # Items of one sequence: relu, pool, then twice convolution, batch norm, relu.
        features, item = f"{_AUXILIARY}features", 2 + 3 * i
        slots |= {f"{features}.{item}.weight": Slot(kernel, "conv")}
        slots |= norm_slots(f"{features}.{item + 1}", norm)
    return slots | dense_slots(f"{_AUXILIARY}classifier", head.classifier)


def network_slots(model):
    """Returns {official parameter name: Slot} of a built evaluation network."""
    slots = _stem_slots(model) | dense_slots("classifier", model.head)
    for i, cell in enumerate(model.cells):
        for j, layer in enumerate(cell.preprocess):
            slots |= preprocess_slots(f"cells.{i}.preprocess{j}", layer)
        for j, operation in enumerate(cell.operations):
            slots |= _operation_slots(f"cells.{i}._ops.{j}", operation)
    if model.auxiliary_head is not None:
        slots |= _auxiliary_slots(model.auxiliary_head)
    return slots


def _model_slots(model, arrays):
    if not isinstance(model, SearchNetwork | EvaluationNetwork):
        raise ValueError(f"`model` must be a Supernet or an EvaluationNetwork. Received: {model!r}")
    if not model.built:
        model.build((None, None, None, _image_channels(arrays)))
    return supernet_slots(model) if isinstance(model, SearchNetwork) else network_slots(model)


def _image_channels(arrays):
    """The channels of the images that a state dict is for."""
    for name in ("stem.0.weight", "stem0.0.weight"):
        if name in arrays:
            return np.shape(arrays[name])[1]
    raise ValueError(
        "The state dict lacks 'stem.0.weight', which says how many channels images have."
    )


def _is_needed(name, slots):
    """Whether an array of a state dict has to have a slot."""
    if name.startswith(_AUXILIARY) and not any(slot.startswith(_AUXILIARY) for slot in slots):
        return False
    return not name.endswith("num_batches_tracked")


def _check(slots, given):
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


def load_torch_state_dict(model, arrays):
    """Sets all weights of a model from a state dict of the official code.

    Args:
        model: a `Supernet` or `EvaluationNetwork`; it is built if it has not been.
        arrays: {official parameter name: array in PyTorch's layout}. Counters named
            `num_batches_tracked` are not needed and ignored; so are `auxiliary_head.*` if the model
            has no auxiliary head, which only training uses. A model with one needs them.

    Raises:
        ValueError: a parameter is missing, surplus, or of another shape: the first is named, and
            no weight has been changed.
    """
    slots = _model_slots(model, arrays)
    given = {name: array for name, array in arrays.items() if _is_needed(name, slots)}
    _check(slots, given)
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
