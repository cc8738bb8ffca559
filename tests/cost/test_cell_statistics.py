"""Depth and width of cells, against the figures of Shu et al. 2020."""

import pytest

from pdarts_tf.cost.cell_statistics import cell_depth, cell_width
from pdarts_tf.genotype import GENOTYPES, Genotype


# Shu et al. count the concatenation too: depths of 2, 4 and 3.
@pytest.mark.parametrize(
    ("name", "depth", "width"), [("NASNet", 1, 5), ("AmoebaNet", 3, 4), ("DARTS_V2", 2, 3.5)]
)
def test_published_cells(name, depth, width):
    genotype = GENOTYPES[name]
    assert cell_depth(genotype.normal, genotype.normal_concat) == depth
    assert cell_width(genotype.normal) == width


def test_nodes_that_do_not_reach_the_output_add_no_depth():
    edges = [("skip_connect", 0), ("skip_connect", 1), ("skip_connect", 2), ("skip_connect", 2)]
    genotype = Genotype(edges, [2], edges, [3])
    assert cell_depth(genotype.normal, genotype.normal_concat) == 1
    assert cell_depth(genotype.reduce, genotype.reduce_concat) == 2
