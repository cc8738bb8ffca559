"""Weights of the official PyTorch code, by their names, in our models."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pdarts_tf.errors import quoted
from pdarts_tf.interop.slots import (
    Slot,
    Slots,
    dense_slots,
    kernel_kind,
    norm_slots,
    preprocess_slots,
)
from pdarts_tf.interop.state_dict import StateDict, is_counter, named_arrays
from pdarts_tf.layers.auxiliary import AuxiliaryHead
from pdarts_tf.layers.mixed_op import MixedOperations
from pdarts_tf.layers.normalization import BatchNormalization
from pdarts_tf.layers.operations import Operation
from pdarts_tf.models.network import EvaluationNetwork
from pdarts_tf.models.supernet import SearchNetwork
from pdarts_tf.primitives import TABLE, TorchNames

_AUXILIARY = "auxiliary_head."
# In a mixed operation the batch norm of a pool follows it as item 1 of a sequence.
_MIXED_POOL = TorchNames(kernels=(), norms=("1",))


def _names(primitive: str) -> TorchNames:
    names = TABLE[primitive].torch_names
    if names is None:
        raise ValueError(
            f"The official PyTorch code has no primitive {primitive!r}, and so no weights of it."
        )
    return names


def _mixed_slots(name: str, mixed: MixedOperations) -> Slots:
    stacks = {
        kernel: variable
        for (kernel, _), variable in zip(mixed.plan.stacks, mixed.kernels, strict=True)
    }
    slots: Slots = {}
    for e, edge in enumerate(mixed.plan.edges):
        for o, candidate in enumerate(edge.candidates):
            if not candidate.norms:  # neither `none` nor an identity has parameters
                continue
            prefix = f"{name}.cell_ops.{e}.m_ops.{o}"
            is_pool = TABLE[candidate.primitive].is_pool
            names = _MIXED_POOL if is_pool else _names(candidate.primitive)
            for suffix, (kernel, row) in zip(names.kernels, candidate.kernels, strict=True):
                slots[f"{prefix}.{suffix}.weight"] = Slot(stacks[kernel], kernel_kind(kernel), row)
            for suffix, row in zip(names.norms, candidate.norms, strict=True):
                slots[f"{prefix}.{suffix}.running_mean"] = Slot(mixed.moving_mean, row=row)
                slots[f"{prefix}.{suffix}.running_var"] = Slot(mixed.moving_variance, row=row)
    return slots


def supernet_slots(model: SearchNetwork) -> Slots:
    """Returns the slots of a built supernet."""
    normal, reduce = model.arch_variables
    slots = {
        "alphas_normal": Slot(normal),
        "alphas_reduce": Slot(reduce),
    }
    stem = [
        (model.stem_kernel, model.stem_norm),
        *((layer.kernel, layer.norm) for layer in model.later_stem_layers),
    ]
    slots |= _stem_slots(stem) | dense_slots("classifier", model.head)
    for i, cell in enumerate(model.cells):
        for j, layer in enumerate(cell.preprocess):
            slots |= preprocess_slots(f"cells.{i}.preprocess{j}", layer)
        slots |= _mixed_slots(f"cells.{i}", cell.mixed)
    return slots


def _operation_slots(name: str, operation: Operation) -> Slots:
    if not operation.norms:  # neither a pool nor an identity has parameters
        return {}
    names = _names(operation.primitive)
    kernels = TABLE[operation.primitive].kernels[operation.stride]
    slots = {
        f"{name}.{suffix}.weight": Slot(variable, kernel_kind(kernel))
        for suffix, kernel, variable in zip(names.kernels, kernels, operation.kernels, strict=True)
    }
    for suffix, norm in zip(names.norms, operation.norms, strict=True):
        slots |= norm_slots(f"{name}.{suffix}", norm)
    return slots


def _stem_slots(convolutions: Sequence[tuple[Any, BatchNormalization]]) -> Slots:
    """Returns the slots of a stem, by its kernels and batch norms."""
    names: tuple[tuple[str, str], ...] = (
        ("stem0.0", "stem0.1"),
        ("stem0.3", "stem0.4"),
        ("stem1.1", "stem1.2"),
    )
    if len(convolutions) == 1:
        names = (("stem.0", "stem.1"),)
    slots: Slots = {}
    for (name, norm_name), (kernel, norm) in zip(names, convolutions, strict=False):
        slots |= {f"{name}.weight": Slot(kernel, "conv")} | norm_slots(norm_name, norm)
    return slots


def _auxiliary_slots(head: AuxiliaryHead) -> Slots:
    slots: Slots = {}
    for i, (kernel, norm) in enumerate(zip(head.kernels, head.norms, strict=True)):
        # Items of one sequence: relu, pool, then twice convolution, batch norm, relu.
        features, item = f"{_AUXILIARY}features", 2 + 3 * i
        slots |= {f"{features}.{item}.weight": Slot(kernel, "conv")}
        slots |= norm_slots(f"{features}.{item + 1}", norm)
    return slots | dense_slots(f"{_AUXILIARY}classifier", head.classifier)


def network_slots(model: EvaluationNetwork) -> Slots:
    """Returns the slots of a built evaluation network."""
    slots = _stem_slots([(layer.kernel, layer.norm) for layer in model.stem_layers])
    if model.include_top:
        slots |= dense_slots("classifier", model.head)
    for i, cell in enumerate(model.cells):
        for j, layer in enumerate(cell.preprocess):
            slots |= preprocess_slots(f"cells.{i}.preprocess{j}", layer)
        for j, operation in enumerate(cell.operations):
            slots |= _operation_slots(f"cells.{i}._ops.{j}", operation)
    if model.auxiliary_head is not None:
        slots |= _auxiliary_slots(model.auxiliary_head)
    return slots


def _model_slots(model: SearchNetwork | EvaluationNetwork, arrays: StateDict) -> Slots:
    if not isinstance(model, SearchNetwork | EvaluationNetwork):
        raise ValueError(f"`model` must be a Supernet or an EvaluationNetwork. Received: {model!r}")
    if not model.built:
        model.build((None, None, None, _image_channels(arrays)))
    return supernet_slots(model) if isinstance(model, SearchNetwork) else network_slots(model)


def _image_channels(arrays: StateDict) -> int:
    """Returns the number of channels of the images that a state dict is for."""
    for name in ("stem.0.weight", "stem0.0.weight"):
        if name in arrays:
            shape = arrays[name].shape
            if len(shape) != 4 or not shape[1]:
                raise ValueError(f"{name!r} must have 4 dimensions. Received: shape {shape}")
            return shape[1]
    raise ValueError(
        "The state dict lacks 'stem.0.weight', which says how many channels images have."
    )


def _is_needed(name: str, slots: Slots) -> bool:
    """Returns whether an array of a state dict has to have a slot."""
    for ending in (_AUXILIARY, "classifier."):
        if name.startswith(ending) and not any(slot.startswith(ending) for slot in slots):
            return False
    return not is_counter(name)


def _check(slots: Slots, given: StateDict) -> None:
    for name, slot in slots.items():
        if name not in given:
            raise ValueError(f"The state dict lacks {name!r} of shape {slot.torch_shape}.")
        if given[name].shape != slot.torch_shape:
            raise ValueError(
                f"{name!r} must have shape {slot.torch_shape}. Received: {given[name].shape}"
            )
    for name, array in given.items():
        if name not in slots:
            raise ValueError(
                f"The state dict has {quoted(name)} of shape {array.shape}, "
                "which this model does not have."
            )


def load_torch_state_dict(
    model: SearchNetwork | EvaluationNetwork, arrays: Mapping[str, Any]
) -> None:
    """Sets all weights of a model from a state dict of the official code.

    Args:
        model: A `Supernet` or `EvaluationNetwork`; it is built if it has not been.
        arrays: Arrays or tensors in PyTorch's layout, by the official names of the parameters, or
            what `named_arrays` finds them in. Counters (`num_batches_tracked`, and thop's
            `total_ops` and `total_params`) are ignored; so are `auxiliary_head.*` if the model has
            no auxiliary head, which only training uses, and `classifier.*` if it has no classifier.
            A model with one needs them.

    Raises:
        ValueError: A parameter is missing, surplus, not of numbers, or of another shape, or the
            official code has no such primitive: the first is named, and no weight has been changed.

    Example:

    >>> from pdarts_tf.genotype import GENOTYPES
    >>> network = EvaluationNetwork(GENOTYPES["PDARTS"], init_channels=2, num_layers=3)
    >>> load_torch_state_dict(network, {"stem.0.weight": np.zeros((6, 3, 3, 3))})
    Traceback (most recent call last):
    ...
    ValueError: The state dict lacks 'stem.1.running_mean' of shape (6,).
    """
    named = named_arrays(arrays) if arrays else {}
    slots = _model_slots(model, named)
    given = {name: array for name, array in named.items() if _is_needed(name, slots)}
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
