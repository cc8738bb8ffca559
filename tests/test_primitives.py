"""The table of primitives: complete, and right about the shapes that they cost."""

import dataclasses
import math
from typing import Any

import pytest

from pdarts_tf import primitives
from pdarts_tf.primitives import (
    EVALUATION_PRIMITIVES,
    PRIMITIVES,
    TABLE,
    Kernel,
    least_candidates,
    register_primitive,
    separable,
    unfit_candidates,
)


def test_networks_have_the_operations_of_the_search_and_those_of_published_cells():
    assert EVALUATION_PRIMITIVES[:7] == PRIMITIVES[1:]
    assert {"sep_conv_7x7", "conv_7x1_1x7"} <= set(EVALUATION_PRIMITIVES)


def test_the_pools():
    pools = [name for name in EVALUATION_PRIMITIVES if TABLE[name].is_pool]
    assert pools == ["max_pool_3x3", "avg_pool_3x3"]


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


@pytest.fixture
def registered(monkeypatch):
    """Lets a test register primitives, which are gone after it."""
    monkeypatch.setattr("pdarts_tf.primitives.TABLE", dict(TABLE))


def test_a_registered_primitive_is_part_of_genotypes(registered):
    register_primitive("sep_conv_9x9", separable(9))
    assert unfit_candidates(("sep_conv_9x9", "skip_connect")) == ""


def test_a_registered_primitive_can_be_registered_again(registered):
    register_primitive("mine", separable(9))
    register_primitive("mine", separable(11))
    assert primitives.TABLE["mine"] == separable(11)


@pytest.mark.parametrize("name", ["none", "sep_conv_7x7", "Mine", "my conv", "", "größe", 7])
def test_names_in_use_and_names_that_are_none_are_refused(registered, name):
    with pytest.raises(ValueError, match=r"^Expected .*name.* Received: "):
        register_primitive(name, separable(9))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"kernels": {1: ()}}, "strides 1 and 2"),
        ({"kind": "purple"}, "a kind out of dilated, factorized, pool, separable, skip"),
        ({"is_zero": True}, "is_zero=False"),
        ({"is_pool": True}, "neither kernels nor batch norms"),
        ({"num_norms": {1: 1, 2: 0}}, "a batch norm as its last step"),
    ],
)
def test_rows_that_no_mixed_operation_can_have_are_refused(registered, change, expected):
    row = dataclasses.replace(separable(9), **change)
    with pytest.raises(ValueError, match=expected):
        register_primitive("mine", row)


def test_what_is_no_row_is_refused(registered):
    row: Any = "sep_conv"
    with pytest.raises(ValueError, match="Expected mine to be a Primitive"):
        register_primitive("mine", row)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("none", "skip_connect", "sep_conv_9x9"), "names out of max_pool_3x3, "),
        (("skip_connect", "sep_conv_3x3", "skip_connect"), "different names"),
        (("none", "sep_conv_3x3"), "at least two primitives besides none"),
        ((), "at least two primitives besides none"),
    ],
)
def test_what_candidates_of_a_search_lack(names, expected):
    assert unfit_candidates(names).startswith(expected)


def test_an_edge_keeps_something_beside_none_and_skip_connect():
    with_both = ("none", "skip_connect", "sep_conv_3x3", "sep_conv_5x5")
    assert [least_candidates(with_both[start:]) for start in range(3)] == [3, 2, 2]
