"""Drawings of cells: complete, without overlaps, the same every time."""

import io
import itertools
import subprocess
import sys
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image, ImageFont

from pdarts_tf.drawing import png as drawing_png
from pdarts_tf.drawing.layout import FONT_SIZE, describe_cell, draw_cell, draw_genotype
from pdarts_tf.drawing.png import png_bytes, point_on_curve
from pdarts_tf.drawing.svg import svg_element, svg_file
from pdarts_tf.genotype import GENOTYPES, Genotype
from tests.source_tree import ROOT

CELLS = [(name, cell) for name in GENOTYPES for cell in ("normal", "reduce")]
SMALLEST = Genotype([("skip_connect", 0), ("skip_connect", 1)], [2], [("skip_connect", 0)] * 2, [2])
SVG = "{http://www.w3.org/2000/svg}"


def inside(box, x, y, margin=0.0):
    return abs(x - box.x) < box.width / 2 - margin and abs(y - box.y) < box.height / 2 - margin


@pytest.mark.parametrize(("name", "cell"), CELLS)
def test_every_part_of_a_cell_is_there(name, cell):
    genotype = GENOTYPES[name]
    drawing = draw_cell(genotype, cell)
    edges, concat = getattr(genotype, cell), getattr(genotype, f"{cell}_concat")
    texts = [box.text for box in drawing.boxes]
    nodes = [str(i) for i in range(len(edges) // 2)]
    assert texts == ["c_{k-2}", "c_{k-1}", *nodes, *(name for name, _ in edges), "c_{k}"]
    assert len(drawing.lines) == 2 * len(edges) + len(concat)


@pytest.mark.parametrize(("name", "cell"), CELLS)
def test_boxes_lie_apart_and_no_line_crosses_a_label(name, cell):
    drawing = draw_cell(GENOTYPES[name], cell)
    for one, other in itertools.combinations(drawing.boxes, 2):
        apart_x = abs(one.x - other.x) - (one.width + other.width) / 2
        apart_y = abs(one.y - other.y) - (one.height + other.height) / 2
        assert max(apart_x, apart_y) > 5, (one, other)
    labels = [box for box in drawing.boxes if box.shape == "operation"]
    for line in drawing.lines:
        for i in range(0, len(line.points) - 1, 3):
            for t in np.linspace(0, 1, 40):
                x, y = point_on_curve(line.points[i : i + 4], t)
                assert not any(inside(label, x, y, margin=1) for label in labels)
                assert 0 <= x <= drawing.width and 0 <= y <= drawing.height


def test_lines_lead_from_box_to_box():
    drawing = draw_cell(SMALLEST, "normal")
    first, second, node, *_, output = drawing.boxes
    starts = {line.points[0] for line in drawing.lines}
    tips = [line.tip for line in drawing.lines if line.tip]
    for box in (first, second, node):
        assert any(np.hypot(x - box.x, y - box.y) < box.width for x, y in starts)
    for box, count in ((node, 2), (output, 1)):
        assert sum(np.hypot(x - box.x, y - box.y) < box.width for x, y in tips) == count


def test_texts_fit_into_their_boxes():
    for box in draw_genotype(GENOTYPES["AmoebaNet"]).boxes:
        if box.shape == "operation":
            assert ImageFont.load_default(FONT_SIZE).getlength(box.text) < box.width - 10


def test_a_cell_is_told_in_words():
    text = describe_cell(*(getattr(GENOTYPES["PDARTS"], n) for n in ("normal", "normal_concat")))
    assert text.startswith("Node 0 is skip_connect of c_{k-2} plus dil_conv_3x3 of c_{k-1}. Node 1")
    assert text.endswith("The output c_{k} concatenates nodes 0, 1, 2, 3.")


def test_a_drawing_is_the_same_in_every_process():
    code = (
        "from pdarts_tf.genotype import GENOTYPES; from pdarts_tf.drawing import layout, svg; "
        "print(svg.svg_file(layout.draw_genotype(GENOTYPES['NASNet'])))"
    )
    command = [sys.executable, "-c", code]
    other = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert other.stderr == ""  # Graphviz looks for no fonts
    assert other.stdout == svg_file(draw_genotype(GENOTYPES["NASNet"])) + "\n"


def test_an_svg_file_is_read_out_by_its_title_and_description():
    drawing = draw_genotype(GENOTYPES["PDARTS"])
    root: Any = ElementTree.fromstring(svg_file(drawing))
    described = [root.find(f"{SVG}title"), root.find(f"{SVG}desc")]
    assert root.get("role") == "img"
    assert root.get("aria-labelledby").split() == [each.get("id") for each in described]
    assert described[1].text.count("Node") == 8
    texts = ["".join(each.itertext()) for each in root.iter(f"{SVG}text")]
    assert texts.count("ck") == 2 and texts.count("skip_connect") == 2
    assert "prefers-color-scheme: dark" in root.find(f"{SVG}style").text


def test_elements_of_one_page_have_identifiers_of_their_own():
    drawing = draw_cell(SMALLEST, "normal")
    one, other = (ElementTree.fromstring(svg_element(drawing, name)) for name in "ab")
    ids = [each.get("id") for root in (one, other) for each in root.iter() if each.get("id")]
    assert len(ids) == len(set(ids)) == 4


def test_a_png_shows_the_drawing_in_its_colours():
    drawing = draw_cell(GENOTYPES["PDARTS"], "normal")
    image = Image.open(io.BytesIO(png_bytes(drawing)))
    assert image.size == (round(drawing.width * 2), round(drawing.height * 2))
    pixels = np.asarray(image.convert("RGB")).reshape(-1, 3).astype(int)
    for colour in ("#1450c8", "#b45a0a", "#ffffff"):
        wanted = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
        assert (np.abs(pixels - wanted).max(axis=1) < 6).sum() > 200, colour


def test_skip_connects_are_dashed():
    points = [(float(x), 0.0) for x in range(33)]
    pieces = list(drawing_png._dashes(points))
    assert [(piece[0][0], piece[-1][0]) for piece in pieces] == [
        (0, 5),
        (8, 13),
        (16, 21),
        (24, 29),
    ]
