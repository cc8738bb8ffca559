"""Derivation: equal to the official code on its goldens, and by hand where those have no case."""

import json
from pathlib import Path

import numpy as np
import pytest

from pdarts_tf import search_space
from pdarts_tf.derivation import (
    count_skip_connects,
    derive_all,
    derive_genotype,
    edge_probabilities,
)
from pdarts_tf.genotype import GENOTYPES, PRIMITIVES
from pdarts_tf.search_space import SearchSpace, edge_nodes
from tests.torch_tensors import Tensor

DERIVATIONS = json.loads((Path(__file__).parent / "goldens" / "derivation.json").read_text())[
    "derive"
]


def official(case):
    """Space and alphas of an official derivation."""
    space = SearchSpace(case["switches_normal"], case["switches_reduce"])
    return space, case["alphas_normal"], case["alphas_reduce"]


def as_lists(genotype):
    """The cells of a genotype as the goldens write them."""
    return {
        "normal": [list(edge) for edge in genotype.normal],
        "reduce": [list(edge) for edge in genotype.reduce],
    }


def space_of(*names):
    """A space with these candidates on every edge of both cells."""
    mask = np.tile([name in names for name in PRIMITIVES], (14, 1))
    return SearchSpace(mask, mask)


SKIP_OR_CONV = space_of("none", "skip_connect", "sep_conv_3x3")
# Alphas (14, 3) that choose a convolution on every edge, all equally strong.
CONVOLUTIONS = np.tile([0.0, 0.0, 1.0], (14, 1))


def skips_on(strengths):
    """Alphas (14, 3) of `SKIP_OR_CONV`: a skip-connect of that alpha on the edges named."""
    alphas = CONVOLUTIONS.copy()
    for edge, alpha in strengths.items():
        alphas[edge, 1] = alpha
    return alphas


def test_all_official_derivations_are_here():
    assert len(DERIVATIONS) == 40
    assert sum(len(case["restricted"]) for case in DERIVATIONS) > 100


@pytest.mark.parametrize("case", DERIVATIONS)
def test_unrestricted_genotype_is_the_official_one(case):
    genotype = derive_genotype(*official(case))
    assert as_lists(genotype) == case["unrestricted"]
    assert genotype.normal_concat == genotype.reduce_concat == (2, 3, 4, 5)


@pytest.mark.parametrize("case", DERIVATIONS)
@pytest.mark.parametrize("limit", range(9))
def test_restricted_genotype_is_the_official_one(case, limit):
    # The goldens have no entry where the limit changes nothing.
    expected = case["restricted"].get(str(limit), case["unrestricted"])
    space, alphas_normal, alphas_reduce = official(case)
    assert as_lists(derive_genotype(space, alphas_normal, alphas_reduce, limit)) == expected


@pytest.mark.parametrize("case", DERIVATIONS)
def test_all_limits_from_the_count_found_down_to_zero(case):
    genotypes = derive_all(*official(case))
    found = genotypes["unrestricted"].num_skip_connects
    assert list(genotypes) == ["unrestricted", *(f"M={limit}" for limit in range(found, -1, -1))]
    assert genotypes[f"M={found}"] == genotypes["unrestricted"]
    assert {
        str(limit): as_lists(genotypes[f"M={limit}"]) for limit in range(found - 1, -1, -1)
    } == case["restricted"]


@pytest.mark.parametrize("case", DERIVATIONS[:10])
def test_limit_for_both_cells_treats_the_reduction_cell_like_the_normal_one(case):
    space, alphas_normal, alphas_reduce = official(case)
    swapped = SearchSpace(space.reduce, space.normal)
    both = derive_genotype(space, alphas_normal, alphas_reduce, 1, restrict_reduce=True)
    assert both.normal == derive_genotype(space, alphas_normal, alphas_reduce, 1).normal
    assert both.reduce == derive_genotype(swapped, alphas_reduce, alphas_normal, 1).normal


def test_all_limits_for_both_cells_begin_with_the_larger_count():
    genotypes = derive_all(
        SKIP_OR_CONV, skips_on({0: 2.0}), skips_on({0: 2.0, 1: 2.0, 4: 3.0}), restrict_reduce=True
    )
    assert list(genotypes) == ["unrestricted", "M=3", "M=2", "M=1", "M=0"]
    assert count_skip_connects(genotypes["M=1"], "normal") == 1
    assert count_skip_connects(genotypes["M=1"], "reduce") == 1


def test_last_of_equally_probable_operations_wins():
    space = space_of("max_pool_3x3", "sep_conv_3x3", "dil_conv_5x5")
    alphas = np.tile([1.0, 1.0, 0.0], (14, 1))
    assert derive_genotype(space, alphas, alphas).normal[0] == ("sep_conv_3x3", 0)


def test_last_of_equally_strong_edges_win():
    genotype = derive_genotype(SKIP_OR_CONV, CONVOLUTIONS, CONVOLUTIONS)
    assert [source for _, source in genotype.normal] == [0, 1, 1, 2, 2, 3, 3, 4]


def test_edges_are_written_in_order_of_source_not_of_strength():
    alphas = CONVOLUTIONS.copy()
    alphas[2, 2], alphas[4, 2] = 3.0, 2.0  # into node 3: from node 0 most, from node 2 next
    genotype = derive_genotype(SKIP_OR_CONV, alphas, alphas)
    assert genotype.normal[2:4] == (("sep_conv_3x3", 0), ("sep_conv_3x3", 2))


def test_none_never_wins_but_weakens_its_edge():
    alphas = CONVOLUTIONS.copy()
    alphas[4, 0] = 9.0  # into node 3, from node 2
    genotype = derive_genotype(SKIP_OR_CONV, alphas, alphas)
    assert genotype.normal[2:4] == (("sep_conv_3x3", 0), ("sep_conv_3x3", 1))


def test_weakest_skip_connect_is_replaced_first():
    alphas = skips_on({0: 3.0, 1: 2.0})
    genotype = derive_genotype(SKIP_OR_CONV, alphas, CONVOLUTIONS, 1)
    assert genotype.normal[:2] == (("skip_connect", 0), ("sep_conv_3x3", 1))


def test_first_of_equally_weak_skip_connects_is_replaced():
    alphas = skips_on({0: 3.0, 1: 3.0})
    genotype = derive_genotype(SKIP_OR_CONV, alphas, CONVOLUTIONS, 1)
    assert genotype.normal[:2] == (("sep_conv_3x3", 0), ("skip_connect", 1))


def test_edge_that_loses_its_skip_connect_can_lose_its_place():
    alphas = skips_on({2: 3.0})
    assert derive_genotype(SKIP_OR_CONV, alphas, CONVOLUTIONS).normal[2:4] == (
        ("skip_connect", 0),
        ("sep_conv_3x3", 2),
    )
    assert derive_genotype(SKIP_OR_CONV, alphas, CONVOLUTIONS, 0).normal[2:4] == (
        ("sep_conv_3x3", 1),
        ("sep_conv_3x3", 2),
    )


def test_reduction_cell_keeps_its_skip_connects_by_default():
    alphas = skips_on({0: 3.0, 1: 2.0})
    genotype = derive_genotype(SKIP_OR_CONV, alphas, alphas, 0)
    assert count_skip_connects(genotype, "normal") == 0
    assert count_skip_connects(genotype, "reduce") == 2


def only_skip_on_first_edge():
    """Two candidates per edge; none or skip-connect into node 2 from node 0, else convolutions."""
    mask = np.tile([name in ("skip_connect", "sep_conv_3x3") for name in PRIMITIVES], (14, 1))
    mask[0] = [name in ("none", "skip_connect") for name in PRIMITIVES]
    return SearchSpace(mask, space_of("skip_connect", "sep_conv_3x3").reduce)


def test_skip_connect_without_replacement_stays_and_a_stronger_one_goes():
    alphas = np.tile([0.0, 1.0], (14, 1))
    alphas[1] = [5.0, 0.0]
    genotype = derive_genotype(only_skip_on_first_edge(), alphas, alphas, 1)
    assert genotype.normal[:2] == (("skip_connect", 0), ("sep_conv_3x3", 1))


def test_limit_that_cannot_be_reached_is_refused():
    alphas = np.tile([0.0, 1.0], (14, 1))
    with pytest.raises(ValueError, match=r"max_skip_connects=0 to be reachable in the normal cell"):
        derive_genotype(only_skip_on_first_edge(), alphas, alphas, 0)


def test_all_limits_leave_out_those_that_cannot_be_reached():
    alphas = np.tile([0.0, 1.0], (14, 1))
    alphas[1] = [5.0, 0.0]
    genotypes = derive_all(only_skip_on_first_edge(), alphas, alphas)
    assert list(genotypes) == ["unrestricted", "M=2", "M=1"]


def test_node_without_two_operations_is_refused():
    mask = np.tile([name == "sep_conv_3x3" for name in PRIMITIVES], (14, 1))
    mask[1] = [name == "none" for name in PRIMITIVES]
    space = SearchSpace(space_of("skip_connect").normal, mask)
    alphas = np.zeros((14, 1))
    with pytest.raises(ValueError, match="every node of the reduce cell to have a candidate"):
        derive_genotype(space, alphas, alphas)


@pytest.mark.parametrize("limit", [-1, True, 2.0, "2"])
def test_limit_that_is_no_count_is_refused(limit):
    with pytest.raises(ValueError, match=f"None or an integer >= 0. Received: {limit!r}"):
        derive_genotype(SKIP_OR_CONV, CONVOLUTIONS, CONVOLUTIONS, limit)


def test_alphas_of_another_stage_are_refused():
    with pytest.raises(ValueError, match=r"alphas_reduce .*\(14, 3\)\. Received: shape \(14, 5\)"):
        derive_genotype(SKIP_OR_CONV, CONVOLUTIONS, np.zeros((14, 5)))


def test_alphas_that_are_not_finite_are_refused():
    with pytest.raises(ValueError, match="NaN or infinity on edges"):
        derive_all(SKIP_OR_CONV, np.full((14, 3), np.nan), CONVOLUTIONS)


def test_skip_connects_are_counted_per_cell():
    assert count_skip_connects(GENOTYPES["DARTS_V1"], "normal") == 3
    assert count_skip_connects(GENOTYPES["PDARTS"], "reduce") == 0


def test_skip_connects_of_an_unknown_cell_are_refused():
    with pytest.raises(ValueError, match="Received: 'both'"):
        count_skip_connects(GENOTYPES["PDARTS"], "both")


def test_probabilities_are_those_that_dropping_uses():
    assert edge_probabilities is search_space.edge_probabilities


# Weights of edges


def test_equal_betas_weigh_the_edges_into_a_node_alike():
    alphas = np.random.default_rng(0).normal(size=(14, 8))
    space, betas = SearchSpace.full(), (np.zeros(14), np.zeros(14))
    weighed = derive_genotype(space, alphas, alphas, betas=betas)
    assert weighed == derive_genotype(space, alphas, alphas)


def test_the_edges_of_the_largest_betas_are_kept():
    alphas, betas = np.zeros((14, 8)), np.zeros(14)
    betas[[11, 13]] = 1.0  # the edges from nodes 2 and 4 into node 5
    cell = derive_genotype(SearchSpace.full(), alphas, alphas, betas=(betas, betas)).normal
    assert [source for _, source in cell[6:]] == [2, 4]


def test_betas_do_not_choose_operations():
    alphas = np.random.default_rng(0).normal(size=(14, 8))
    betas = np.random.default_rng(1).normal(size=14)
    found = derive_genotype(SearchSpace.full(), alphas, alphas, betas=(betas, betas))
    edges = {edge: i for i, edge in enumerate(edge_nodes())}
    for i, (operation, source) in enumerate(found.normal):
        best = 1 + alphas[edges[source, 2 + i // 2], 1:].argmax()
        assert operation == PRIMITIVES[best]


@pytest.mark.parametrize("betas", [np.zeros(13), np.full(14, np.inf), "zeros", np.zeros((14, 1))])
def test_betas_that_do_not_fit_are_refused(betas):
    alphas = np.zeros((14, 8))
    with pytest.raises(ValueError, match=r"betas_reduce to be finite numbers of shape \(14,\)"):
        derive_genotype(SearchSpace.full(), alphas, alphas, betas=(np.zeros(14), betas))


def test_parameters_of_pytorch_are_read():
    alphas = np.random.default_rng(0).normal(size=(14, 8)).astype(np.float32)
    space = SearchSpace.full()
    tensors = derive_genotype(space, Tensor(alphas), Tensor(alphas))
    assert tensors == derive_genotype(space, alphas, alphas)


@pytest.mark.parametrize("limit", [None, 2, 0])
def test_the_order_of_the_primitives_does_not_matter(limit):
    random = np.random.default_rng(7)
    alphas = random.normal(size=(2, 14, 8))
    order = random.permutation(8)
    shuffled = SearchSpace.full(tuple(np.array(PRIMITIVES)[order].tolist()))
    normal, reduce = alphas
    expected = derive_genotype(SearchSpace.full(), normal, reduce, limit)
    assert derive_genotype(shuffled, normal[:, order], reduce[:, order], limit) == expected


def test_without_none_every_edge_has_an_operation():
    # Column 0 would be that of none among the paper's primitives.
    alphas = np.tile([2.0, 1.0, 0.0], (14, 1))
    space = SearchSpace.full(("sep_conv_3x3", "skip_connect", "sep_conv_7x7"))
    found = derive_genotype(space, alphas, alphas)
    assert {operation for operation, _ in found.normal} == {"sep_conv_3x3"}


def test_without_skip_connects_every_limit_is_kept():
    alphas = np.tile([0.0, 1.0], (14, 1))
    space = SearchSpace.full(("sep_conv_3x3", "sep_conv_7x7"))
    assert list(derive_all(space, alphas, alphas)) == ["unrestricted", "M=0"]
