"""Line charts: where ticks and points go."""

import itertools
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from pdarts_tf.report.charts import (
    BOTTOM,
    LEFT,
    RIGHT,
    TOP,
    Chart,
    Series,
    nice_ticks,
    percent,
    place,
)

NUMBERS = st.floats(-1e9, 1e9, allow_subnormal=False)


def placed_chart(*arguments: Any, **options: Any) -> Any:
    return place(Chart(*arguments, **options))


@hypothesis.given(NUMBERS, NUMBERS)
def test_ticks_are_few_and_even_and_enclose_the_values(one, other):
    low, high = sorted((one, other))
    ticks = nice_ticks(low, high)
    steps = [after - before for before, after in itertools.pairwise(ticks)]
    slack = max(abs(low), abs(high)) * 1e-6 + 1e-12
    assert 2 <= len(ticks) <= 7
    assert ticks[0] <= low + slack and ticks[-1] >= high - slack
    assert min(steps) > 0
    assert max(steps) - min(steps) <= slack


def test_the_first_and_last_value_are_at_the_corners():
    placed = placed_chart("loss", [Series("weights", [1.0, 0.5, 0.0])])
    assert placed.lines[0].path == f"M{LEFT:g},{TOP:g} L209,101 L{RIGHT:g},{BOTTOM:g}"
    assert placed.xs == [LEFT, 209, RIGHT]
    assert placed.lines[0].texts == ["1", "0.5", "0"]


def test_a_line_has_gaps_where_values_are_missing_and_dots_where_one_is_alone():
    placed = placed_chart("accuracy", [Series("validation", [None, 1.0, None, 0.0, 0.0])])
    path = placed.lines[0].path
    assert path.count("M") == 2 and path.count("L") == 1
    assert placed.lines[0].dots == [(placed.xs[1], TOP)]
    assert placed.lines[0].texts[0] == "-"


def test_a_line_begins_anew_at_a_boundary():
    series = [Series("weights", [1.0, 0.0, 1.0, 0.0])]
    placed = placed_chart("loss", series, boundaries=[("stage 2", 1.5)])
    assert placed.lines[0].path.count("M") == 2
    assert placed.boundaries == [(209.0, "stage 2")]


def test_a_limit_is_within_the_chart():
    placed = placed_chart("skips", [Series("found", [0.0, 1.0])], limit=("M = 5", 5.0))
    assert placed.limit == (TOP, "M = 5")


def test_counts_begin_at_zero_and_have_whole_ticks():
    placed = placed_chart("skips", [Series("found", [1.0, 2.0])], counts=True)
    assert [text for _, text in placed.y_ticks] == ["0", "1", "2"]
    assert placed.y_ticks[0][0] == BOTTOM


def test_a_chart_tells_its_lines_in_words_and_leaves_empty_ones_out():
    series = [Series("weights", [0.25, 0.5, 0.4]), Series("test", [None] * 3)]
    placed = placed_chart("Accuracy", series, percent)
    assert placed.summary == (
        "Accuracy by epoch: weights from 25.0 % to 40.0 %, between 25.0 % and 50.0 %."
    )
    assert place(Chart("Accuracy", series[1:])) is None


@pytest.mark.parametrize("value", [0.0, 0.93, -2.0])
def test_one_value_is_a_dot_about_the_middle(value):
    placed = placed_chart("x", [Series("y", [value])])
    assert placed.lines[0].dots == [(209.0, pytest.approx((TOP + BOTTOM) / 2, abs=20))]
