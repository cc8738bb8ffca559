"""A cell's mixed operations against the weighted sum of single operations."""

import numpy as np
import pytest
import tensorflow as tf

from pdarts_tf.genotype import PRIMITIVES
from pdarts_tf.layers.cell_norms import weighted
from pdarts_tf.layers.cell_plan import plan_cell
from pdarts_tf.layers.mixed_op import MixedOperations, compute_mixed_operations
from pdarts_tf.layers.normalization import BatchNormalization
from pdarts_tf.layers.operations import make_operation
from pdarts_tf.primitives import TABLE

CHANNELS = 4
TWO_NODES = (PRIMITIVES,) * 5
# The order of the weights below; a pool on each edge, since a cell of skips alone has no norms.
SKIP_OR_POOL = (("skip_connect", "avg_pool_3x3"),) * 2
FIRST_SKIP = tf.constant([[1.0, 0.0], [0.0, 0.0]])
SECOND_SKIP = tf.constant([[0.0, 0.0], [1.0, 0.0]])
BOTH_SKIPS = FIRST_SKIP + SECOND_SKIP

cells = pytest.mark.parametrize("reduction", [False, True], ids=["normal", "reduction"])


def normal(*shape):
    """Standard normal float32 values, the same for the same shape."""
    return tf.constant(np.random.default_rng(shape).normal(size=shape).astype(np.float32))


def softmax_weights(plan):
    """Arbitrary weights (edges, candidates); every row sums to one."""
    return tf.nn.softmax(2.0 * normal(len(plan.edges), len(plan.edges[0].candidates)))


def make_cell(candidates, reduction, size):
    """Returns (layer, inputs, weights) with arbitrary kernels and running statistics."""
    layer = MixedOperations(candidates, reduction, seed=1)
    layer.build([(None, None, None, CHANNELS)] * 2)
    layer.moving_mean.assign(0.1 * normal(*layer.moving_mean.shape))
    layer.moving_variance.assign(tf.exp(normal(*layer.moving_variance.shape)))
    inputs = [normal(2, size, size, CHANNELS), normal(3, size, size, CHANNELS)[:2] + 0.5]
    return layer, inputs, softmax_weights(layer.plan)


class Reference:
    """The same cell out of single layers, one per candidate, added up one by one."""

    def __init__(self, layer):
        self.plan = layer.plan
        stacks = {
            kernel: stack.numpy()
            for (kernel, _), stack in zip(layer.plan.stacks, layer.kernels, strict=True)
        }
        self.operations = {}
        self.norms = {}
        self.kernels = {}
        for edge in layer.plan.edges:
            for candidate in edge.candidates:
                if candidate.primitive == "none":
                    continue
                operation = make_operation(candidate.primitive, edge.stride, affine=False)
                operation.build((None, None, None, CHANNELS))
                for variable, (kernel, row) in zip(
                    operation.kernels, candidate.kernels, strict=True
                ):
                    variable.assign(stacks[kernel][row])
                    self.kernels[kernel, row] = variable
                norms = operation.norms
                if TABLE[candidate.primitive].is_pool:
                    norms = [BatchNormalization(affine=False)]
                    norms[0].build((None, None, None, CHANNELS))
                for norm, row in zip(norms, candidate.norms, strict=True):
                    norm.moving_mean.assign(layer.moving_mean[row])
                    norm.moving_variance.assign(layer.moving_variance[row])
                    self.norms[row] = norm
                self.operations[candidate] = operation

    def __call__(self, inputs, weights, training):
        """Returns the concatenated nodes."""
        nodes = list(inputs)
        flat = tf.reshape(weights, (-1,))
        for target in range(2, self.plan.num_nodes + 2):
            total = 0.0
            for edge in self.plan.edges_to(target):
                for candidate in edge.candidates:
                    if candidate.primitive == "none":
                        continue
                    y = self.operations[candidate](nodes[edge.source], training=training)
                    if TABLE[candidate.primitive].is_pool:
                        y = self.norms[candidate.norms[0]](y, training=training)
                    total += flat[candidate.weight] * y
            nodes.append(total)
        return tf.concat(nodes[2:], -1)


def differentiated(layer, inputs, weights, differentiate="all"):
    """Returns the gradients (of inputs, of weights, of kernels) of an arbitrary output."""
    with tf.GradientTape() as tape:
        tape.watch([*inputs, weights])
        y = layer(inputs, weights, training=True, differentiate=differentiate)
    kernels = [stack.value for stack in layer.kernels]
    return tape.gradient(y, (inputs, weights, kernels), normal(*y.shape))


@pytest.mark.parametrize(("reduction", "size"), [(False, 8), (False, 7), (True, 8)])
@pytest.mark.parametrize("training", [True, False], ids=["training", "inference"])
def test_a_cell_is_the_weighted_sum_of_its_operations(reduction, size, training):
    layer, inputs, weights = make_cell(TWO_NODES, reduction, size)
    expected = Reference(layer)(inputs, weights, training)
    y = layer(inputs, weights, training=training)
    stride = 2 if reduction else 1
    assert y.shape == (2, size // stride, size // stride, 2 * CHANNELS)
    np.testing.assert_allclose(y, expected, rtol=0, atol=1e-4)


@cells
def test_running_statistics_move_as_those_of_single_operations(reduction):
    layer, inputs, weights = make_cell(TWO_NODES, reduction, 8)
    reference = Reference(layer)
    reference(inputs, weights, training=True)
    layer(inputs, weights, training=True)
    assert set(reference.norms) == set(range(layer.plan.num_norms))
    for row, norm in reference.norms.items():
        np.testing.assert_allclose(layer.moving_mean[row], norm.moving_mean.numpy(), atol=1e-5)
        np.testing.assert_allclose(
            layer.moving_variance[row], norm.moving_variance.numpy(), rtol=1e-4
        )


def test_inference_leaves_the_running_statistics():
    layer, inputs, weights = make_cell(TWO_NODES, False, 8)
    before = layer.moving_mean.numpy(), layer.moving_variance.numpy()
    layer(inputs, weights)
    np.testing.assert_array_equal(layer.moving_mean.numpy(), before[0])
    np.testing.assert_array_equal(layer.moving_variance.numpy(), before[1])


@cells
def test_gradients_are_those_of_single_operations(reduction):
    layer, inputs, weights = make_cell(TWO_NODES, reduction, 8)
    reference = Reference(layer)
    with tf.GradientTape() as tape:
        tape.watch([*inputs, weights])
        y = reference(inputs, weights, training=True)
    values = [variable.value for variable in reference.kernels.values()]
    expected = tape.gradient(y, (inputs, weights, values), normal(*y.shape))
    kernels = dict(zip(reference.kernels, expected[2], strict=True))
    ours = differentiated(layer, inputs, weights)
    for gradient, value in zip(ours[0], expected[0], strict=True):
        np.testing.assert_allclose(gradient, value, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(ours[1], expected[1], rtol=1e-3, atol=1e-3)
    for (kernel, count), gradient in zip(layer.plan.stacks, ours[2], strict=True):
        rows = [kernels[kernel, row] for row in range(count)]
        np.testing.assert_allclose(gradient, tf.stack(rows), rtol=1e-3, atol=1e-3)


@cells
def test_differentiating_the_architecture_skips_the_kernels(reduction):
    layer, inputs, weights = make_cell(TWO_NODES, reduction, 8)
    full = differentiated(layer, inputs, weights)
    half = differentiated(layer, inputs, weights, "architecture")
    np.testing.assert_allclose(half[0], full[0], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(half[1], full[1], rtol=1e-5, atol=1e-5)
    assert half[2] == [None] * len(layer.kernels)


@cells
def test_differentiating_the_weights_skips_the_architecture(reduction):
    layer, inputs, weights = make_cell(TWO_NODES, reduction, 8)
    full = differentiated(layer, inputs, weights)
    half = differentiated(layer, inputs, weights, "weights")
    np.testing.assert_allclose(half[0], full[0], rtol=1e-5, atol=1e-5)
    assert half[1] is None
    for gradient, expected in zip(half[2], full[2], strict=True):
        np.testing.assert_allclose(gradient, expected, rtol=1e-5, atol=1e-5)


def test_none_adds_nothing():
    layer, inputs, _ = make_cell((("none", "skip_connect", "avg_pool_3x3"),) * 2, False, 8)
    weights = tf.constant([[0.9, 0.1, 0.0], [0.25, 0.75, 0.0]])
    y = layer(inputs, weights, training=True)
    np.testing.assert_allclose(y, 0.1 * inputs[0] + 0.75 * inputs[1], rtol=1e-5, atol=1e-6)


def test_a_cell_of_skips_alone_can_be_trained():
    layer, inputs, weights = make_cell((("none", "skip_connect"),) * 2, False, 8)
    y = layer(inputs, weights, training=True)
    expected = weights[0, 1] * inputs[0] + weights[1, 1] * inputs[1]
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-6)


def test_equal_cells_share_one_trace():
    compute = tf.function(compute_mixed_operations, autograph=False)
    candidates = (("skip_connect", "dil_conv_3x3"),) * 2
    layers = [MixedOperations(candidates, seed=seed) for seed in (1, 50)]
    outputs = []
    for layer in layers:
        layer.build([(None, None, None, CHANNELS)] * 2)
        inputs = [normal(2, 8, 8, CHANNELS)] * 2
        weights = softmax_weights(layer.plan)
        outputs.append(layer(inputs, weights, training=True, compute=compute))
    assert compute.experimental_get_tracing_count() == 1
    assert not np.allclose(*outputs)


def test_another_plan_has_a_trace_of_its_own():
    compute = tf.function(compute_mixed_operations, autograph=False)
    for reduction in (False, True):
        layer = MixedOperations(SKIP_OR_POOL, reduction)
        layer.build([(None, None, None, CHANNELS)] * 2)
        inputs = [normal(2, 8, 8, CHANNELS)] * 2
        layer(inputs, softmax_weights(layer.plan), training=True, compute=compute)
    assert compute.experimental_get_tracing_count() == 2


def test_dropout_zeroes_skips_and_scales_what_stays():
    layer, inputs, _ = make_cell(SKIP_OR_POOL, False, 8)
    dropout = tf.constant(0.75), tf.constant([1, 2]), None
    y = layer(inputs, FIRST_SKIP, dropout, training=True).numpy()
    kept = y != 0.0
    assert 0.15 < kept.mean() < 0.35
    np.testing.assert_allclose(y[kept], 4.0 * inputs[0].numpy()[kept], rtol=1e-6)


def test_edges_drop_different_elements():
    layer, inputs, _ = make_cell(SKIP_OR_POOL, False, 8)
    dropout = tf.constant(0.5), tf.constant([1, 2]), None
    first, second = (
        layer(inputs, weights, dropout, training=True).numpy() != 0.0
        for weights in (FIRST_SKIP, SECOND_SKIP)
    )
    assert 0.3 < (first == second).mean() < 0.7


def test_dropout_leaves_skips_at_stride_2():
    layer, inputs, _ = make_cell(SKIP_OR_POOL, True, 8)
    dropout = tf.constant(0.9), tf.constant([1, 2]), None
    dropped = layer(inputs, BOTH_SKIPS, dropout, training=True)
    np.testing.assert_array_equal(dropped, layer(inputs, BOTH_SKIPS, training=True))


@pytest.mark.parametrize("primitive", sorted({*PRIMITIVES} - {"none", "skip_connect"}))
def test_dropout_leaves_other_operations(primitive):
    layer, inputs, weights = make_cell(((primitive,),) * 2, False, 8)
    dropout = tf.constant(0.9), tf.constant([1, 2]), None
    dropped = layer(inputs, weights, dropout, training=True)
    np.testing.assert_array_equal(dropped, layer(inputs, weights, training=True))


def test_seed_fixes_the_kernels():
    first, again, other = (MixedOperations(TWO_NODES, seed=seed) for seed in (1, 1, 30))
    for layer in (first, again, other):
        layer.build([(None, None, None, CHANNELS)] * 2)
    for a, b, c in zip(first.kernels, again.kernels, other.kernels, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
        assert not np.array_equal(a.numpy(), c.numpy())


def test_kernels_of_a_stack_start_differently():
    layer = MixedOperations(TWO_NODES)
    layer.build([(None, None, None, CHANNELS)] * 2)
    for stack in layer.kernels:
        assert len(np.unique(stack.numpy(), axis=0)) == len(stack.numpy())


def test_only_kernels_are_trainable():
    layer = MixedOperations(TWO_NODES)
    layer.build([(None, None, None, CHANNELS)] * 2)
    assert [v.path for v in layer.trainable_variables] == [v.path for v in layer.kernels]


def test_weighted_multiplies_and_differentiates_by_the_product_rule():
    x, weight, dy = normal(2, 3), tf.constant(0.25), normal(3, 3)[:2]
    with tf.GradientTape() as tape:
        tape.watch([x, weight])
        y = weighted(x, weight)
    np.testing.assert_allclose(y, 0.25 * x)
    dx, dw = tape.gradient(y, [x, weight], dy)
    np.testing.assert_allclose(dx, 0.25 * dy)
    np.testing.assert_allclose(dw, np.sum(dy * x), rtol=1e-5)


@cells
def test_plan_is_that_of_the_candidates(reduction):
    assert MixedOperations(TWO_NODES, reduction).plan == plan_cell(TWO_NODES, reduction)
