"""The layout of a cell's parameters: edges, strides, kernel stacks and rows of statistics."""

import pytest

from pdarts_tf.layers.cell_plan import plan_cell
from pdarts_tf.primitives import Kernel

ALL_SKIP = (("skip_connect",),) * 14


def test_edges_come_in_order_of_target_then_source():
    plan = plan_cell(ALL_SKIP, reduction=False)
    assert [(edge.source, edge.target) for edge in plan.edges] == [
        (source, target) for target in range(2, 6) for source in range(target)
    ]


def test_a_cell_of_14_edges_has_4_nodes():
    assert plan_cell(ALL_SKIP, reduction=False).num_nodes == 4


def test_edges_to_a_node_come_from_all_nodes_before():
    plan = plan_cell(ALL_SKIP, reduction=False)
    assert [edge.source for edge in plan.edges_to(4)] == [0, 1, 2, 3]


def test_a_normal_cell_has_stride_1_everywhere():
    plan = plan_cell(ALL_SKIP, reduction=False)
    assert {edge.stride for edge in plan.edges} == {1}


def test_a_reduction_has_stride_2_on_edges_from_the_inputs_only():
    plan = plan_cell(ALL_SKIP, reduction=True)
    assert all(edge.stride == (2 if edge.source < 2 else 1) for edge in plan.edges)


def test_weights_are_numbered_edge_by_edge_and_none_counts():
    plan = plan_cell((("none", "skip_connect"), ("none", "sep_conv_3x3")), reduction=False)
    candidates = [candidate for edge in plan.edges for candidate in edge.candidates]
    assert [candidate.weight for candidate in candidates] == [0, 1, 2, 3]
    assert [candidate.primitive for candidate in candidates][::2] == ["none", "none"]


def test_none_owns_no_parameters():
    plan = plan_cell((("none",), ("skip_connect",)), reduction=False)
    assert plan.stacks == ()
    assert plan.num_norms == 0


@pytest.mark.parametrize(
    ("primitive", "reduction", "norms"),
    [
        ("max_pool_3x3", False, 1),
        ("avg_pool_3x3", True, 1),
        ("skip_connect", False, 0),
        ("skip_connect", True, 1),
        ("sep_conv_5x5", False, 2),
        ("dil_conv_3x3", True, 1),
    ],
)
def test_rows_of_statistics_per_candidate(primitive, reduction, norms):
    plan = plan_cell(((primitive,), (primitive,)), reduction)
    assert plan.num_norms == 2 * norms
    assert plan.edges[1].candidates[0].norms == tuple(range(norms, 2 * norms))


def test_equal_kernels_of_all_edges_are_stacked_in_order():
    plan = plan_cell((("sep_conv_3x3", "dil_conv_3x3"), ("dil_conv_3x3", "dil_conv_5x5")), False)
    small, large, pointwise = Kernel("depthwise", 3), Kernel("depthwise", 5), Kernel("pointwise")
    assert dict(plan.stacks) == {small: 4, pointwise: 5, large: 1}
    kernels = [candidate.kernels for edge in plan.edges for candidate in edge.candidates]
    assert kernels == [
        ((small, 0), (pointwise, 0), (small, 1), (pointwise, 1)),
        ((small, 2), (pointwise, 2)),
        ((small, 3), (pointwise, 3)),
        ((large, 0), (pointwise, 4)),
    ]


def test_a_skip_at_stride_2_owns_two_half_kernels():
    plan = plan_cell((("skip_connect",), ("skip_connect",)), reduction=True)
    assert plan.stacks == ((Kernel("half"), 4),)


def test_equal_candidates_give_equal_plans():
    assert plan_cell(ALL_SKIP, False) == plan_cell(ALL_SKIP, False)
    assert hash(plan_cell(ALL_SKIP, False)) == hash(plan_cell(ALL_SKIP, False))


def test_a_reduction_is_another_plan():
    assert plan_cell(ALL_SKIP, False) != plan_cell(ALL_SKIP, True)


def test_a_node_that_would_stay_empty_is_refused():
    with pytest.raises(ValueError, match="Node 3 needs a candidate other than none"):
        plan_cell((("skip_connect",), ("none",), ("none",), ("none",), ("none",)), False)
