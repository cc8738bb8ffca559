"""What the backward pass keeps: small cases by hand, and the tensors that traced graphs keep."""

import math

import pytest
import tensorflow as tf

import pdarts_tf as pd
from pdarts_tf.cost.activations import (
    PlacedCell,
    kept_by_mixing,
    kept_by_operations,
    kept_by_preprocessing,
    place_cells,
)
from pdarts_tf.cost.counting import candidate_edges
from pdarts_tf.cost.memory import FLOAT_BYTES, network_memory
from pdarts_tf.layers.mixed_op import MixedOperations, compute_mixed_operations
from pdarts_tf.models.stacking import CellLayout, cell_layout
from pdarts_tf.search_space import NUM_NODES, random_space

BATCH = 7  # divides no other size here: what it divides is an activation


def cell(*edges, reduction=False, reduction_prev=False, size=(4, 4), channels=2):
    layout = CellLayout(channels, reduction, reduction_prev)
    return PlacedCell(edges, layout, (6, 8), size)


# By hand: 4x4 pixels and 2 channels, 32 values a node; 8 values after a reduction.


@pytest.mark.parametrize(
    ("edges", "values"),
    [
        ([("avg_pool_3x3", 0)], 0),
        ([("max_pool_3x3", 0)], 2 * 32),  # its input and its output
        ([("max_pool_3x3", 0)] * 2, 2 * 32),  # computed once
        ([("skip_connect", 0)], 0),
        ([("dil_conv_3x3", 0)], 4 * 32),  # relu, its phases, two kernels' outputs
        ([("sep_conv_3x3", 0)], 6 * 32),  # relu, four kernels' outputs, relu
        ([("sep_conv_3x3", 0), ("sep_conv_5x5", 0)], 11 * 32),  # one relu for both
        ([("sep_conv_3x3", 0), ("sep_conv_3x3", 1)], 12 * 32),
        ([("conv_7x1_1x7", 0)], 3 * 32),
    ],
)
def test_operations_at_stride_1(edges, values):
    assert kept_by_operations(cell(*edges)) == values


@pytest.mark.parametrize(
    ("edges", "values"),
    [
        ([("max_pool_3x3", 0)], 6 * 6 * 2 + 8),  # padded by 1
        ([("skip_connect", 0)], 2 * 32 + 8),  # relu, its phases, the two halves
        ([("dil_conv_5x5", 0)], 2 * 32 + 2 * 8),
        ([("sep_conv_3x3", 0)], 32 + 6 * 6 * 2 + 5 * 8),  # padded by 1
        ([("sep_conv_5x5", 0)], 32 + 8 * 8 * 2 + 5 * 8),  # padded by 2
        ([("conv_7x1_1x7", 0)], 32 + 16 + 8),  # the row halves the width only
        ([("sep_conv_3x3", 2)], 6 * 8),  # the inner nodes are small already
    ],
)
def test_operations_of_a_reduction(edges, values):
    assert kept_by_operations(cell(*edges, reduction=True)) == values


def test_preprocessing_keeps_the_relu_and_what_is_normalized():
    assert kept_by_preprocessing(cell()) == (6 + 8) * 16 + 2 * 2 * 16


def test_after_a_reduction_the_older_input_is_four_times_as_large_and_split_in_phases():
    assert kept_by_preprocessing(cell(reduction_prev=True)) == (6 * 8 + 8) * 16 + 2 * 2 * 16


@pytest.mark.parametrize(
    ("edge", "dropout", "copies"),
    [
        (("max_pool_3x3", 0), False, 1),
        (("avg_pool_3x3", 0), False, 2),
        (("skip_connect", 0), False, 1),
        (("skip_connect", 0), True, 2.25),  # a mask of bytes
        (("sep_conv_3x3", 0), True, 0),
    ],
)
def test_mixing(edge, dropout, copies):
    assert kept_by_mixing(cell(edge), dropout) == copies * 32


# Against traced graphs.

ALIASES = {"Identity", "IdentityN", "Reshape", "Split", "StopGradient"}
# They ask for shapes only, and are done before the backward pass begins.
SHAPES = {"Shape", "ShapeN", "ZerosLike"}
# The sums of a forward pass have their layer's name in front.
BACKWARD = ("gradient_tape", "AddN", "mul")


def buffer(tensor):
    """The tensor whose memory this one shares."""
    while tensor.op.type in ALIASES:
        index = {"IdentityN": tensor.value_index, "Split": -1}.get(tensor.op.type, 0)
        tensor = tensor.op.inputs[index]
    return tensor


def values_per_image(tensors):
    """Of the activations among tensors, in floats."""
    buffers = {id(each): each for each in map(buffer, tensors)}.values()
    known = [each for each in buffers if each.shape.is_fully_defined()]  # strings of tape are not
    sizes = [math.prod(each.shape) * each.dtype.size for each in known]
    return sum(size for size in sizes if size % BATCH == 0) / BATCH / FLOAT_BYTES


@pytest.mark.parametrize(
    ("reduction", "size", "dropout"), [(False, 4, True), (True, 8, False), (True, 6, False)]
)
def test_a_supernet_s_cell_keeps_what_is_counted(reduction, size, dropout):
    space = random_space(4, seed=1)
    kind = "reduce" if reduction else "normal"
    compute = tf.function(compute_mixed_operations, autograph=False)
    layer = MixedOperations(space.candidates(kind), reduction)
    layer.build([(BATCH, size, size, 2)] * 2)

    @tf.function(autograph=False)
    def step(first, second, weights):
        rate = (tf.constant(0.3), tf.constant([1, 2]), None) if dropout else None
        with tf.GradientTape() as tape:
            tape.watch((first, second, weights))
            y = layer((first, second), weights, rate, training=True, compute=compute)
        return tape.gradient(y, (first, second, weights))

    images = tf.TensorSpec((BATCH, size, size, 2))
    graph = step.get_concrete_function(images, images, tf.TensorSpec((14, 4))).graph
    (forward,) = (
        graph._get_function(op.get_attr("f").name).graph
        for op in graph.get_operations()
        if "PartitionedCall" in op.type and "forward" in op.get_attr("f").name
    )
    output, _, _, *kept = forward.outputs  # two are the statistics of the batch
    counted = PlacedCell(
        candidate_edges(space, kind), CellLayout(2, reduction, False), (2, 2), (size, size)
    )
    kept = [each for each in kept if buffer(each) is not buffer(output)]
    if not reduction:
        # The caller keeps both inputs: in this space max pools and skip-connects read either.
        kept += [x for x in forward.inputs if x.shape.rank == 4 and x.shape[0] == BATCH]
    expected = kept_by_operations(counted) + kept_by_mixing(counted, dropout)
    assert values_per_image(kept) == expected


def test_an_evaluation_network_keeps_what_is_counted():
    genotype = pd.GENOTYPES["PDARTS"]
    model = pd.EvaluationNetwork(genotype, 4, 3, 2, name="network")
    model.build((BATCH, 12, 12, 3))

    @tf.function(autograph=False)
    def step(images):
        with tf.GradientTape() as tape:
            y = model(images, training=True)
        variables = model.trainable_variables
        return tape.gradient(y, [v.value for v in variables], unconnected_gradients="zero")

    graph = step.get_concrete_function(tf.TensorSpec((BATCH, 12, 12, 3))).graph
    reached, waiting = set(), [tensor.op for tensor in graph.outputs]
    while waiting:
        op = waiting.pop()
        if op not in reached:
            reached.add(op)
            waiting += [tensor.op for tensor in op.inputs]
    kept = [
        tensor
        for op in reached
        if op.name.startswith(BACKWARD) and op.type not in SHAPES | ALIASES
        for tensor in op.inputs
        if not buffer(tensor).op.name.startswith(BACKWARD)
    ]
    kept = [each for each in kept if buffer(each).op.type not in {"Const", "Fill", "Placeholder"}]
    memory = network_memory(genotype, 4, 3, 2, "cifar", (12, 12), auxiliary=False)
    last = 16 * 4  # the mean over the pixels, which the classifier keeps
    assert values_per_image(kept) == memory.per_image / FLOAT_BYTES + last


def test_cells_are_placed_behind_one_another():
    edges = candidate_edges(random_space(3), "normal")
    cells = place_cells(cell_layout(4, 6), (edges, NUM_NODES), (edges, NUM_NODES), 12, (8, 8))
    assert [each.size for each in cells] == [(8, 8)] * 3 + [(4, 4)] * 2 + [(2, 2)]
    assert [each.input_channels for each in cells] == [
        (12, 12), (12, 16), (16, 16), (16, 32), (32, 32), (32, 64),
    ]  # fmt: skip
