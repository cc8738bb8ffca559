"""A drawn cell as PNG, by Pillow and the font inside it: the same on every machine.

It is drawn larger than wanted and made smaller, which smooths its edges.
"""

import io
import itertools
from collections.abc import Iterator

from PIL import Image, ImageDraw, ImageFont

from pdarts_tf.report.drawing import FONT_SIZE, Box, Drawing, Line, Point
from pdarts_tf.report.drawing_svg import arrow, split_subscript
from pdarts_tf.report.palette import INK, KINDS, MUTED, SURFACE

PIXELS_PER_POINT = 2
_OVERSAMPLING = 3
_SCALE = PIXELS_PER_POINT * _OVERSAMPLING
_LINE_WIDTH = round(1.5 * _SCALE)
_STEPS = 96  # straight pieces per Bézier curve, each shorter than a dash
_DASH = (5.0, 3.0)


def png_bytes(drawing: Drawing) -> bytes:
    """Returns a PNG file on a white background."""
    size = round(drawing.width * _SCALE), round(drawing.height * _SCALE)
    image = Image.new("RGB", size, SURFACE.light)
    canvas = ImageDraw.Draw(image)
    for line in drawing.lines:
        _draw_line(canvas, line)
    for box in drawing.boxes:
        _draw_box(canvas, box)
    small = image.resize(
        (size[0] // _OVERSAMPLING, size[1] // _OVERSAMPLING), Image.Resampling.LANCZOS
    )
    file = io.BytesIO()
    density = 72 * PIXELS_PER_POINT
    small.quantize(256).save(file, "PNG", optimize=True, dpi=(density, density))
    return file.getvalue()


def _colour(kind: str) -> str:
    return KINDS[kind].light if kind else MUTED.light


def _draw_line(canvas: ImageDraw.ImageDraw, line: Line) -> None:
    colour = _colour(line.kind)
    points = list(_polyline(line.points))
    for piece in _dashes(points) if line.kind == "skip" else [points]:
        canvas.line([_scaled(point) for point in piece], colour, _LINE_WIDTH, joint="curve")
    if line.tip is not None:
        canvas.polygon([_scaled(point) for point in arrow(line.points[-1], line.tip)], colour)


def _draw_box(canvas: ImageDraw.ImageDraw, box: Box) -> None:
    half = box.width / 2, box.height / 2
    corners = [
        _scaled((box.x - half[0], box.y - half[1])),
        _scaled((box.x + half[0], box.y + half[1])),
    ]
    fill, outline = SURFACE.light, _colour(box.kind)
    if box.shape == "node":
        canvas.ellipse(corners, fill, outline, _LINE_WIDTH)
    elif box.shape != "caption":
        radius = half[1] if box.shape == "operation" else 5
        canvas.rounded_rectangle(corners, radius * _SCALE, fill, outline, _LINE_WIDTH)
    _draw_text(canvas, box)


def _draw_text(canvas: ImageDraw.ImageDraw, box: Box) -> None:
    base, subscript = split_subscript(box.text)
    font, small = (ImageFont.load_default(FONT_SIZE * _SCALE * part) for part in (1, 0.75))
    width = canvas.textlength(base, font)
    x, y = _scaled((box.x, box.y))
    x -= (width + canvas.textlength(subscript, small)) / 2
    # "m" of the anchor is the middle of the line, which lies above that of small letters.
    canvas.text((x, y), base, INK.light, font, anchor="lm")
    canvas.text((x + width, y + 4 * _SCALE), subscript, INK.light, small, anchor="lm")


def _polyline(points: tuple[Point, ...]) -> Iterator[Point]:
    """Points on Bézier curves."""
    yield points[0]
    for i in range(0, len(points) - 1, 3):
        curve = points[i : i + 4]
        for step in range(1, _STEPS + 1):
            yield point_on_curve(curve, step / _STEPS)


def point_on_curve(curve: tuple[Point, ...], t: float) -> Point:
    """Returns the point of a cubic Bézier curve at a parameter from 0 to 1."""
    weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
    x = sum(weight * point[0] for weight, point in zip(weights, curve, strict=True))
    y = sum(weight * point[1] for weight, point in zip(weights, curve, strict=True))
    return x, y


def _dashes(points: list[Point]) -> Iterator[list[Point]]:
    """The pieces of a dashed line along points, cut where points lie."""
    piece, length, drawn = [points[0]], 0.0, True
    for before, point in itertools.pairwise(points):
        piece.append(point)
        length += ((point[0] - before[0]) ** 2 + (point[1] - before[1]) ** 2) ** 0.5
        if length >= _DASH[0 if drawn else 1]:
            if drawn:
                yield piece
            piece, length, drawn = [point], 0.0, not drawn
    if drawn and len(piece) > 1:
        yield piece


def _scaled(point: Point) -> Point:
    return point[0] * _SCALE, point[1] * _SCALE
