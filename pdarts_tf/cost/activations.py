"""What the backward pass needs of a network's forward pass, counted without TensorFlow.

A convolution keeps its input for the gradient of its kernel, a batch norm and a max pool theirs, a
relu its output. Everything is counted in values per image; tests compare with traced graphs.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pdarts_tf.genotype import NUM_INPUT_NODES
from pdarts_tf.layers.kernels import PARAMETERS
from pdarts_tf.models.stacking import CellLayout

Edges = Sequence[tuple[str, int]]
"""(operation, source) of every operation of a cell."""

Size = tuple[int, int]
"""Height and width in pixels."""

POOLS = ("max_pool_3x3", "avg_pool_3x3")
MASK = 0.25  # a truth value, in units of a float

# What an operation keeps of its source, by stride; those that read the same view share it
# (`layers.source`). A number is the padding with zeros; max pools pad one pixel of lowest values.
_VIEWS: dict[str, dict[int, tuple[str | int, ...]]] = {
    "max_pool_3x3": {1: ("node",), 2: ("lowest",)},
    "avg_pool_3x3": {1: (), 2: ()},
    "skip_connect": {1: (), 2: ("relu", "phases")},
    "sep_conv_3x3": {1: ("relu",), 2: ("relu", 1)},
    "sep_conv_5x5": {1: ("relu",), 2: ("relu", 2)},
    "sep_conv_7x7": {1: ("relu",), 2: ("relu", 3)},
    "dil_conv_3x3": {1: ("relu", "phases"), 2: ("relu", "phases")},
    "dil_conv_5x5": {1: ("relu", "phases"), 2: ("relu", "phases")},
    "conv_7x1_1x7": {1: ("relu",), 2: ("relu",)},
}


@dataclass(frozen=True)
class Cell:
    """A cell in its place in the network.

    Args:
        edges: its operations.
        layout: see `stacking.cell_layout`.
        input_channels: of the outputs of the two cells before.
        size: of the output of the cell before.
    """

    edges: Edges
    layout: CellLayout
    input_channels: tuple[int, int]
    size: Size

    def stride(self, source: int) -> int:
        """Returns the stride of the operations on a node."""
        return 2 if self.layout.reduction and source < NUM_INPUT_NODES else 1

    @property
    def num_kernels(self) -> int:
        """Kernels of its operations and of its preprocessing."""
        owned = (PARAMETERS[name][self.stride(source)] for name, source in self.edges)
        return sum(len(each.kernels) for each in owned) + 2 + self.layout.reduction_prev

    @property
    def node_size(self) -> Size:
        """Of its nodes and of its output."""
        height, width = self.size
        return (height // 2, width // 2) if self.layout.reduction else self.size

    @property
    def node_values(self) -> int:
        """Values of one node."""
        return self.layout.channels * pixels(self.node_size)

    def source_size(self, source: int) -> Size:
        """Returns the size of a node that operations read."""
        return self.size if source < NUM_INPUT_NODES else self.node_size

    def pools(self) -> set[tuple[str, int]]:
        """Returns the (pool, source) pairs, each of which is computed once."""
        return {edge for edge in self.edges if edge[0] in POOLS}


def pixels(size: Size) -> int:
    """Returns height times width."""
    return size[0] * size[1]


def place_cells(
    layouts: Sequence[CellLayout],
    normal: tuple[Edges, int],
    reduce: tuple[Edges, int],
    stem_channels: int,
    size: Size,
) -> list[Cell]:
    """Returns the cells of a network.

    Args:
        layouts: of every cell.
        normal, reduce: operations of the two kinds of cells, and how many nodes their outputs
            concatenate.
        stem_channels, size: of the output of the stem.
    """
    cells = []
    channels = stem_channels, stem_channels
    for layout in layouts:
        edges, num_outputs = reduce if layout.reduction else normal
        cells.append(Cell(edges, layout, channels, size))
        channels = channels[1], num_outputs * layout.channels
        size = cells[-1].node_size
    return cells


def kept_by_preprocessing(cell: Cell) -> int:
    """Returns the values that the preprocessing of a cell's two inputs keeps.

    The relu of what comes in and the input of the batch norm; where the older input has twice the
    height and width, the phases of its relu too.
    """
    before, last = (channels * pixels(cell.size) for channels in cell.input_channels)
    if cell.layout.reduction_prev:
        before *= 4 * 2
    return before + last + 2 * cell.layout.channels * pixels(cell.size)


def kept_by_operations(cell: Cell) -> int:
    """Returns the values that the operations of a cell keep, whoever adds up their outputs.

    The output of every kernel, which either another kernel or a batch norm reads; the relu between
    two batch norms; the outputs of max pools; views of the sources.
    """
    values = sum(_kept_by_operation(cell, *edge) for edge in cell.edges)
    values += cell.node_values * sum(pool == "max_pool_3x3" for pool, _ in cell.pools())
    views = {(s, v) for name, s in cell.edges for v in _VIEWS[name][cell.stride(s)]}
    return values + sum(_kept_by_view(cell, *view) for view in views)


def kept_by_mixing(cell: Cell, skip_dropout: bool) -> float:
    """Returns the values that a supernet's cell keeps besides.

    Its pools are normalized and then weighted, which keeps the input of the batch norm (that of an
    average pool at stride 2 before its border is made good, too) and its output. A skip-connect is
    weighted: it keeps its source or, with dropout, what is left of it and the mask too.
    """
    pools = cell.pools()
    copies = float(len(pools))
    copies += sum(cell.stride(s) for pool, s in pools if pool == "avg_pool_3x3")
    skips = [s for name, s in cell.edges if name == "skip_connect" and cell.stride(s) == 1]
    if skip_dropout:
        copies += len(skips) * (1 + MASK)
    kept_already = {s for pool, s in pools if pool == "max_pool_3x3"}
    copies += len(set(skips) - kept_already)
    return copies * cell.node_values


def normalized(cell: Cell) -> int:
    """Returns the values that go through the batch norms of a cell of an evaluation network."""
    norms = sum(PARAMETERS[name][cell.stride(source)].num_norms for name, source in cell.edges)
    return norms * cell.node_values + 2 * cell.layout.channels * pixels(cell.size)


def _kept_by_operation(cell: Cell, primitive: str, source: int) -> int:
    stride = cell.stride(source)
    owned = PARAMETERS[primitive][stride]
    area = pixels(cell.node_size)
    outputs = sum(k.num_outputs(cell.layout.channels, area, stride) for k in owned.kernels)
    values = outputs + max(owned.num_norms - 1, 0) * cell.node_values
    height, width = cell.source_size(source)
    if "phases" in _VIEWS[primitive][stride] and stride == 1 and (height % 2 or width % 2):
        # No phases to share: a dilated convolution pads and splits the image for itself.
        border = 2 * (owned.kernels[0].size - 1)
        values += cell.layout.channels * _even(height + border) * _even(width + border)
    return values


def _kept_by_view(cell: Cell, source: int, view: str | int) -> int:
    height, width = cell.source_size(source)
    padding = view if isinstance(view, int) else int(view == "lowest")
    height, width = height + 2 * padding, width + 2 * padding
    if view == "phases" and (height % 2 or width % 2):
        return 0
    return cell.layout.channels * height * width


def _even(size: int) -> int:
    return size + size % 2
