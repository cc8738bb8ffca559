"""What a search prints."""

import numpy as np

import pdarts_tf as pd
from pdarts_tf.genotype import PRIMITIVES
from pdarts_tf.search.console import genotype_list, kept_operations


def test_kept_operations_are_listed_edge_by_edge():
    masks = np.zeros((2, 14, 8), dtype=bool)
    masks[:, :, [0, 3]] = True
    masks[1, 13] = [name in ("sep_conv_3x3", "dil_conv_5x5") for name in PRIMITIVES]
    space = pd.SearchSpace(*masks)
    normal = kept_operations(space, "normal").splitlines()
    assert normal[:2] == ["normal cell keeps", "  0 -> 2  none, skip_connect"]
    assert len(normal) == 15
    reduce = kept_operations(space, "reduce").splitlines()
    assert reduce[-1] == "  4 -> 5  sep_conv_3x3, dil_conv_5x5"


def test_genotypes_are_listed_in_the_official_notation():
    genotype = pd.GENOTYPES["PDARTS"]
    lines = genotype_list({"unrestricted": genotype, "M=2": genotype}).splitlines()
    assert lines[0].startswith("unrestricted (2 skip-connects): Genotype(normal=[('skip_connect',")
    title, _, notation = lines[1].partition(": ")
    assert title == "M=2 (2 skip-connects)"
    assert pd.Genotype.parse(notation) == genotype
