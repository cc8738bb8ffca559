"""Kernels that TensorFlow has registered for a GPU, which its library knows without one.

A kernel that keeps an argument in host memory makes TensorFlow copy it there if it comes from the
device, and wait for it.
"""

import functools
from collections.abc import Iterable
from dataclasses import dataclass

import tensorflow as tf
from tensorflow.core.framework import attr_value_pb2, kernel_def_pb2, node_def_pb2, op_def_pb2
from tensorflow.python.framework import kernels, op_def_registry

# Function calls and control flow become no kernel: TensorFlow puts the bodies in their place.
CALLS = frozenset({"PartitionedCall", "StatefulPartitionedCall"})
LOOPS = frozenset({"While", "StatelessWhile"})
BRANCHES = frozenset({"Case", "If", "StatelessCase", "StatelessIf"})

# They hand on the memory of what they are given, or have none.
WITHOUT_KERNEL = (
    CALLS
    | LOOPS
    | BRANCHES
    | {"AssignVariableOp", "Const", "EnsureShape", "ExpandDims", "Identity", "IdentityN", "NoOp"}
    | {"Placeholder", "PreventGradient", "ReadVariableOp", "Reshape", "Squeeze", "StopGradient"}
    | {"VarHandleOp"}
)

_ON_HOST = frozenset({tf.int32, tf.string, tf.resource})
"""Types that TensorFlow keeps in host memory where functions begin and end."""


@dataclass(frozen=True)
class Kernel:
    """A kernel for the GPU.

    Args:
        host_arguments: Names of the inputs and outputs that are in host memory.
    """

    host_arguments: frozenset[str]


def definition_of(op: str) -> op_def_pb2.OpDef:
    """Returns the definition of an operation: its arguments and attributes."""
    return op_def_registry.get(op)


def types_of(node: node_def_pb2.NodeDef) -> tuple[str, ...]:
    """Returns the names of the types that a node is for, in the order of its attributes.

    Example:

    >>> node = node_def_pb2.NodeDef(op="Cast")
    >>> node.attr["SrcT"].type, node.attr["DstT"].type = 1, 14
    >>> types_of(node)
    ('float32', 'bfloat16')
    """
    names = []
    for attribute in definition_of(node.op).attr:
        if attribute.type in ("type", "list(type)") and attribute.name in node.attr:
            found = {tf.as_dtype(each).name: None for each in _types(node.attr[attribute.name])}
            names.append("+".join(found) or "none")
    return tuple(names)


def on_host_by_type(dtype: int) -> bool:
    """Returns whether values of a type are in host memory where functions begin and end."""
    return tf.as_dtype(dtype) in _ON_HOST


def is_on_cpu(node: node_def_pb2.NodeDef) -> bool:
    """Returns whether a node has been told to run on the host, by `tf.device`."""
    return "CPU" in node.device


def find_kernel(node: node_def_pb2.NodeDef) -> Kernel | None:
    """Returns the kernel that a GPU takes for a node; None if the node has to run on the host.

    A node runs where it has been told to, and one that works on a variable where the variable is.
    """
    if is_on_cpu(node) or updates_host_variable(node):
        return None
    label = node.attr["_kernel"].s.decode() if "_kernel" in node.attr else ""
    for kernel in _registered(node.op):
        if kernel.label == label and _fits(kernel, node):
            return Kernel(frozenset(kernel.host_memory_arg))
    return None


def arguments(
    node: node_def_pb2.NodeDef, described: Iterable[op_def_pb2.OpDef.ArgDef]
) -> list[tuple[str, int]]:
    """Returns (name, type) of every single input or output of a node.

    Args:
        node: The node.
        described: Its inputs or its outputs as its operation defines them, which may be lists.
    """
    found: list[tuple[str, int]] = []
    for argument in described:
        if argument.type_list_attr:
            types = list(node.attr[argument.type_list_attr].list.type)
        else:
            count = node.attr[argument.number_attr].i if argument.number_attr else 1
            types = [node.attr[argument.type_attr].type if argument.type_attr else argument.type]
            types *= count
        found += [(argument.name, each) for each in types]
    return found


def updates_host_variable(node: node_def_pb2.NodeDef) -> bool:
    """Returns whether a node reads or updates a variable that a GPU cannot hold, one of int32."""
    definition = definition_of(node.op)
    if "dtype" not in node.attr or not any(
        argument.type == tf.resource.as_datatype_enum for argument in definition.input_arg
    ):
        return False
    handle = node_def_pb2.NodeDef(op="VarHandleOp")
    handle.attr["dtype"].type = node.attr["dtype"].type
    return not any(_fits(kernel, handle) for kernel in _registered(handle.op))


@functools.cache
def _registered(op: str) -> tuple[kernel_def_pb2.KernelDef, ...]:
    """Returns the kernels for a GPU, those for any device last, as TensorFlow looks for them."""
    found = kernels.get_registered_kernels_for_op(op).kernel
    return tuple(
        kernel for device in ("GPU", "DEFAULT") for kernel in found if kernel.device_type == device
    )


def _fits(kernel: kernel_def_pb2.KernelDef, node: node_def_pb2.NodeDef) -> bool:
    return all(
        set(_types(node.attr[constraint.name])) <= set(constraint.allowed_values.list.type)
        for constraint in kernel.constraint
    )


def _types(value: attr_value_pb2.AttrValue) -> list[int]:
    return list(value.list.type) if value.HasField("list") else [value.type]
