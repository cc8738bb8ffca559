"""Tables as text."""

import pytest

from pdarts_tf.cost.tables import table


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
