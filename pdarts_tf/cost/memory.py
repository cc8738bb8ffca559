"""Memory that training takes, estimated from a model's arguments without TensorFlow.

It peaks at the end of the forward pass, when all that the backward pass will read has been computed
and none of it has been freed; on the way back more is freed than made. So the part that depends on
the batch is counted tensor by tensor (`cost.activations`). The step of the alphas needs as much as
that of the weights, since a supernet's cells keep the same for either, and the two do not overlap.

The rest is TensorFlow's: the graphs of the step, traced, optimized and instantiated, and the update
of the weights. Those constants were measured on a CPU; docs/memory.md has the figures. With a GPU
the graphs stay in the memory of its host.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pdarts_tf.cost.activations import (
    Size,
    kept_by_mixing,
    kept_by_operations,
    kept_by_preprocessing,
    normalized,
    pixels,
    place_cells,
)
from pdarts_tf.cost.counting import (
    auxiliary_parameters,
    candidate_edges,
    network_blocks,
    supernet_blocks,
    total,
)
from pdarts_tf.genotype import Genotype
from pdarts_tf.models.stacking import auxiliary_cell, cell_layout
from pdarts_tf.search_space import NUM_NODES, SearchSpace
from pdarts_tf.stems import STEMS

MB = 2**20
FLOAT_BYTES = 4
# Threads, and kernels that oneDNN compiles.
RUNTIME_BYTES = 40 * MB
# Graphs of both steps of a search: cells of one kind and width share those of their operations.
SEARCH_BYTES_PER_OPERATION = 2.0 * MB
SEARCH_BYTES_PER_CELL = 20 * MB
# Added to both by the four passes of the second order, which takes the place of one.
SECOND_ORDER_BYTES_PER_OPERATION = 1.1 * MB
SECOND_ORDER_BYTES_PER_CELL = 12 * MB
# Gradient, unrolled weights, and for finite differences a vector and weights moved along it twice.
SECOND_ORDER_COPIES = 5
# Graph of the step of an evaluation network, which has variables of its own for every kernel.
TRAIN_BYTES_PER_KERNEL = 0.7 * MB
# Stacks (`training.equal_shapes`) of clipped gradients, weights, their penalty, and the sum.
UPDATE_COPIES = 4
# What a CPU has already when its estimate begins: the weights, and the velocity of each.
BUILT_COPIES = 2
# `layers.normalization.normalize_batch_exactly` keeps deviations from the mean in float64.
_EXACT_COPIES = 2


@dataclass(frozen=True)
class Memory:
    """Bytes by which training makes a process grow in which the network is already built.

    Args:
        fixed: Bytes whatever the batch size: the graphs of the step, and the update of the weights.
        per_image: Bytes that the backward pass needs of one image of a batch.
        on_gpu: Bytes on a GPU whatever the batch size, the network included.

    Example:

    >>> memory = Memory(fixed=2**30, per_image=2**20)
    >>> memory.largest_batch(limit=2**31)
    1024
    """

    fixed: int
    per_image: int
    on_gpu: int = 0

    def activations(self, batch_size: int) -> int:
        """Returns the bytes that the backward pass needs of a batch."""
        return self.per_image * batch_size

    def total(self, batch_size: int) -> int:
        """Returns all bytes for batches of this size."""
        return self.fixed + self.activations(batch_size)

    def largest_batch(self, limit: int) -> int:
        """Returns the largest batch size whose `total` is within `limit` bytes, or 0."""
        return max(0, (limit - self.fixed) // self.per_image)

    def of_gpu(self) -> "Memory":
        """Returns the memory that the training takes of a GPU.

        >>> Memory(fixed=2**30, per_image=2**20, on_gpu=2**25).of_gpu().largest_batch(limit=2**31)
        2016
        """
        return Memory(self.on_gpu, self.per_image, self.on_gpu)


def supernet_memory(
    space: SearchSpace,
    init_channels: int,
    num_layers: int,
    num_classes: int,
    stem: str,
    image_size: Size,
    image_channels: int = 3,
    *,
    skip_dropout: bool,
    arch_order: str = "first",
) -> Memory:
    """Returns the memory of the bilevel step of a supernet.

    Args:
        space, init_channels, num_layers, num_classes, stem: See `Supernet`.
        image_size: (height, width) in pixels.
        image_channels: Number of channels of the images.
        skip_dropout: Whether dropout follows skip-connects.
        arch_order: Order of the gradient of the alphas, "first" or "second".

    Raises:
        ValueError: An argument is out of range.
    """
    blocks = supernet_blocks(
        space, init_channels, num_layers, num_classes, stem, image_size, image_channels
    )
    normal, reduce = (candidate_edges(space, cell) for cell in ("normal", "reduce"))
    cells = place_cells(
        cell_layout(init_channels, num_layers, STEMS[stem].reads_two),
        (normal, NUM_NODES),
        (reduce, NUM_NODES),
        blocks[0].channels,
        (blocks[0].height, blocks[0].width),
    )
    widths = STEMS[stem].channels(init_channels, of_supernet=True)
    values = float(_kept_by_stem(STEMS[stem].strides, widths, image_size))
    values += sum(kept_by_preprocessing(cell) + kept_by_operations(cell) for cell in cells)
    values += sum(kept_by_mixing(cell, skip_dropout) for cell in cells)
    traced = {(cell.layout.reduction, cell.layout.channels): cell for cell in cells}
    operations = sum(len(cell.edges) for cell in traced.values())
    graphs = SEARCH_BYTES_PER_OPERATION * operations + SEARCH_BYTES_PER_CELL * num_layers
    copies = UPDATE_COPIES
    if arch_order == "second":  # three more passes for the alphas, whose activations do not overlap
        graphs += SECOND_ORDER_BYTES_PER_OPERATION * operations
        graphs += SECOND_ORDER_BYTES_PER_CELL * num_layers
        copies += SECOND_ORDER_COPIES
    return _memory(graphs, total(blocks).parameters, copies, values)


def network_memory(
    genotype: Genotype,
    init_channels: int,
    num_layers: int,
    num_classes: int,
    stem: str,
    image_size: Size,
    image_channels: int = 3,
    *,
    auxiliary: bool,
) -> Memory:
    """Returns the memory of the training step of an evaluation network.

    Args:
        genotype, init_channels, num_layers, num_classes, stem, auxiliary: See `EvaluationNetwork`.
        image_size: (height, width) in pixels.
        image_channels: Number of channels of the images.

    Raises:
        ValueError: An argument is out of range.
    """
    network = init_channels, num_layers, num_classes
    blocks = network_blocks(genotype, *network, stem, image_size, image_channels)
    cells = place_cells(
        cell_layout(init_channels, num_layers, STEMS[stem].reads_two),
        (genotype.normal, len(genotype.normal_concat)),
        (genotype.reduce, len(genotype.reduce_concat)),
        blocks[0].channels,
        (blocks[0].height, blocks[0].width),
    )
    exact_copies = _EXACT_COPIES if STEMS[stem].exact else 0
    widths = STEMS[stem].channels(init_channels)
    values = _kept_by_stem(STEMS[stem].strides, widths, image_size, exact_copies)
    values += sum(kept_by_preprocessing(cell) + kept_by_operations(cell) for cell in cells)
    values += exact_copies * sum(normalized(cell) for cell in cells)
    parameters = total(blocks).parameters
    if auxiliary:
        head = blocks[1 + auxiliary_cell(num_layers)]
        # Two relus on the cell's output; what follows the pool is less than a hundredth of that.
        values += 2 * head.channels * pixels((head.height, head.width))
        parameters += auxiliary_parameters(genotype, *network)
    graphs = TRAIN_BYTES_PER_KERNEL * sum(cell.num_kernels for cell in cells)
    return _memory(graphs, parameters, UPDATE_COPIES, values)


def _memory(graphs: float, parameters: int, copies: int, values: float) -> Memory:
    weights = parameters * FLOAT_BYTES
    return Memory(
        RUNTIME_BYTES + round(graphs) + copies * weights,
        round(values * FLOAT_BYTES),
        (copies + BUILT_COPIES) * weights,
    )


def _kept_by_stem(
    strides: Sequence[int], widths: Sequence[int], size: Size, exact_copies: int = 0
) -> int:
    """Counts the input of every batch norm, and the relu between two convolutions."""
    values = 0
    for i, (stride, channels) in enumerate(zip(strides, widths, strict=True)):
        size = size[0] // stride, size[1] // stride
        copies = 1 + exact_copies + (i < len(widths) - 1)
        values += copies * channels * pixels(size)
    return values
