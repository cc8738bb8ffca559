"""The table of primitives: complete, and right about the shapes that they cost."""

import math

import pytest

from pdarts_tf.primitives import EVALUATION_PRIMITIVES, POOLS, PRIMITIVES, TABLE, Kernel


def test_networks_have_the_operations_of_the_search_and_those_of_published_cells():
    assert EVALUATION_PRIMITIVES[:7] == PRIMITIVES[1:]
    assert {"sep_conv_7x7", "conv_7x1_1x7"} <= set(EVALUATION_PRIMITIVES)


def test_the_pools():
    assert POOLS == ("max_pool_3x3", "avg_pool_3x3")


@pytest.mark.parametrize("name", TABLE)
def test_every_row_is_complete_at_both_strides(name):
    row = TABLE[name]
    for by_stride in (row.kernels, row.num_norms, row.views, row.kept_if_normalized):
        assert set(by_stride) == {1, 2}


def test_a_skip_connect_at_stride_1_is_the_only_identity():
    both = [(name, stride) for name in TABLE for stride in (1, 2)]
    identities = [(name, stride) for name, stride in both if TABLE[name].is_identity(stride)]
    assert identities == [("skip_connect", 1)]


@pytest.mark.parametrize("name", TABLE)
def test_official_names_are_as_many_as_the_parameters(name):
    row = TABLE[name]
    if row.torch_names is not None:
        assert len(row.torch_names.kernels) == len(row.kernels[2])
        assert len(row.torch_names.norms) == row.num_norms[2]


@pytest.mark.parametrize("kind", ["depthwise", "pointwise", "half", "row", "column"])
def test_every_weight_is_used_once_per_output_pixel(kind):
    kernel = Kernel(kind, 3)
    assert kernel.num_weights(4) == math.prod(kernel.shape(4))
    assert kernel.macs(4, 10, stride=1) == 10 * kernel.num_weights(4)


def test_the_row_of_a_strided_pair_keeps_the_height():
    assert Kernel("row", 7).macs(4, 10, stride=2) == 2 * Kernel("column", 7).macs(4, 10, stride=2)


def test_none_costs_nothing():
    row = TABLE["none"]
    assert [*row.kernels.values(), *row.num_norms.values(), *row.views.values()] == [
        (), (), 0, 0, (), (),
    ]  # fmt: skip
