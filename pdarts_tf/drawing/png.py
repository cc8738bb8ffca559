"""PNG files of drawn cells, by Pillow and its built-in font: the same on every machine.

Drawings are rendered at a larger size and reduced, which smooths their edges.
"""

import io
import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from pdarts_tf.drawing.layout import FONT_SIZE, Box, Drawing, Line, Point
from pdarts_tf.drawing.palette import INK, KINDS, MUTED, SURFACE
from pdarts_tf.drawing.svg import arrow, split_subscript

PIXELS_PER_POINT = 2
_OVERSAMPLING = 3
_LINE_WIDTH = 1.5
_STEPS = 96  # line segments per Bézier curve, each shorter than a dash
_DASH = (5.0, 3.0)


def png_bytes(drawing: Drawing, pixels_per_point: int = PIXELS_PER_POINT) -> bytes:
    """Returns the content of a PNG file with a white background."""
    brush = _Brush(drawing, pixels_per_point)
    for line in drawing.lines:
        brush.draw_line(line)
    for box in drawing.boxes:
        brush.draw_box(box)
    small = brush.image.reduce(_OVERSAMPLING)
    file = io.BytesIO()
    density = 72 * pixels_per_point
    small.quantize(256, Image.Quantize.FASTOCTREE).save(file, "PNG", dpi=(density, density))
    return file.getvalue()


def _colour(kind: str) -> str:
    return KINDS[kind].light if kind else MUTED.light


class _Brush:
    """Draws parts, whose positions are in points, on an oversampled image."""

    def __init__(self, drawing: Drawing, pixels_per_point: int) -> None:
        self.scale = pixels_per_point * _OVERSAMPLING
        self.line_width = round(_LINE_WIDTH * self.scale)
        width, height = (
            round(length * pixels_per_point) * _OVERSAMPLING
            for length in (drawing.width, drawing.height)
        )
        self.image = Image.new("RGB", (width, height), SURFACE.light)
        self.canvas = ImageDraw.Draw(self.image)

    def draw_line(self, line: Line) -> None:
        colour = _colour(line.kind)
        points = list(_polyline(line.points))
        for piece in _dashes(points) if line.kind == "skip" else [points]:
            self.canvas.line([self._scaled(p) for p in piece], colour, self.line_width, "curve")
        if line.tip is not None:
            tip = [self._scaled(point) for point in arrow(line.points[-1], line.tip)]
            self.canvas.polygon(tip, colour)

    def draw_box(self, box: Box) -> None:
        half = box.width / 2, box.height / 2
        corners = [
            self._scaled((box.x - half[0], box.y - half[1])),
            self._scaled((box.x + half[0], box.y + half[1])),
        ]
        fill, outline = SURFACE.light, _colour(box.kind)
        if box.shape == "node":
            self.canvas.ellipse(corners, fill, outline, self.line_width)
        elif box.shape != "caption":
            radius = (half[1] if box.shape == "operation" else 5) * self.scale
            self.canvas.rounded_rectangle(corners, radius, fill, outline, self.line_width)
        self._draw_text(box)

    def _draw_text(self, box: Box) -> None:
        base, subscript = split_subscript(box.text)
        size = FONT_SIZE * self.scale
        font, small = (ImageFont.load_default(size * part) for part in (1, 0.75))
        width = self.canvas.textlength(base, font)
        x, y = self._scaled((box.x, box.y))
        x -= (width + self.canvas.textlength(subscript, small)) / 2
        # "m" in the anchor is the middle of the line, which is above that of lower-case letters.
        self.canvas.text((x, y), base, INK.light, font, anchor="lm")
        lower = y + 4 * self.scale
        self.canvas.text((x + width, lower), subscript, INK.light, small, anchor="lm")

    def _scaled(self, point: Point) -> Point:
        return point[0] * self.scale, point[1] * self.scale


def _polyline(points: tuple[Point, ...]) -> Iterator[Point]:
    """Yields points on Bézier curves."""
    yield points[0]
    for i in range(0, len(points) - 1, 3):
        x, y = point_on_curve(points[i : i + 4], np.arange(1, _STEPS + 1) / _STEPS)
        yield from zip(x.tolist(), y.tolist(), strict=True)


def point_on_curve(curve: tuple[Point, ...], t: Any) -> tuple[Any, Any]:
    """Computes x and y of a cubic Bézier curve.

    Args:
        curve: The four control points.
        t: Parameter from 0 to 1, a number or an array.

    Example:

    >>> point_on_curve(((0, 0), (0, 1), (1, 1), (1, 0)), 0.5)
    (0.5, 0.75)
    """
    weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
    x = sum(weight * point[0] for weight, point in zip(weights, curve, strict=True))
    y = sum(weight * point[1] for weight, point in zip(weights, curve, strict=True))
    return x, y


def _dashes(points: list[Point]) -> Iterator[list[Point]]:
    """Yields the dashes of a line along points; dashes start and end at points."""
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
