"""What a search prints."""

import numpy as np
import pytest

import pdarts_tf as pd
from pdarts_tf.genotype import PRIMITIVES
from pdarts_tf.search.console import genotype_list, kept_operations, table


def test_columns_are_aligned_to_the_right():
    assert table(("stage", "cells"), [(1, 5), (2, 11)]) == (
        "stage  cells\n"
        "    1      5\n"
        "    2     11"
    )  # fmt: skip


def test_a_column_is_as_wide_as_its_widest_value():
    assert table(("a", "b"), [("1,234,567", "x")]) == (
        "        a  b\n"
        "1,234,567  x"
    )  # fmt: skip


def test_rows_of_another_length_are_refused():
    with pytest.raises(ValueError, match="argument"):
        table(("a", "b"), [(1,)])


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
