"""Scatter plots: a mark per point, groups told apart by shape."""

from xml.etree import ElementTree

from pdarts_tf.study.plots import AMOUNTS, RIGHT, WIDTH, svg_element
from pdarts_tf.study.scatter import BOTTOM, LEFT, TOP, Points, scatter_plot

SVG = "{http://www.w3.org/2000/svg}"
GROUPS = [
    Points("pdarts", [(0.2, 0.90, "seed 0"), (0.4, 0.95, "seed 1")]),
    Points("pdarts@stage1", [(0.3, 0.92, "seed 0")]),
]


def marks(groups):
    plot = scatter_plot("probability", "validation accuracy", groups)
    assert plot is not None
    root = ElementTree.fromstring(svg_element(plot, "it"))
    return root, [each for each in root.iter(f"{SVG}path") if each.find(f"{SVG}title") is not None]


def test_every_point_is_a_mark_in_the_right_place_with_its_name():
    _, found = marks(GROUPS)
    assert len(found) == 3 + 2  # and the legend
    assert found[0].get("transform") == f"translate({LEFT:g} {BOTTOM:g})"
    assert found[1].get("transform") == f"translate(344 {TOP:g})"
    assert found[0].find(f"{SVG}title").text == "pdarts, seed 0: 20.0 %, 90.0 %"


def test_on_a_logarithmic_axis_equal_ratios_are_equally_far():
    points = [(value, 0.9, "network") for value in (1e5, 1e6, 1e7)]
    plot = scatter_plot("parameters", "accuracy", [Points("M=0", points)], AMOUNTS)
    assert plot is not None
    root = ElementTree.fromstring(svg_element(plot, "it"))
    found = [each.get("transform", "") for each in root.iter(f"{SVG}path")]
    found = [each for each in found if each]
    xs = [float(each[10:-1].split()[0]) for each in found[:3]]
    assert xs == [LEFT, (LEFT + RIGHT) / 2, RIGHT]
    assert {"100 k", "1 M", "10 M"} < {each.text for each in root.iter(f"{SVG}text")}


def test_groups_are_told_apart_by_shape_and_colour():
    groups = [Points(f"m{i}", [(0.1 * i, 0.5, "seed 0")]) for i in range(12)]
    _, found = marks(groups)
    assert len({(each.get("class"), each.get("d")) for each in found}) == 12
    assert len({each.get("d") for each in found[:6]}) == 6


def test_the_axes_are_named_and_the_points_counted():
    root, _ = marks(GROUPS)
    texts = [each.text for each in root.iter(f"{SVG}text")]
    assert {"↑ validation accuracy", "probability →", "pdarts@stage1"} <= set(texts)
    assert root.find(f"{SVG}desc").text == (
        "3 points: validation accuracy against probability, of pdarts, pdarts@stage1."
    )


def test_a_single_point_is_inside():
    _, found = marks([Points("one", [(0.5, 0.5, "seed 0")])])
    x, y = map(float, found[0].get("transform")[10:-1].split())
    assert LEFT < x < WIDTH and TOP < y < BOTTOM


def test_no_points_give_no_plot():
    assert scatter_plot("x", "y", [Points("none", [])]) is None


def test_names_are_escaped():
    root, _ = marks([Points("</svg><b>", [(0.5, 0.5, "<i>")])])
    assert {each.tag.removeprefix(SVG) for each in root.iter()} == {
        "svg", "title", "desc", "text", "path",
    }  # fmt: skip
