"""The plan of a supernet's cell: its operations, and where their parameters are stored."""

from collections.abc import Sequence
from dataclasses import dataclass

from pdarts_tf.layers.operations import OPERATIONS, POOLS, Kernel


@dataclass(frozen=True)
class Candidate:
    """One candidate operation of an edge.

    Args:
        primitive: Name of its primitive.
        weight: Its index among all weights of the cell, edge by edge.
        kernels: Its kernels: (kernel, index in the stack of such kernels).
        norms: Its rows of the cell's stacked running statistics.
    """

    primitive: str
    weight: int
    kernels: tuple[tuple[Kernel, int], ...]
    norms: tuple[int, ...]


@dataclass(frozen=True)
class Edge:
    """One edge of a cell: the mixed operation from node `source` to node `target`."""

    source: int
    target: int
    stride: int
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True)
class CellPlan:
    """The edges of a cell, and the stacks in which their parameters are stored.

    Cells with equal plans and shapes are computed by one traced function.

    Args:
        edges: In order of target, then source.
        stacks: (kernel, count): the shapes of the cell's variables.
        num_norms: Rows of the stacked running statistics.
    """

    edges: tuple[Edge, ...]
    stacks: tuple[tuple[Kernel, int], ...]
    num_norms: int

    @property
    def num_nodes(self) -> int:
        """Number of intermediate nodes."""
        return max(edge.target for edge in self.edges) - 1

    def edges_to(self, target: int) -> list[Edge]:
        """Returns the edges that lead to a node."""
        return [edge for edge in self.edges if edge.target == target]


def plan_cell(candidates: Sequence[Sequence[str]], reduction: bool) -> CellPlan:
    """Lays out the parameters of a cell.

    Args:
        candidates: Per edge, in order of target then source, the names of its candidates.
        reduction: Whether edges from the two inputs have stride 2.

    Raises:
        ValueError: A node has no edge with anything but `none`, so that it would stay empty.

    Example:

    >>> plan = plan_cell([["none", "sep_conv_3x3"], ["none", "dil_conv_3x3"]], reduction=False)
    >>> dict(plan.stacks)[Kernel("depthwise", 3)], plan.num_norms
    (3, 3)
    """
    counts: dict[Kernel, int] = {}
    num_norms = num_weights = 0
    edges: list[Edge] = []
    source, target = 0, 2
    for names in candidates:
        stride = 2 if reduction and source < 2 else 1
        edge = []
        for name in names:
            kernels: list[tuple[Kernel, int]] = []
            norms = 0
            if name != "none":
                operation = OPERATIONS[name]
                # In a mixed operation a batch norm follows the pool.
                norms = 1 if name in POOLS else operation.num_norms[stride]
                for kernel in operation.kernels[stride]:
                    kernels.append((kernel, counts.get(kernel, 0)))
                    counts[kernel] = counts.get(kernel, 0) + 1
            rows = tuple(range(num_norms, num_norms + norms))
            edge.append(Candidate(name, num_weights, tuple(kernels), rows))
            num_norms += norms
            num_weights += 1
        edges.append(Edge(source, target, stride, tuple(edge)))
        source += 1
        if source == target:
            into = [each.primitive for e in edges[-target:] for each in e.candidates]
            if set(into) == {"none"}:
                raise ValueError(f"Node {target} needs a candidate other than none. Received: none")
            source, target = 0, target + 1
    return CellPlan(tuple(edges), tuple(counts.items()), num_norms)
