"""The bodies of traced functions: which nodes their results need, and where values come from."""

from collections.abc import Iterator, Mapping

from tensorflow.core.framework import function_pb2, node_def_pb2

from tools.kernel_registry import CALLS, arguments, definition_of

Place = tuple[str, int]
"""A node and the number of one of its outputs; the node "" stands for the function's arguments."""


class Body:
    """A function's nodes.

    Args:
        definition: The function.

    Attributes:
        nodes: Nodes by name.
        results: Where each result comes from.
    """

    def __init__(self, definition: function_pb2.FunctionDef) -> None:
        self.nodes = {node.name: node for node in definition.node_def}
        self._arguments = {each.name: i for i, each in enumerate(definition.signature.input_arg)}
        self._outputs: dict[str, list[str]] = {}
        results = [definition.ret[each.name] for each in definition.signature.output_arg]
        self.results = [self._place(reference) for reference in results]
        self.effects = list(definition.control_ret.values())

    def inputs(self, node: node_def_pb2.NodeDef) -> list[Place]:
        """Returns where a node's inputs come from, without those that only order."""
        return [self._place(each) for each in node.input if not each.startswith("^")]

    def before(self, node: node_def_pb2.NodeDef) -> Iterator[str]:
        """Yields the nodes that a node waits for without reading their outputs."""
        return (each[1:] for each in node.input if each.startswith("^") and each[1:] in self.nodes)

    def _place(self, reference: str) -> Place:
        """Returns the place of an argument, or of an output written as node:name:number."""
        if ":" not in reference:
            return "", self._arguments[reference]
        node, name, number = reference.split(":")
        if node not in self._outputs:
            outputs = arguments(self.nodes[node], definition_of(self.nodes[node].op).output_arg)
            self._outputs[node] = [each for each, _ in outputs]
        return node, self._outputs[node].index(name) + int(number)


class Library:
    """The functions that a traced one calls.

    Args:
        functions: All of them.
    """

    def __init__(self, functions: Iterator[function_pb2.FunctionDef]) -> None:
        self.functions = {each.signature.name: each for each in functions}
        self._bodies: dict[str, Body] = {}
        self._needed: dict[object, tuple[dict[str, set[int]], frozenset[int]]] = {}

    def body(self, name: str) -> Body:
        """Returns the body of a function."""
        if name not in self._bodies:
            self._bodies[name] = Body(self.functions[name])
        return self._bodies[name]

    def needed(
        self, name: str, results: frozenset[int]
    ) -> tuple[dict[str, set[int]], frozenset[int]]:
        """Returns what some of a function's results, and all of its effects, need.

        Returns:
            ({node: its outputs that are read}, the function's arguments that are read).
        """
        if (name, results) not in self._needed:
            self._needed[name, results] = self._find_needed(self.body(name), results)
        return self._needed[name, results]

    def _find_needed(
        self, body: Body, results: frozenset[int]
    ) -> tuple[dict[str, set[int]], frozenset[int]]:
        nodes: dict[str, set[int]] = {name: set() for name in body.effects}
        read: set[int] = set()
        waiting = list(nodes)
        places = [body.results[i] for i in results]
        while waiting or places:
            if places:
                name, output = places.pop()
                if not name:
                    read.add(output)
                elif output not in nodes.get(name, ()):
                    nodes.setdefault(name, set()).add(output)
                    waiting.append(name)
                continue
            node = body.nodes[waiting.pop()]
            places += self._inputs_read(body, node, nodes[node.name])
            for each in body.before(node):
                if each not in nodes:
                    nodes[each] = set()
                    waiting.append(each)
        return nodes, frozenset(read)

    def _inputs_read(
        self, body: Body, node: node_def_pb2.NodeDef, outputs: set[int]
    ) -> list[Place]:
        inputs = body.inputs(node)
        if node.op not in CALLS:
            return inputs
        _, read = self.needed(node.attr["f"].func.name, frozenset(outputs))
        return [inputs[i] for i in read]


def in_order(body: Body, needed: Mapping[str, object]) -> Iterator[node_def_pb2.NodeDef]:
    """Yields the needed nodes of a body, each after those that it reads or waits for."""
    done: set[str] = set()
    stack = list(needed)
    while stack:
        node = body.nodes[stack[-1]]
        sources = [name for name, _ in body.inputs(node)]
        missing = [
            name for name in (*sources, *body.before(node)) if name in needed and name not in done
        ]
        if node.name in done or missing:
            stack = stack[:-1] if node.name in done else stack + missing
            continue
        done.add(stack.pop())
        yield node
