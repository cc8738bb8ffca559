"""Activations that are kept for the backward pass, counted without TensorFlow.

A convolution keeps its input for the gradient of its kernel, a batch norm and a max pool theirs, a
relu its output. Everything is counted in values per image; tests compare with traced graphs.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pdarts_tf.genotype import NUM_INPUT_NODES
from pdarts_tf.models.stacking import CellLayout
from pdarts_tf.primitives import NODE, PHASES, TABLE, View

Edges = Sequence[tuple[str, int]]
"""(operation, source) of every operation of a cell."""

Size = tuple[int, int]
"""Height and width in pixels."""

MASK = 0.25  # a truth value, in units of a float


@dataclass(frozen=True)
class PlacedCell:
    """A cell in its place in the network.

    Args:
        edges: Its operations.
        layout: See `stacking.cell_layout`.
        input_channels: Channels of the outputs of the two preceding cells.
        size: Size of the output of the preceding cell.
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
        """Number of kernels of its operations and of its preprocessing."""
        kernels = (TABLE[name].kernels[self.stride(source)] for name, source in self.edges)
        return sum(map(len, kernels)) + 2 + self.layout.reduction_prev

    @property
    def node_size(self) -> Size:
        """Size of its nodes and of its output."""
        height, width = self.size
        return (height // 2, width // 2) if self.layout.reduction else self.size

    @property
    def node_values(self) -> int:
        """Number of values of one node."""
        return self.layout.channels * pixels(self.node_size)

    def source_size(self, source: int) -> Size:
        """Returns the size of a node that operations read."""
        return self.size if source < NUM_INPUT_NODES else self.node_size

    def pools(self) -> set[tuple[str, int]]:
        """Returns the (pool, source) pairs, each of which is computed once."""
        return {edge for edge in self.edges if TABLE[edge[0]].is_pool}


def pixels(size: Size) -> int:
    """Returns height times width."""
    return size[0] * size[1]


def place_cells(
    layouts: Sequence[CellLayout],
    normal: tuple[Edges, int],
    reduce: tuple[Edges, int],
    stem_channels: int,
    size: Size,
) -> list[PlacedCell]:
    """Returns the cells of a network.

    Args:
        layouts: Layouts of all cells, in order.
        normal, reduce: Operations of the two kinds of cells, and the number of nodes that their
            outputs concatenate.
        stem_channels, size: Channels and size of the output of the stem.
    """
    cells = []
    channels = stem_channels, stem_channels
    for layout in layouts:
        edges, num_outputs = reduce if layout.reduction else normal
        cells.append(PlacedCell(edges, layout, channels, size))
        channels = channels[1], num_outputs * layout.channels
        size = cells[-1].node_size
    return cells


def kept_by_preprocessing(cell: PlacedCell) -> int:
    """Returns the values that the preprocessing of a cell's two inputs keeps.

    The relu of what comes in and the input of the batch norm; where the older input has twice the
    height and width, the phases of its relu too.
    """
    before, last = (channels * pixels(cell.size) for channels in cell.input_channels)
    if cell.layout.reduction_prev:
        before *= 4 * 2
    return before + last + 2 * cell.layout.channels * pixels(cell.size)


def kept_by_operations(cell: PlacedCell) -> int:
    """Returns the values that the operations of a cell keep, whoever adds up their outputs.

    The output of every kernel, which either another kernel or a batch norm reads; the relu between
    two batch norms; the outputs of max pools; views of the sources.
    """
    operations = [edge for edge in cell.edges if not TABLE[edge[0]].is_pool]
    values = sum(_kept_by_operation(cell, *edge) for edge in (*operations, *cell.pools()))
    views = {(s, v) for name, s in cell.edges for v in TABLE[name].views[cell.stride(s)]}
    return values + sum(_kept_by_view(cell, *view) for view in views)


def kept_by_mixing(cell: PlacedCell, skip_dropout: bool) -> float:
    """Returns the values that a supernet's cell keeps in addition.

    Its pools are normalized and then weighted, which keeps the input and the output of the batch
    norm. A skip-connect is weighted: it keeps its source or, with dropout, what is left of it and
    the mask too.
    """
    pools = cell.pools()
    copies = float(len(pools))
    copies += sum(TABLE[pool].kept_if_normalized[cell.stride(s)] for pool, s in pools)
    skips = [s for name, s in cell.edges if TABLE[name].is_identity(cell.stride(s))]
    if skip_dropout:
        copies += len(skips) * (1 + MASK)
    kept_already = {s for pool, s in pools if NODE in TABLE[pool].views[cell.stride(s)]}
    copies += len(set(skips) - kept_already)
    return copies * cell.node_values


def normalized(cell: PlacedCell) -> int:
    """Returns the values that go through the batch norms of a cell of an evaluation network."""
    norms = sum(TABLE[name].num_norms[cell.stride(source)] for name, source in cell.edges)
    return norms * cell.node_values + 2 * cell.layout.channels * pixels(cell.size)


def _kept_by_operation(cell: PlacedCell, primitive: str, source: int) -> int:
    row, stride = TABLE[primitive], cell.stride(source)
    kernels, area = row.kernels[stride], pixels(cell.node_size)
    values = sum(kernel.num_outputs(cell.layout.channels, area, stride) for kernel in kernels)
    values += (max(row.num_norms[stride] - 1, 0) + row.kept_outputs) * cell.node_values
    height, width = cell.source_size(source)
    if row.in_phases and stride == 1 and (height % 2 or width % 2):
        # No phases to share: a dilated convolution pads and splits the image for itself.
        border = 2 * (kernels[0].size - 1)
        values += cell.layout.channels * _even(height + border) * _even(width + border)
    return values


def _kept_by_view(cell: PlacedCell, source: int, view: View) -> int:
    height, width = (size + 2 * view.padding for size in cell.source_size(source))
    if view == PHASES and (height % 2 or width % 2):
        return 0
    return cell.layout.channels * height * width


def _even(size: int) -> int:
    return size + size % 2
