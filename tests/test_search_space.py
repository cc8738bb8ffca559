"""Search space: edges, validation, dropping as the official code does, value semantics, JSON."""

import copy
import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from pdarts_tf.genotype import PRIMITIVES
from pdarts_tf.probabilities import edge_probabilities
from pdarts_tf.search_space import NUM_EDGES, SearchSpace, edge_nodes

DROPS = json.loads((Path(__file__).parent / "goldens" / "derivation.json").read_text())["drop"]


def first_candidates(count):
    """A space with the first `count` primitives on every edge."""
    mask = np.zeros((14, 8), dtype=bool)
    mask[:, :count] = True
    return SearchSpace(mask, mask)


def test_edges_come_in_order_of_target_then_source():
    edges = edge_nodes()
    assert len(edges) == NUM_EDGES
    assert edges[:6] == ((0, 2), (1, 2), (0, 3), (1, 3), (2, 3), (0, 4))
    assert edges[-1] == (4, 5)


def test_full_space_has_every_primitive_on_every_edge():
    space = SearchSpace.full()
    assert space.num_candidates == 8
    assert space.candidates("normal") == space.candidates("reduce") == (PRIMITIVES,) * 14


def test_candidates_are_per_edge_and_cell():
    normal = np.zeros((14, 8), dtype=bool)
    normal[:, [0, 3]] = True
    normal[5] = [False, True, False, False, False, False, False, True]
    reduce = np.zeros((14, 8), dtype=bool)
    reduce[:, [4, 5]] = True
    space = SearchSpace(normal, reduce)
    assert space.candidates("normal")[4:6] == (
        ("none", "skip_connect"),
        ("max_pool_3x3", "dil_conv_5x5"),
    )
    assert space.candidates("reduce") == (("sep_conv_3x3", "sep_conv_5x5"),) * 14


def test_candidates_of_an_unknown_cell_are_refused():
    with pytest.raises(ValueError, match=r"cell to be one of .* Received: 'middle'"):
        SearchSpace.full().candidates("middle")


@pytest.mark.parametrize("drop", DROPS)
def test_drop_lowest_reproduces_the_official_masks(drop):
    space = SearchSpace(drop["switches"], drop["switches"])
    dropped = space.drop_lowest(drop["alphas"], drop["alphas"], drop["num_to_drop"])
    assert dropped.normal.tolist() == drop["after"]
    assert dropped.reduce.tolist() == drop["after"]


def test_all_official_drops_are_here():
    assert len(DROPS) == 20


def test_cells_are_dropped_by_their_own_alphas():
    rising = np.tile(np.arange(8.0), (14, 1))
    space = SearchSpace.full().drop_lowest(rising, -rising, 6)
    assert space.candidates("normal")[0] == ("dil_conv_3x3", "dil_conv_5x5")
    assert space.candidates("reduce")[0] == ("none", "max_pool_3x3")


def test_first_of_equal_probabilities_is_dropped():
    space = SearchSpace.full().drop_lowest(np.zeros((14, 8)), np.zeros((14, 8)), 3)
    assert space.candidates("normal")[0] == PRIMITIVES[3:]


def test_dropping_nothing_gives_an_equal_space():
    zeros = np.zeros((14, 8))
    assert SearchSpace.full().drop_lowest(zeros, zeros, 0) == SearchSpace.full()


@pytest.mark.parametrize("num_to_drop", [-1, 5, True, 1.0])
def test_an_edge_must_keep_a_candidate(num_to_drop):
    zeros = np.zeros((14, 5))
    with pytest.raises(ValueError, match=f"integer from 0 to 4.* Received: {num_to_drop}"):
        first_candidates(5).drop_lowest(zeros, zeros, num_to_drop)


def test_alphas_of_another_stage_are_refused():
    with pytest.raises(ValueError, match=r"alphas_reduce .*\(14, 5\)\. Received: shape \(14, 8\)"):
        first_candidates(5).drop_lowest(np.zeros((14, 5)), np.zeros((14, 8)), 2)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_alphas_that_are_not_finite_are_refused(value):
    alphas = np.zeros((14, 8))
    alphas[[3, 7], 2] = value
    with pytest.raises(ValueError, match=r"alphas_normal .* on edges \[3, 7\]"):
        SearchSpace.full().drop_lowest(alphas, np.zeros((14, 8)), 3)


@pytest.mark.parametrize("alphas", [None, "zeros", [[0.0], [0.0, 1.0]]])
def test_alphas_that_are_no_numbers_are_refused(alphas):
    with pytest.raises(ValueError, match="alphas_normal to be finite numbers"):
        SearchSpace.full().drop_lowest(alphas, np.zeros((14, 8)), 3)


def test_probabilities_are_the_softmax_of_each_edge():
    probabilities = edge_probabilities([[0.0, np.log(3.0)], [2.0, 2.0]])
    np.testing.assert_allclose(probabilities, [[0.25, 0.75], [0.5, 0.5]], rtol=1e-15)


def test_probabilities_of_large_float32_alphas_do_not_overflow():
    probabilities = edge_probabilities(np.array([[1000.0, 1000.0, -1000.0]], dtype=np.float32))
    assert probabilities.dtype == np.float64
    assert probabilities.tolist() == [[0.5, 0.5, 0.0]]


@pytest.mark.parametrize(
    "mask",
    [
        np.ones((14, 7), dtype=bool),
        np.ones((13, 8), dtype=bool),
        np.ones((14, 8), dtype=int),
        np.ones((14, 8)),
        [[True] * 8] * 13 + [[True] * 7],
        None,
    ],
)
def test_masks_of_another_shape_or_type_are_refused(mask):
    with pytest.raises(ValueError, match=r"reduce to be truth values of shape \(14, 8\)"):
        SearchSpace(np.ones((14, 8), dtype=bool), mask)


def test_unequal_counts_of_candidates_are_refused():
    mask = np.ones((14, 8), dtype=bool)
    mask[13, 0] = False
    with pytest.raises(ValueError, match=r"same number of candidates.*8, 7\]"):
        SearchSpace(np.ones((14, 8), dtype=bool), mask)


def test_edges_without_candidates_are_refused():
    with pytest.raises(ValueError, match="at least one"):
        first_candidates(0)


def test_space_is_independent_of_the_array_it_was_made_from():
    mask = np.ones((14, 8), dtype=bool)
    space = SearchSpace(mask, mask)
    mask[0, 0] = False
    assert space == SearchSpace.full()


@pytest.mark.parametrize(
    "duplicate", [copy.copy, copy.deepcopy, lambda s: pickle.loads(pickle.dumps(s))]
)
def test_copies_are_equal_and_read_only_too(duplicate):
    space = duplicate(first_candidates(5))
    assert space == first_candidates(5)
    with pytest.raises(ValueError, match="read-only"):
        space.normal[0, 0] = False


def test_masks_cannot_be_made_writable():
    with pytest.raises(ValueError, match="WRITEABLE"):
        SearchSpace.full().normal.setflags(write=True)


def test_equal_spaces_have_equal_hashes():
    assert len({SearchSpace.full(), SearchSpace.full(), first_candidates(5)}) == 2


def test_cells_are_not_interchangeable():
    first, last = first_candidates(5).normal, first_candidates(5).normal[:, ::-1]
    assert SearchSpace(first, last) != SearchSpace(last, first)


def test_space_is_unequal_to_other_things():
    assert SearchSpace.full() != "full"


@pytest.mark.parametrize("drop", DROPS[::5])
def test_json_round_trip(drop):
    space = SearchSpace(drop["after"], np.array(drop["after"])[::-1])
    assert SearchSpace.from_json(space.to_json()) == space


def test_json_names_the_candidates_of_each_edge():
    cells = json.loads(first_candidates(2).to_json())
    assert list(cells) == ["normal", "reduce"]
    assert cells["normal"]["1->3"] == ["none", "max_pool_3x3"]
    assert len(cells["reduce"]) == 14


def json_with(edit):
    """The JSON of a valid space after an edit of its parsed form."""
    cells = json.loads(first_candidates(2).to_json())
    edit(cells)
    return json.dumps(cells)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "search space in JSON"),
        ("[" * 100_000, "search space in JSON"),
        ("[]", "Expected the cells"),
        ("{}", "Expected the cells"),
        (json_with(lambda cells: cells.pop("reduce")), "Expected the cells"),
        (json_with(lambda cells: cells["normal"].pop("4->5")), "Expected normal to have the edges"),
        (json_with(lambda cells: cells.update(reduce=[])), "Expected reduce to have the edges"),
        (json_with(lambda cells: cells["normal"].update({"0->2": ["zero", "none"]})), "edge 0->2"),
        (json_with(lambda cells: cells["normal"].update({"0->2": "none"})), "edge 0->2"),
        (json_with(lambda cells: cells["normal"].update({"0->2": ["none"]})), "same number"),
    ],
)
def test_malformed_json_is_refused_on_one_line(text, message):
    with pytest.raises(ValueError, match=message) as caught:
        SearchSpace.from_json(text)
    assert "\n" not in str(caught.value)


OTHERS = ("sep_conv_7x7", "skip_connect", "conv_7x1_1x7", "max_pool_3x3")


def test_a_space_of_other_primitives_has_a_column_for_each():
    space = SearchSpace.full(OTHERS)
    assert space.normal.shape == (14, 4)
    assert space.candidates("reduce") == (OTHERS,) * 14


def test_a_smaller_space_of_other_primitives_keeps_their_names():
    alphas = np.tile([3.0, 0.0, 1.0, 2.0], (14, 1))
    smaller = SearchSpace.full(OTHERS).drop_lowest(alphas, alphas, num_to_drop=2)
    assert smaller.primitives == OTHERS
    assert set(smaller.candidates("normal")) == {("sep_conv_7x7", "max_pool_3x3")}


def test_json_and_copies_keep_other_primitives():
    space = SearchSpace.full(OTHERS)
    for again in (SearchSpace.from_json(space.to_json()), copy.deepcopy(space)):
        assert again == space
        assert again.primitives == OTHERS


def test_json_of_the_papers_primitives_does_not_name_them():
    assert set(json.loads(SearchSpace.full().to_json())) == {"normal", "reduce"}


def test_spaces_of_other_primitives_differ():
    assert SearchSpace.full(OTHERS) != SearchSpace.full(OTHERS[::-1])


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["none", "nothing", "skip_connect"], "names out of"),
        (["none", "sep_conv_3x3"], "at least two primitives besides none"),
        ([1, 2], "a list of names"),
        ("none", "a list of names"),
    ],
)
def test_json_with_primitives_that_no_search_can_have_is_refused(names, expected):
    content = json.loads(SearchSpace.full(OTHERS).to_json()) | {"primitives": names}
    for cell in ("normal", "reduce"):
        content[cell] = {edge: [] for edge in content[cell]}
    with pytest.raises(ValueError, match=expected):
        SearchSpace.from_json(json.dumps(content))
