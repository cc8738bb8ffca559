"""The probabilities of a cell's operations as a picture: a row per edge, a column per operation.

Every field bears its value, so that no meaning hangs on a shade alone.

It is drawn in shades from 0 to 255, which a palette turns into colours: as exact as a picture with
all colours, but smaller, and made in a third of the time.
"""

import functools
import io
import math
from collections.abc import Collection, Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageColor, ImageDraw, ImageFont

from pdarts_tf.drawing.layout import INPUTS
from pdarts_tf.drawing.palette import HEAT, INK, SURFACE
from pdarts_tf.drawing.svg import split_subscript
from pdarts_tf.genotype import NUM_INPUT_NODES
from pdarts_tf.search_space import edge_nodes

MARGIN = 12
TITLE_HEIGHT = 54
LABEL_WIDTH = 92
FIELD_WIDTH, FIELD_HEIGHT = 108, 26
HEIGHT = 2 * MARGIN + TITLE_HEIGHT + (1 + len(edge_nodes())) * FIELD_HEIGHT
_FONT_SIZE = 15
_GAP = 3  # between fields; an outline needs it too
_INK, _MUTED, _STRONGEST, _LIGHTEST, _GONE = 0, 45, 120, 254, 255  # shades
_GONE_COLOUR = "#e9ebee"


def bounds(probabilities: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Returns the probabilities of the lightest and the strongest shade.

    They lie at half and twice the uniform probability, which is that of alphas that have not moved,
    or where smaller or larger ones are. So pictures of a stage can be compared, noise looks like
    noise, and a picture depends on nothing but its own epoch.

    Args:
        probabilities: (edges, operations); NaN for what is no candidate.
    """
    uniform = 1.0 / np.isfinite(probabilities[0]).sum()
    low, high = np.nanmin(probabilities), np.nanmax(probabilities)
    return float(min(uniform / 2, low)), float(max(uniform * 2, high))


def width(num_operations: int) -> int:
    """Returns the width of a heat map in pixels."""
    return 2 * MARGIN + LABEL_WIDTH + num_operations * FIELD_WIDTH


def heat_map(
    title: str,
    operations: Sequence[str],
    probabilities: npt.NDArray[np.float64],
    chosen: Collection[tuple[int, int]],
) -> bytes:
    """Returns a PNG file of `width(operations)` by `HEIGHT` pixels.

    Args:
        title: to stand above.
        operations: Names of the operations.
        probabilities: (14, operations); NaN for what is no candidate.
        chosen: (edge, operation) indices that get an outline.
    """
    image = Image.new("L", (width(len(operations)), HEIGHT), _LIGHTEST)
    canvas = ImageDraw.Draw(image)
    font = _font(_FONT_SIZE)
    low, high = bounds(probabilities)
    scale = f"white {low:.3f} or less, blue {high:.3f}, grey: dropped, outlined: chosen now"
    canvas.text((MARGIN, MARGIN + 12), title, _INK, font, anchor="lm")
    canvas.text((MARGIN, MARGIN + 34), scale, _MUTED, font, anchor="lm")
    for operation, name in enumerate(operations):
        left, top, right, bottom = field_box(-1, operation)
        fitting = _font(_FONT_SIZE * min(1, (right - left) / canvas.textlength(name, font)))
        canvas.text(((left + right) / 2, (top + bottom) / 2), name, _INK, fitting, anchor="mm")
    for edge, row in enumerate(probabilities):
        _draw_label(canvas, edge)
        for operation, value in enumerate(row):
            box = field_box(edge, operation)
            if math.isnan(value):
                canvas.rectangle(box, _GONE)
                continue
            outline = _INK if (edge, operation) in chosen else None
            canvas.rectangle(box, _shade((value - low) / (high - low)), outline, 3)
            centre = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
            canvas.text(centre, f"{value:.3f}", _INK, font, anchor="mm")
    image.putpalette(_palette())
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def field_box(edge: int, operation: int) -> tuple[int, int, int, int]:
    """Returns left, top, right and bottom of a field; edge -1 is the row of names."""
    left = MARGIN + LABEL_WIDTH + operation * FIELD_WIDTH
    top = MARGIN + TITLE_HEIGHT + (1 + edge) * FIELD_HEIGHT
    return left, top, left + FIELD_WIDTH - _GAP, top + FIELD_HEIGHT - _GAP


def _shade(share: float) -> int:
    """The shade of a share of the scale, from 0 to 1."""
    return round(_LIGHTEST + (_STRONGEST - _LIGHTEST) * share)


@functools.cache
def _palette() -> list[int]:
    """Red, green and blue of all shades: ink, which brightens to `palette.HEAT`, and that to white.

    So the smooth edges of letters, on a field of any shade, are shades between its own and ink.
    """
    ends = [ImageColor.getrgb(colour.light) for colour in (INK, HEAT, SURFACE)]
    channels = [
        np.interp(range(_GONE), (_INK, _STRONGEST, _LIGHTEST), values)
        for values in zip(*ends, strict=True)
    ]
    return [*np.rint(channels).astype(int).T.ravel().tolist(), *ImageColor.getrgb(_GONE_COLOUR)]


def node_name(node: int) -> str:
    """Returns what drawings call a node of `edge_nodes`, such as "c_{k-2}" or "0"."""
    return INPUTS[node] if node < NUM_INPUT_NODES else str(node - NUM_INPUT_NODES)


def _draw_label(canvas: ImageDraw.ImageDraw, edge: int) -> None:
    """Writes target, arrow and source; the font inside Pillow has no arrow."""
    source, target = edge_nodes()[edge]
    top, bottom = field_box(edge, 0)[1::2]
    middle = (top + bottom) / 2
    font, small = _font(_FONT_SIZE), _font(0.75 * _FONT_SIZE)
    canvas.text((MARGIN + 6, middle), node_name(target), _INK, font, anchor="lm")
    start, end = MARGIN + 42, MARGIN + 22
    canvas.line([(start, middle), (end, middle)], _MUTED, 2)
    canvas.polygon([(end - 4, middle), (end + 4, middle - 4), (end + 4, middle + 4)], _MUTED)
    base, subscript = split_subscript(node_name(source))
    canvas.text((start + 6, middle), base, _INK, font, anchor="lm")
    right = start + 6 + canvas.textlength(base, font)
    canvas.text((right, middle + 4), subscript, _INK, small, anchor="lm")


@functools.cache
def _font(size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
