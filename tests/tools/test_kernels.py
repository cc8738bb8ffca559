"""Every step of searches and trainings, as a GPU would run it."""

import numpy as np
import pytest
import tensorflow as tf

import pdarts_tf as pd
from pdarts_tf.config.compute import PRECISIONS
from pdarts_tf.layers import normalization
from pdarts_tf.layers.device_kind import traced_for
from tools import kernel_registry, kernels, nondeterminism, steps
from tools.traced_operations import GPU, HOST, MISSING, NONE, Copy, Tally, count_operations

SLOW = pytest.mark.slow
MOST_COPIES = {"search": 2, "warm-up": 1, "train": 1}
"""Copies to the host of a float16 step: whether the gradients of an update were finite."""

# Generous: it is to be noticed if something multiplies them.
MOST_KERNELS = 30_000


def every_operation_once():
    """A space in which every edge has two candidates, and every primitive is one of them."""
    mask = np.zeros((14, 8), bool)
    mask[:, pd.PRIMITIVES.index("none")] = True
    mask[np.arange(14), 1 + np.arange(14) % 7] = True
    return pd.SearchSpace(mask, mask)


def small_network(setting, precision="none"):
    """The steps of a network with two of the costly operations."""
    cell = [("skip_connect", 0), ("max_pool_3x3", 1), ("sep_conv_3x3", 0), ("dil_conv_5x5", 2)]
    genotype = pd.Genotype(cell, [2, 3], cell, [2, 3])
    return steps.network_steps(precision, setting, genotype=genotype, num_layers=3)


def assert_fit_for_a_gpu(traced):
    """What has to hold for all steps: {name: traced step}."""
    for name, step in traced.items():
        tally = count_operations(step)
        rows = tally.operations
        assert not [each for each in rows if each.kernel == MISSING], name
        assert not [each for each in rows if each.refusal], name
        assert not tally.unknown_loops, name
        assert 0 < tally.total(GPU) < MOST_KERNELS, name
        update = Copy("SelectV2", ("int32",), "AssignVariableOp", "value")
        assert not tally.copies.keys() - {update}, name
        assert tally.copies[update] <= MOST_COPIES.get(name, 0), name
        results = tf.nest.flatten(step.structured_outputs)
        assert [(each.shape, each.dtype) for each in results] == [((), tf.float32)] * len(results)


@pytest.fixture(scope="module")
def search():
    """The steps of a stage with every operation and dropout."""
    stage = steps.STAGES["stage 2"]
    return steps.search_steps(stage, space=every_operation_once(), num_layers=3)


@pytest.fixture(scope="module")
def network():
    """The steps of a training in parts, in float16."""
    return small_network("accumulation", "float16")


@pytest.mark.slow
def test_the_steps_of_a_search_fit_a_gpu(search):
    assert_fit_for_a_gpu(search)


def test_the_steps_of_a_training_fit_a_gpu(network):
    assert_fit_for_a_gpu(network)


@SLOW
@pytest.mark.parametrize("setting", ["plain", "rematerialize"])
@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("stage", steps.STAGES)
def test_the_steps_of_every_stage_fit_a_gpu(stage, precision, setting):
    traced = steps.search_steps(steps.STAGES[stage], precision, setting, num_layers=3)
    assert_fit_for_a_gpu(traced)


@SLOW
@pytest.mark.parametrize("setting", steps.SETTINGS)
@pytest.mark.parametrize("precision", PRECISIONS)
def test_the_steps_of_a_network_fit_a_gpu(precision, setting):
    assert_fit_for_a_gpu(steps.network_steps(precision, setting, num_layers=5))


def test_the_steps_begin_with_what_the_input_pipeline_has_finished():
    (train, valid), test = steps.batch_specs()
    assert train == valid == test[:2]
    assert (train[0].dtype, train[1].dtype) == (tf.float32, tf.int64)


def test_statistics_of_all_replicas_are_deterministic_on_a_gpu():
    """Their gradient: the fused kernel for it refuses."""
    x, values = tf.TensorSpec((2, 3, 3, 4)), tf.TensorSpec((4,))

    def gradient(dy, x, scale, mean, variance):
        return normalization._gradient_by_constant_statistics(dy, x, scale, mean, variance)

    refusals = {}
    for kind in ("CPU", "GPU"):
        with traced_for(kind):
            traced = tf.function(gradient).get_concrete_function(x, x, values, values, values)
        refusals[kind] = [each for each in count_operations(traced).operations if each.refusal]
    assert len(refusals["CPU"]) == 1
    assert not refusals["GPU"]


def traced(function, *specs):
    """A traced function."""
    return tf.function(function, autograph=False).get_concrete_function(*specs)


def counts(function, *specs):
    """{(operation, kernel): how often it runs}, without what only hands on values."""
    rows = count_operations(traced(function, *specs)).operations
    return {(each.op, each.kernel): n for each, n in rows.items() if each.kernel != NONE}


VECTOR = tf.TensorSpec((3,))


def test_functions_count_as_often_as_they_are_called():
    @tf.function(autograph=False)
    def inner(x):
        return tf.sqrt(tf.sqrt(x))

    assert counts(lambda x: inner(inner(inner(x))), VECTOR) == {("Sqrt", GPU): 6}


def test_loops_count_as_often_as_they_run():
    def loop(x):
        return tf.while_loop(
            lambda i, _: i < 5, lambda i, x: (i + 1, tf.sqrt(x)), (0, x), maximum_iterations=5
        )

    found = counts(loop, VECTOR)
    assert found["Sqrt", GPU] == 5
    assert found["AddV2", HOST] >= 5  # the counter


def test_a_loop_of_unknown_length_is_told():
    def loop(x, limit):
        return tf.while_loop(lambda x: x[0] < limit, lambda x: (tf.sqrt(x),), (x,))

    assert count_operations(traced(loop, VECTOR, tf.TensorSpec(()))).unknown_loops == 1


def test_what_no_result_needs_does_not_count():
    @tf.function(autograph=False)
    def two(x, y):
        return tf.sqrt(x), tf.exp(y)

    assert counts(lambda x: two(x, tf.tanh(x))[0], VECTOR) == {("Sqrt", GPU): 1}


def test_what_follows_from_constants_does_not_count():
    """TensorFlow computes it when it instantiates the function."""
    assert counts(lambda x: x * tf.exp(tf.constant([1.0, 2.0, 3.0])), VECTOR) == {("Mul", GPU): 1}


def test_shapes_are_computed_on_the_host():
    spec = tf.TensorSpec((None, 3))
    assert counts(lambda x: 2 * tf.shape(x)[0], spec) == {
        ("Shape", HOST): 1,
        ("StridedSlice", HOST): 1,
        ("Mul", HOST): 1,
    }


def test_values_that_the_host_reads_are_copies():
    tally = count_operations(
        traced(lambda x: tf.reshape(x, (tf.cast(tf.reduce_max(x), tf.int32), -1)), VECTOR)
    )
    assert list(tally.copies) == [Copy("Cast", ("float32", "int32"), "Pack", "values")]


def test_an_operation_without_a_kernel_is_missing():
    found = counts(tf.io.encode_png, tf.TensorSpec((4, 4, 3), tf.uint8))
    assert found == {("EncodePng", MISSING): 1}


def test_operations_run_where_they_have_been_told_to():
    def on_the_host(x):
        with tf.device("CPU:0"):
            return tf.sqrt(x)

    tally = count_operations(traced(on_the_host, VECTOR))
    assert tally.total(HOST) == 1
    assert list(tally.copies) == [Copy("argument", (), "Sqrt", "x")]


def test_a_kernel_is_for_the_types_of_its_node():
    node = tf.compat.v1.NodeDef(op="StatelessRandomUniformV2")
    node.attr["dtype"].type = tf.float32.as_datatype_enum
    kernel = kernel_registry.find_kernel(node)
    assert kernel is not None
    assert kernel.host_arguments == {"shape", "alg"}
    node.attr["dtype"].type = tf.string.as_datatype_enum
    assert kernel_registry.find_kernel(node) is None


def test_every_message_about_determinism_is_in_the_table_once():
    """In both directions: TensorFlow's next version may refuse more, or less."""
    messages = nondeterminism.messages()
    about = {
        each: [r.message for r in nondeterminism.REFUSALS if r.message in each] for each in messages
    }
    assert {each: found for each, found in about.items() if len(found) != 1} == {}
    assert {found for (found,) in about.values()} == {r.message for r in nondeterminism.REFUSALS}


def test_refusals_name_operations_that_exist():
    names = {op for each in nondeterminism.REFUSALS for op in each.operations}
    assert [op for op in names if kernel_registry.definition_of(op) is None] == []


def test_what_never_refuses_has_a_source():
    silent = [each for each in nondeterminism.REFUSALS if not each.reason]
    assert all(each.refuses(tf.compat.v1.NodeDef()) for each in silent)


def test_the_table_ends_with_totals_and_copies():
    operations = Tally()
    operations.operations.update(
        count_operations(traced(lambda x: tf.sqrt(tf.sqrt(x)), VECTOR)).operations
    )
    operations.copies[Copy("Cast", ("int64",), "Pack", "values")] = 2
    *_, gpu, host, none, copies = "\n".join(kernels.lines({"one": operations})).splitlines()
    assert gpu.split() == ["all", "GPU", "2"]
    assert host.split() == ["all", "host", "0"]
    assert none.split()[:2] == ["all", "-"]
    assert copies == "to the host: Cast (int64) to Pack.values: one 2"
