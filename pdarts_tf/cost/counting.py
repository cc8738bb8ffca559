"""Parameters and multiply-accumulates, counted from a genotype without TensorFlow.

Every convolution uses each of its weights once per output pixel, and the classifier once. Batch
norms, pools and additions are not counted as multiply-accumulates. Two numbers per batch norm and
channel, scale and offset, are parameters where they are learned.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pdarts_tf.genotype import Genotype
from pdarts_tf.layers.widths import AUXILIARY_CHANNELS
from pdarts_tf.models.stacking import (
    CellLayout,
    auxiliary_cell,
    cell_layout,
)
from pdarts_tf.primitives import TABLE
from pdarts_tf.search_space import NUM_NODES, SearchSpace, edge_nodes
from pdarts_tf.stems import STEMS, check_image_size


@dataclass(frozen=True)
class Count:
    """Parameters, and multiply-accumulates per image."""

    parameters: int = 0
    macs: int = 0

    def __add__(self, other: "Count") -> "Count":
        return Count(self.parameters + other.parameters, self.macs + other.macs)


@dataclass(frozen=True)
class Block:
    """A part of a network: the stem, a cell or the classifier.

    Args:
        name: Such as "stem" or "cell 6".
        kind: "stem", "normal", "reduce" or "classifier".
        channels, height, width: Shape of its output.
        count: Its cost.
    """

    name: str
    kind: str
    channels: int
    height: int
    width: int
    count: Count


def total(blocks: Iterable[Block]) -> Count:
    """Returns the sum over all blocks."""
    return sum((block.count for block in blocks), Count())


def network_blocks(
    genotype: Genotype,
    init_channels: int,
    num_layers: int,
    num_classes: int,
    stem: str,
    image_size: tuple[int, int],
    image_channels: int = 3,
) -> list[Block]:
    """Returns the blocks of an evaluation network in the order of execution, no auxiliary head.

    Args:
        genotype, init_channels, num_layers, num_classes, stem: See `EvaluationNetwork`.
        image_size: (height, width) in pixels.
        image_channels: Number of channels of the images.

    Raises:
        ValueError: An argument is out of range.

    Example:

    >>> from pdarts_tf.genotype import GENOTYPES
    >>> total(network_blocks(GENOTYPES["PDARTS"], 36, 20, 10, "cifar", (32, 32))).parameters
    3433798
    """
    check_image_size(*image_size, stem)
    layouts = cell_layout(init_channels, num_layers, STEMS[stem].reads_two)
    widths = STEMS[stem].channels(init_channels)
    blocks = [_stem_block(stem, widths, image_channels, image_size)]
    channels = [widths[-1]] * 2
    for i, layout in enumerate(layouts):
        edges = genotype.reduce if layout.reduction else genotype.normal
        concat = genotype.reduce_concat if layout.reduction else genotype.normal_concat
        blocks.append(_cell_block(i, layout, channels, edges, len(concat), blocks[-1], affine=True))
        channels = [channels[1], blocks[-1].channels]
    return [*blocks, _classifier_block(blocks[-1].channels, num_classes)]


def supernet_blocks(
    space: SearchSpace,
    init_channels: int,
    num_layers: int,
    num_classes: int,
    stem: str,
    image_size: tuple[int, int],
    image_channels: int = 3,
) -> list[Block]:
    """Returns the blocks of a supernet, all candidates of its edges included, without the alphas.

    Args and Raises: As for `network_blocks`; for the search space see `Supernet`.
    """
    check_image_size(*image_size, stem)
    widths = STEMS[stem].channels(init_channels, of_supernet=True)
    blocks = [_stem_block(stem, widths, image_channels, image_size)]
    channels = [widths[-1]] * 2
    for i, layout in enumerate(cell_layout(init_channels, num_layers, STEMS[stem].reads_two)):
        edges = candidate_edges(space, "reduce" if layout.reduction else "normal")
        blocks.append(_cell_block(i, layout, channels, edges, NUM_NODES, blocks[-1], affine=False))
        channels = [channels[1], blocks[-1].channels]
    return [*blocks, _classifier_block(blocks[-1].channels, num_classes)]


def candidate_edges(space: SearchSpace, cell: str) -> list[tuple[str, int]]:
    """Returns (operation, source) of the candidates of a cell that are computed: all but `none`."""
    return [
        (name, source)
        for (source, _), names in zip(edge_nodes(), space.candidates(cell), strict=True)
        for name in names
        if name != "none"
    ]


def auxiliary_parameters(
    genotype: Genotype, init_channels: int, num_layers: int, num_classes: int
) -> int:
    """Returns the parameters of the auxiliary head, which only training uses."""
    layout = cell_layout(init_channels, num_layers)[auxiliary_cell(num_layers)]
    channels = len(genotype.reduce_concat) * layout.channels
    first, second = AUXILIARY_CHANNELS
    convolutions = _convolution(channels * first, 1, first)
    convolutions += _convolution(4 * first * second, 1, second)
    return (convolutions + _dense(second, num_classes)).parameters


def _convolution(weights: int, pixels: int, norm_channels: int = 0) -> Count:
    """Counts a convolution with so many output pixels, and a learned batch norm after it if any."""
    return Count(weights + 2 * norm_channels, weights * pixels)


def _dense(inputs: int, outputs: int) -> Count:
    return Count((inputs + 1) * outputs, inputs * outputs)


def _stem_block(
    stem: str, widths: Sequence[int], image_channels: int, image_size: tuple[int, int]
) -> Block:
    height, width = image_size
    count = Count()
    channels = zip((image_channels, *widths), widths, STEMS[stem].strides, strict=False)
    for inputs, outputs, stride in channels:
        height, width = height // stride, width // stride
        count += _convolution(9 * inputs * outputs, height * width, outputs)
    return Block("stem", "stem", widths[-1], height, width, count)


def _cell_block(
    index: int,
    layout: CellLayout,
    input_channels: Sequence[int],
    edges: Iterable[tuple[str, int]],
    num_outputs: int,
    before: Block,
    affine: bool,
) -> Block:
    """Returns a cell, of which `num_outputs` nodes are concatenated, after the block `before`."""
    norm_channels = layout.channels if affine else 0
    height, width = before.height, before.width
    # Factorized reduce has two kernels of half the output channels each: as many weights in all.
    preprocessing = [
        _convolution(channels * layout.channels, height * width, norm_channels)
        for channels in input_channels
    ]
    if layout.reduction:
        height, width = height // 2, width // 2
    operations = [
        _operation(
            primitive,
            layout.channels,
            2 if layout.reduction and source < 2 else 1,
            height * width,
            norm_channels,
        )
        for primitive, source in edges
    ]
    return Block(
        f"cell {index}",
        "reduce" if layout.reduction else "normal",
        num_outputs * layout.channels,
        height,
        width,
        sum(preprocessing + operations, Count()),
    )


def _operation(
    primitive: str, channels: int, stride: int, pixels: int, norm_channels: int
) -> Count:
    row = TABLE[primitive]
    parameters = sum(kernel.num_weights(channels) for kernel in row.kernels[stride])
    macs = sum(kernel.macs(channels, pixels, stride) for kernel in row.kernels[stride])
    return Count(parameters + 2 * norm_channels * row.num_norms[stride], macs)


def _classifier_block(channels: int, num_classes: int) -> Block:
    return Block("classifier", "classifier", num_classes, 1, 1, _dense(channels, num_classes))
