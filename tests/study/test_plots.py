"""Plots: where dots, bars and ticks go, and what they say."""

import re
from typing import Any
from xml.etree import ElementTree

import pytest

from pdarts_tf.study.formats import MINUS
from pdarts_tf.study.plots import (
    AMOUNTS,
    COUNTS,
    DIFFERENCES,
    DOT,
    LEFT,
    RIGHT,
    SHARES,
    WIDTH,
    Group,
    axis_ticks,
    interval_plot,
    svg_element,
    svg_file,
)

GROUPS = [
    Group("pdarts", (0.95, 0.96, 0.97), (0.94, 0.98), "96.0 ± 2.0 %"),
    Group("one seed", (0.93,), None, "93.0 %"),
    Group("missing", (), None, "no result yet"),
]
SVG = "{http://www.w3.org/2000/svg}"


def element(*arguments: Any) -> Any:
    plot = interval_plot(*arguments)
    assert plot is not None
    return ElementTree.fromstring(svg_element(plot, "it"))


def dots(root):
    found = root.iter(f"{SVG}circle")
    return [(float(each.get("cx")), float(each.get("cy"))) for each in found]


def bars(root):
    found = [each.get("d") for each in root.iter(f"{SVG}path") if each.get("class") == "interval"]
    return [tuple(map(float, re.findall(r"M([\d.]+),.* H([\d.]+)", d)[0])) for d in found]


def arrows(root):
    return sum(each.get("class") == "more" for each in root.iter(f"{SVG}path"))


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (3.0, 40.0, [2, 5, 10, 20, 50]),
        (17e3, 10.2e6, [10e3, 100e3, 1e6, 10e6, 100e6]),
        (10.0, 10.0, [10, 20]),
        (0.15, 0.4, [0.1, 0.2, 0.5]),
    ],
)
def test_logarithmic_ticks_enclose_the_values(low, high, ticks):
    assert axis_ticks([low, high], AMOUNTS) == pytest.approx(ticks)


def test_every_value_is_a_dot_and_intervals_are_bars():
    root = element("test accuracy", GROUPS, SHARES)
    assert len(dots(root)) == 4
    [(start, end)] = bars(root)
    xs = [x for x, _ in dots(root)]
    assert start < xs[0] < xs[1] < xs[2] < end
    assert xs[3] < start
    assert arrows(root) == 0


def test_every_row_says_its_name_and_its_numbers():
    texts = [each.text for each in element("test accuracy", GROUPS, SHARES).iter(f"{SVG}text")]
    for group in GROUPS:
        assert texts[texts.index(group.name) + 1] == group.text


def test_a_plot_is_told_in_words():
    root = element("Test accuracy", GROUPS, SHARES)
    assert root.get("role") == "img"
    described = [root.find(f"{SVG}{name}") for name in ("title", "desc")]
    assert root.get("aria-labelledby").split() == [each.get("id") for each in described]
    assert described[1].text.startswith(
        "Test accuracy: pdarts 96.0 ± 2.0 %, 3 from 95.0 % to 97.0 %; one seed 93.0 %, 1 from"
    )
    assert "missing has no value yet" in described[1].text


def test_equal_values_do_not_hide_each_other():
    spots = dots(element("skip-connects", [Group("a", (2.0, 2.0, 2.0), (2.0, 2.0))], COUNTS))
    assert len(set(spots)) == 3
    assert all(abs(a[1] - b[1]) >= DOT for a in spots for b in spots if a != b)


def test_an_interval_that_is_much_too_long_is_cut_off_with_arrows():
    root = element("accuracy", [Group("two", (0.50, 0.52), (0.10, 0.92))], SHARES)
    assert bars(root) == [(LEFT, RIGHT)]
    assert arrows(root) == 2
    left, right = (x for x, _ in dots(root))
    assert right - left > 50


@pytest.mark.parametrize(
    ("values", "scale", "first", "last"),
    [
        ((0.991, 0.999), SHARES, 0.99, 1.0),
        ((0.99, 1.3), SHARES, 0.99, 1.0),
        ((-0.2, 0.01), SHARES, 0.0, 0.01),
        ((2.0, 3.5), COUNTS, 0.0, 4.0),
        ((0.0, 0.0), COUNTS, 0.0, 1.0),
        ((2.0, 2.2), COUNTS, 0.0, 3.0),
        ((1.0, 1.0), SHARES, 0.9, 1.0),
    ],
)
def test_axes_stay_within_what_is_possible(values, scale, first, last):
    ticks = axis_ticks(values, scale)
    assert (ticks[0], ticks[-1]) == (pytest.approx(first), pytest.approx(last))
    assert len(ticks) > 1


def test_all_is_within_the_view_box():
    groups = [Group("w" * 80, (1.0, 0.0, 0.5), (-0.5, 1.5), "50.0 ± 100.0 %"), *GROUPS]
    root = element("accuracy", groups, SHARES)
    assert all(DOT <= x <= WIDTH - DOT for x, _ in dots(root))
    names = [each.text for each in root.iter(f"{SVG}text") if each.get("class") == "name"]
    assert max(map(len, names)) < 34
    height = float(root.get("viewBox").split()[-1])
    assert all(0 < float(each.get("y")) < height for each in root.iter(f"{SVG}text"))


def test_differences_have_a_line_at_zero_and_signs():
    root = element("difference", [Group("a", (0.01, 0.03), (-0.01, 0.05))], DIFFERENCES)
    [line] = [each for each in root.iter(f"{SVG}path") if each.get("class") == "reference"]
    ticks = {
        each.text: each.get("x") for each in root.iter(f"{SVG}text") if each.get("class") == "tick"
    }
    assert line.get("d").startswith(f"M{ticks['0']},")
    assert {f"{MINUS}2", "+2", "+4"} <= ticks.keys()


def test_zero_is_on_the_axis_of_differences():
    assert axis_ticks([0.031, 0.032], DIFFERENCES)[0] == 0.0


def test_no_values_give_no_plot():
    assert interval_plot("accuracy", []) is None
    assert interval_plot("accuracy", [Group("missing", ())]) is None


def test_names_are_escaped():
    root = element("<b>", [Group("</svg><script>", (1.0, 2.0), (0.0, 3.0), "&")])
    assert {each.tag.removeprefix(SVG) for each in root.iter()} <= {
        "svg", "title", "desc", "text", "path", "circle",
    }  # fmt: skip


def test_a_file_stands_alone_and_has_both_themes():
    plot = interval_plot("Test accuracy", GROUPS, SHARES)
    assert plot is not None
    text = svg_file(plot)
    root = ElementTree.fromstring(text)
    [style] = [each.text or "" for each in root.iter(f"{SVG}style")]
    assert "prefers-color-scheme: dark" in style and "--ink" in style
    assert "Test accuracy" in [each.text for each in root.iter(f"{SVG}text")]
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")
