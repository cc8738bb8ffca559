"""The heat map: the colours are those of the probabilities, and every text has room."""

import io

import numpy as np
import pytest
from PIL import Image, ImageColor

from pdarts_tf.drawing.layout import CELL_NAMES
from pdarts_tf.drawing.palette import HEAT, INK, SURFACE
from pdarts_tf.genotype import PRIMITIVES
from pdarts_tf.search_space import NUM_EDGES, edge_nodes
from pdarts_tf.tensorboard import heat_map as module
from pdarts_tf.tensorboard.heat_map import HEIGHT, bounds, field_box, heat_map, node_name, width

UNIFORM = np.full((NUM_EDGES, 8), 0.125)
CORNER = 5  # pixels into a field: inside its outline, beside its number


def drawn(probabilities, chosen=(), title="Title"):
    picture = Image.open(io.BytesIO(heat_map(title, PRIMITIVES, probabilities, chosen)))
    return np.asarray(picture.convert("RGB")).astype(int)


def colour(picture, edge, operation, inset=CORNER):
    left, top, *_ = field_box(edge, operation)
    return picture[top + inset, left + inset]


def with_first_row(*row):
    probabilities = UNIFORM.copy()
    probabilities[0] = row
    return probabilities


@pytest.fixture(scope="module")
def white_to_blue():
    """What a share of the scale looks like."""
    ends = [np.array(ImageColor.getrgb(each.light)) for each in (SURFACE, HEAT)]
    return lambda share: ends[0] + share * (ends[1] - ends[0])


def test_the_scale_goes_from_half_to_twice_the_uniform_probability():
    assert bounds(UNIFORM) == (0.0625, 0.25)
    third = np.full((NUM_EDGES, 8), np.nan)
    third[:, :3] = 1 / 3
    assert bounds(third) == pytest.approx((1 / 6, 2 / 3))


def test_the_scale_reaches_to_what_is_smaller_or_larger():
    row = (0.6, 0.01, *[0.065] * 6)
    assert bounds(with_first_row(*row)) == (0.01, 0.6)


@pytest.mark.parametrize("probability", [0.0625, 0.1, 0.15625, 0.2, 0.25])
def test_a_field_has_the_colour_of_its_probability(white_to_blue, probability):
    rest = (1 - probability) / 7
    picture = drawn(with_first_row(probability, *[rest] * 7))
    share = (probability - 0.0625) / (0.25 - 0.0625)
    np.testing.assert_allclose(colour(picture, 0, 0), white_to_blue(share), atol=1.5)
    share = (rest - 0.0625) / (0.25 - 0.0625)
    np.testing.assert_allclose(colour(picture, 0, 7), white_to_blue(share), atol=1.5)


def test_what_is_no_candidate_is_grey_and_empty():
    probabilities = np.full((NUM_EDGES, 8), 0.2)
    probabilities[:, 5:] = np.nan
    left, top, right, bottom = field_box(4, 6)
    field = drawn(probabilities)[top : bottom + 1, left : right + 1]
    assert np.unique(field.reshape(-1, 3), axis=0).tolist() == [[233, 235, 238]]


def test_what_is_chosen_has_an_outline_and_nothing_else_has():
    picture = drawn(UNIFORM, chosen={(2, 3)})
    ink = ImageColor.getrgb(INK.light)
    found = {
        (edge, operation)
        for edge in range(NUM_EDGES)
        for operation in range(8)
        if tuple(colour(picture, edge, operation, inset=0)) == ink
    }
    assert found == {(2, 3)}


def test_fields_lie_apart_inside_the_picture():
    assert drawn(UNIFORM).shape == (HEIGHT, width(8), 3)
    left, top, right, bottom = field_box(NUM_EDGES - 1, 7)
    assert right < width(8) and bottom < HEIGHT
    assert field_box(0, 1)[0] > field_box(0, 0)[2] + 1
    assert field_box(1, 0)[1] > field_box(0, 0)[3] + 1
    assert (left, top) > field_box(NUM_EDGES - 2, 6)[2:]


def written(picture, box):
    """Whether there is ink in a box."""
    left, top, right, bottom = box
    return bool((picture[top:bottom, left:right] < 100).all(axis=-1).any())


def test_every_text_fits_its_place(monkeypatch):
    """The names of operations and edges; the title and the scale at their longest."""
    longest = max(CELL_NAMES.values(), key=len)
    title = f"{longest} after stage 3, epoch 1000 of 1000: softmax(alpha)"
    texts = []
    draw = module.ImageDraw.ImageDraw.text

    def note(canvas, xy, text, fill, font, anchor):
        texts.append((text, canvas.textbbox(xy, text, font, anchor)))
        draw(canvas, xy, text, fill, font, anchor=anchor)

    monkeypatch.setattr(module.ImageDraw.ImageDraw, "text", note)
    picture = drawn(UNIFORM, title=title)
    assert texts[0][0] == title
    boxes = [box for _, box in texts]
    for text, (left, top, right, bottom) in texts:
        assert left >= 0 and top >= 0 and right <= width(8) and bottom <= HEIGHT, text
    for i, (left, top, right, bottom) in enumerate(boxes):
        for other in boxes[i + 1 :]:
            apart = right <= other[0] + 1 or other[2] <= left + 1
            assert apart or bottom <= other[1] + 1 or other[3] <= top + 1, texts[i]
    names = texts[2 : 2 + len(PRIMITIVES)]
    assert [text for text, _ in names] == list(PRIMITIVES)
    for operation, (_, box) in enumerate(names):
        left, _, right, _ = field_box(-1, operation)
        assert left <= box[0] and box[2] <= right
    assert all(written(picture, field_box(edge, 0)) for edge in range(-1, NUM_EDGES))


def test_the_same_values_give_the_same_bytes():
    assert heat_map("Title", PRIMITIVES, UNIFORM, ()) == heat_map(
        "Title", PRIMITIVES, UNIFORM.copy(), set()
    )


def test_nodes_have_the_names_of_the_drawings():
    names = [f"{node_name(target)}<{node_name(source)}" for source, target in edge_nodes()]
    assert names[:4] == ["0<c_{k-2}", "0<c_{k-1}", "1<c_{k-2}", "1<c_{k-1}"]
    assert names[-1] == "3<2"
