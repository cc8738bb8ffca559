"""Depth and width of cells, by which the literature compares their shapes.

Reference: Shu, Wang, Cai, "Understanding architectures learnt by cell-based neural architecture
search", ICLR 2020 (arXiv 1909.09569), section 3: searches tend to find wide and shallow cells.
"""

from collections.abc import Sequence

from pdarts_tf.genotype import EDGES_PER_NODE, NUM_INPUT_NODES


def cell_depth(edges: Sequence[tuple[str, int]], concat: Sequence[int]) -> int:
    """Returns the number of operations on the longest path from an input to the output.

    Skip-connects are operations too; `none`, which hands on nothing, is not. The concatenation at
    the end is not; Shu et al. count it as one more connection, so their figures are larger by one.

    >>> cell_depth([("sep_conv_3x3", 0), ("skip_connect", 1), ("sep_conv_3x3", 2),
    ...             ("skip_connect", 0)], [2, 3])
    2
    >>> cell_depth([("sep_conv_3x3", 0), ("none", 1), ("none", 2), ("skip_connect", 0)], [2, 3])
    1

    Args:
        edges: Pairs (operation, input), two per node, as in a `Genotype`.
        concat: The nodes that make up the output.
    """
    depths = [0] * NUM_INPUT_NODES
    for first in range(0, len(edges), EDGES_PER_NODE):
        node = edges[first : first + EDGES_PER_NODE]
        paths = (1 + depths[source] for operation, source in node if operation != "none")
        depths.append(max(paths, default=0))
    return max(depths[node] for node in concat)


def cell_width(edges: Sequence[tuple[str, int]]) -> float:
    """Returns the width in units of a node's channels.

    Each node counts by the share of its edges that start at the cell's inputs: 1 if both do.

    >>> cell_width([("sep_conv_3x3", 0), ("skip_connect", 1), ("sep_conv_3x3", 2),
    ...             ("skip_connect", 0)])
    1.5

    Args:
        edges: Pairs (operation, input), two per node, as in a `Genotype`.
    """
    from_inputs = sum(source < NUM_INPUT_NODES for _, source in edges)
    return from_inputs / EDGES_PER_NODE
