import numpy as np
import pytest

from pdarts_tf.alphas import Alphas, chosen_operations
from pdarts_tf.derivation import derive_genotype
from pdarts_tf.genotype import GENOTYPES, PRIMITIVES
from pdarts_tf.search_space import CELLS, random_space


@pytest.fixture
def alphas():
    rng = np.random.default_rng(3)
    return Alphas(random_space(5), rng.normal(size=(14, 5)), rng.normal(size=(14, 5)))


def test_probabilities_stand_in_the_columns_of_their_primitives(alphas):
    grid = alphas.probabilities("normal")
    assert np.array_equal(~np.isnan(grid), alphas.space.normal)
    np.testing.assert_allclose(np.nansum(grid, 1), 1.0)
    e = np.exp(alphas.normal[3])
    np.testing.assert_allclose(grid[3][alphas.space.normal[3]], e / e.sum())


def test_records_survive_json_to_the_bit(alphas):
    again = Alphas.from_record(alphas.space, alphas.to_record())
    for cell in CELLS:
        np.testing.assert_array_equal(again.of(cell), alphas.of(cell))


def test_float32_alphas_derive_what_their_record_derives(alphas):
    """What a stage returns, and what a resumed search reads, lead to the same space."""
    single = Alphas(alphas.space, alphas.normal.astype("f"), alphas.reduce.astype("f"))
    again = Alphas.from_record(alphas.space, single.to_record())
    assert single.next_space(2) == again.next_space(2)
    assert single.derive(2) == again.derive(2)


def test_the_genotype_is_that_of_the_rules(alphas):
    expected = derive_genotype(alphas.space, alphas.normal, alphas.reduce, 1)
    assert alphas.derive(1) == alphas.derive_if_possible(1) == expected
    assert alphas.derive_all()["unrestricted"] == alphas.derive()


def test_no_genotype_where_the_limit_cannot_be_reached():
    space = random_space(8)
    only = np.zeros_like(space.normal)
    only[:, [PRIMITIVES.index("none"), PRIMITIVES.index("skip_connect")]] = True
    alphas = Alphas(type(space)(only, only), np.zeros((14, 2)), np.zeros((14, 2)))
    assert alphas.derive_if_possible(0) is None


def test_alphas_of_another_shape_are_refused(alphas):
    with pytest.raises(ValueError, match=r"alphas_reduce to be finite numbers of shape \(14, 5\)"):
        Alphas(alphas.space, alphas.normal, np.zeros((14, 4)))


def test_edges_of_a_genotype_are_found_in_the_search_space():
    chosen = chosen_operations(GENOTYPES["PDARTS"], "normal", PRIMITIVES)
    names = {(edge, PRIMITIVES[operation]) for edge, operation in chosen}
    assert {(0, "skip_connect"), (1, "dil_conv_3x3"), (13, "dil_conv_5x5")} <= names


def test_operations_outside_the_search_space_are_left_out():
    assert len(chosen_operations(GENOTYPES["NASNet"], "reduce", PRIMITIVES)) < 10
