"""The stacking of cells into a network, the same for supernet and evaluation network."""

from dataclasses import dataclass


@dataclass(frozen=True)
class CellLayout:
    """A cell's place in the network.

    Args:
        channels: Channels of each of its nodes.
        reduction: Whether it is a reduction cell, which halves the size and doubles the channels.
        reduction_prev: Whether the cell before it is a reduction cell.
    """

    channels: int
    reduction: bool
    reduction_prev: bool


def reduction_cells(num_layers: int) -> tuple[int, int]:
    """Returns the indices of the two reduction cells.

    Reference: P-DARTS, section 4.2: at 1/3 and 2/3 of the depth.
    """
    return num_layers // 3, 2 * num_layers // 3


def cell_layout(
    init_channels: int, num_layers: int, reduction_prev: bool = False
) -> list[CellLayout]:
    """Returns the `CellLayout` of every cell.

    Args:
        init_channels: Channels of the cells before the first reduction cell, an even number.
        num_layers: Number of cells, at least 3.
        reduction_prev: Whether the stem counts as a reduction cell, as ImageNet's does.

    Raises:
        ValueError: If an argument is out of range.
    """
    if num_layers < 3:
        raise ValueError(
            "`num_layers` must be at least 3, so that both reduction cells differ and a normal "
            f"cell exists. Received: {num_layers!r}"
        )
    if init_channels < 2 or init_channels % 2:
        raise ValueError(
            "`init_channels` must be even and at least 2, since factorized reduce makes two "
            f"halves. Received: {init_channels!r}"
        )
    layout = []
    channels = init_channels
    for index in range(num_layers):
        reduction = index in reduction_cells(num_layers)
        channels *= 2 if reduction else 1
        layout.append(CellLayout(channels, reduction, reduction_prev))
        reduction_prev = reduction
    return layout


def auxiliary_cell(num_layers: int) -> int:
    """Returns the index of the cell that an auxiliary head follows: the second reduction."""
    return reduction_cells(num_layers)[1]
