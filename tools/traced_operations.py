"""Operations that a traced step takes on a GPU, before TensorFlow optimizes its graph.

Bodies of functions count as often as they are called, and those of loops as often as they run. What
no result needs does not count, and neither does what follows from constants alone: TensorFlow
computes that once, when it instantiates a function, whichever optimizers are on.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import tensorflow as tf
from tensorflow.core.framework import node_def_pb2

from tools import kernel_registry, nondeterminism
from tools.function_bodies import Body, Library, in_order
from tools.kernel_registry import BRANCHES, CALLS, LOOPS, WITHOUT_KERNEL, Kernel

GPU, HOST, NONE, MISSING = "GPU", "host", "-", "missing"
"""Where an operation runs: as a kernel of the GPU; on the host, since integers of 32 bits and
shapes are there; nowhere; on the host for want of a kernel."""


@dataclass(frozen=True)
class Operation:
    """An operation for some types.

    Args:
        op: Name of the operation.
        types: Types that it is for, see `kernel_registry.types_of`.
        kernel: One of `GPU`, `HOST`, `NONE`, `MISSING`.
        refusal: Message by which it refuses op determinism on a GPU; "" if it does not.
    """

    op: str
    types: tuple[str, ...]
    kernel: str
    refusal: str = ""


@dataclass(frozen=True)
class Copy:
    """A copy from the device to the host, for which the host waits.

    Args:
        source: Operation that has computed the value on the device.
        types: Its types.
        target: Operation that reads it in host memory.
        argument: Name of its argument.
    """

    source: str
    types: tuple[str, ...]
    target: str
    argument: str


@dataclass
class Tally:
    """Operations and copies of a step.

    Args:
        operations: How often each operation runs.
        copies: How often each copy to the host happens.
        unknown_loops: Number of loops of unknown length, which count as one iteration.
    """

    operations: Counter[Operation] = field(default_factory=Counter)
    copies: Counter[Copy] = field(default_factory=Counter)
    unknown_loops: int = 0

    def add(self, other: "Tally", times: int = 1) -> None:
        """Adds another one, so many times."""
        for operation, count in other.operations.items():
            self.operations[operation] += count * times
        for copy, count in other.copies.items():
            self.copies[copy] += count * times
        self.unknown_loops += other.unknown_loops * times

    def total(self, kernel: str) -> int:
        """Returns the number of operations that run in one of the places, such as `GPU`."""
        return sum(count for each, count in self.operations.items() if each.kernel == kernel)


class _Value(NamedTuple):
    on_host: bool
    constant: bool = False


def count_operations(step: tf.types.experimental.ConcreteFunction) -> Tally:
    """Returns what running a traced step comes to; to fetch its results is no part of it.

    Args:
        step: What `get_concrete_function` gives.
    """
    functions = [*step.graph.as_graph_def().library.function, step.function_def]
    signature = step.function_def.signature
    values = [_Value(kernel_registry.on_host_by_type(each.type)) for each in signature.input_arg]
    results = frozenset(range(len(signature.output_arg)))
    tally, _ = _Walk(Library(iter(functions))).function(signature.name, tuple(values), results)
    return tally


class _Walk:
    """Counts the functions of a library, each once for the same memory of its arguments."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._known: dict[object, tuple[Tally, list[_Value]]] = {}

    def function(
        self, name: str, given: tuple[_Value, ...], results: frozenset[int]
    ) -> tuple[Tally, list[_Value]]:
        """Counts a function with these arguments, of which some results are needed."""
        key = name, given, results
        if key not in self._known:
            body = self._library.body(name)
            needed, _ = self._library.needed(name, results)
            values = {("", i): value for i, value in enumerate(given)}
            tally = Tally()
            for node in in_order(body, needed):
                inputs = [values.get(place, _Value(False)) for place in body.inputs(node)]
                outputs = self._node(tally, body, node, inputs, frozenset(needed[node.name]))
                values |= {(node.name, i): value for i, value in enumerate(outputs)}
            found = [values.get(place, _Value(False)) for place in body.results]
            self._known[key] = tally, found
        return self._known[key]

    def _node(
        self,
        tally: Tally,
        body: Body,
        node: node_def_pb2.NodeDef,
        inputs: list[_Value],
        read: frozenset[int],
    ) -> list[_Value]:
        """Counts a node; returns its outputs."""
        if node.op in CALLS:
            inside, outputs = self.function(node.attr["f"].func.name, tuple(inputs), read)
            tally.add(inside)
            return outputs
        if node.op in LOOPS or node.op in BRANCHES:
            self._control_flow(tally, body, node)
            types = node.attr["T" if node.op in LOOPS else "Tout"].list.type
            return [_Value(kernel_registry.on_host_by_type(each)) for each in types]
        definition = kernel_registry.definition_of(node.op)
        types = [each for _, each in kernel_registry.arguments(node, definition.output_arg)]
        if not definition.is_stateful and all(each.constant for each in inputs):
            tally.operations[Operation(node.op, kernel_registry.types_of(node), NONE)] += 1
            on_cpu = kernel_registry.is_on_cpu(node)
            return [_Value(on_cpu or kernel_registry.on_host_by_type(each), True) for each in types]
        kernel = kernel_registry.find_kernel(node)
        tally.copies.update(_copies(body, node, kernel, inputs))
        names = [each for each, _ in kernel_registry.arguments(node, definition.output_arg)]
        outputs = [_Value(kernel is None or name in kernel.host_arguments) for name in names]
        where = _place(node, kernel, outputs)
        refusal = nondeterminism.refusal(node)
        tally.operations[Operation(node.op, kernel_registry.types_of(node), where, refusal)] += 1
        return outputs

    def _control_flow(self, tally: Tally, body: Body, node: node_def_pb2.NodeDef) -> None:
        """Counts a loop as often as it runs, and all branches of a choice."""
        times = _iterations(body, node) if node.op in LOOPS else 1
        tally.unknown_loops += times is None
        for name in _functions(node):
            signature = self._library.functions[name].signature
            values = [
                _Value(kernel_registry.on_host_by_type(each.type)) for each in signature.input_arg
            ]
            results = frozenset(range(len(signature.output_arg)))
            inside, _ = self.function(name, tuple(values), results)
            tally.add(inside, times or 1)


def _functions(node: node_def_pb2.NodeDef) -> list[str]:
    """Returns the names of the functions that a node has as attributes."""
    found: list[Any] = [value.func for value in node.attr.values() if value.HasField("func")]
    found += [each for value in node.attr.values() for each in value.list.func]
    return [each.name for each in found]


def _copies(
    body: Body, node: node_def_pb2.NodeDef, kernel: Kernel | None, inputs: Sequence[_Value]
) -> list[Copy]:
    """Returns the copies to the host of a node's inputs."""
    described = kernel_registry.definition_of(node.op).input_arg
    given = kernel_registry.arguments(node, described)
    found = []
    for (argument, _), place, value in zip(given, body.inputs(node), inputs, strict=True):
        if not value.on_host and (kernel is None or argument in kernel.host_arguments):
            source = body.nodes.get(place[0])
            name = source.op if source else "argument"
            types = kernel_registry.types_of(source) if source else ()
            found.append(Copy(name, types, node.op, argument))
    return found


def _place(node: node_def_pb2.NodeDef, kernel: Kernel | None, outputs: Sequence[_Value]) -> str:
    if node.op in WITHOUT_KERNEL:
        return NONE
    if kernel is None:
        asked = kernel_registry.is_on_cpu(node) or kernel_registry.updates_host_variable(node)
        return HOST if asked else MISSING
    return HOST if outputs and all(each.on_host for each in outputs) else GPU


def _iterations(body: Body, node: node_def_pb2.NodeDef) -> int | None:
    """Returns `maximum_iterations` of a tf.while_loop, its second value, if it is a constant."""
    source = body.nodes.get(body.inputs(node)[1][0])
    if source is None or source.op != "Const":
        return None
    limit = tf.make_ndarray(source.attr["value"].tensor)
    return int(limit) if limit.shape == () and limit.dtype == "int32" and limit > 0 else None
