"""The stacking of cells into a network, the same for supernet and evaluation network."""

from dataclasses import dataclass

STEM_STRIDES = {"cifar": 1, "imagenet": 8}
"""The factor by which each stem of an evaluation network divides height and width."""


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


def stem_channels(stem: str, init_channels: int) -> tuple[int, ...]:
    """Returns the output channels of each convolution of a stem (a key of `STEM_STRIDES`)."""
    if stem == "imagenet":
        return init_channels // 2, init_channels, init_channels
    return (3 * init_channels,)


def auxiliary_cell(num_layers: int) -> int:
    """Returns the index of the cell that an auxiliary head follows: the second reduction."""
    return reduction_cells(num_layers)[1]


def image_divisor(stem: str) -> int:
    """Returns the number that divides height and width of images (see `STEM_STRIDES`)."""
    return 4 * STEM_STRIDES[stem]


def check_image_size(height: int, width: int, stem: str) -> None:
    """Raises unless every reduction of a network halves its input exactly.

    Args:
        height, width: Size of the images in pixels.
        stem: a key of `STEM_STRIDES`.

    Raises:
        ValueError: If a size is not a positive multiple of 4 (CIFAR stem) or 32 (ImageNet stem).
    """
    divisor = image_divisor(stem)
    if height < divisor or width < divisor or height % divisor or width % divisor:
        lower, upper = (
            [max(divisor, (size + up) // divisor * divisor) for size in (height, width)]
            for up in (0, divisor - 1)
        )
        near = sorted({f"{lower[0]}x{lower[1]}", f"{upper[0]}x{upper[1]}"})
        raise ValueError(
            f"With stem={stem!r}, height and width of the images must be multiples of {divisor}, "
            f"since reductions halve them. Received: {height}x{width}; the nearest that fit are "
            f"{' and '.join(near)}, for square images set --image_size"
        )
