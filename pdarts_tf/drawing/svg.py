"""SVG drawings of cells, for light and dark themes and for screen readers."""

import re
from collections.abc import Iterator
from xml.sax.saxutils import escape

from pdarts_tf.drawing.layout import FONT_SIZE, Box, Drawing, Line, Point
from pdarts_tf.drawing.palette import KINDS, css_variables

_SUBSCRIPT = re.compile(r"(.*)_\{(.*)\}")
_ARROW_HALF_WIDTH = 3.2
_FONT = 'system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif'

STYLE = "\n".join(
    [
        f".cell {{ font: {FONT_SIZE:g}px {_FONT}; }}",
        ".cell text { fill: var(--ink); text-anchor: middle; dominant-baseline: central; }",
        ".cell rect, .cell ellipse { fill: var(--surface); stroke: var(--muted);"
        " stroke-width: 1.5; }",
        ".cell path { fill: none; stroke: var(--muted); stroke-width: 1.5; }",
        ".cell polygon { fill: var(--muted); }",
        ".cell .caption text { font-weight: 600; }",
        ".cell .skip path { stroke-dasharray: 5 3; }",
        *(
            f".cell .{kind} rect, .cell .{kind} path {{ stroke: var(--{kind}); }} "
            f".cell .{kind} polygon {{ fill: var(--{kind}); }}"
            for kind in KINDS
        ),
    ]
)
"""Style of cells; the surrounding page or file defines the colours (`palette.css_variables`)."""


def svg_file(drawing: Drawing) -> str:
    """Returns the content of an SVG file, in the colours of the theme that its viewer prefers."""
    style = (
        f":root {{ {css_variables('light')} }}\n"
        f"@media (prefers-color-scheme: dark) {{ :root {{ {css_variables('dark')} }} }}\n{STYLE}"
    )
    background = '<rect width="100%" height="100%" rx="8" style="stroke: none"/>'
    return "\n".join(
        [
            '<?xml version="1.0" encoding="UTF-8"?>',
            *_lines(drawing, "cell", [f"<style>{style}</style>", background]),
            "",
        ]
    )


def svg_element(drawing: Drawing, identifier: str) -> str:
    """Returns an element for a page with `STYLE`.

    Args:
        drawing: The drawing.
        identifier: Identifier that is unique in the page, of letters, digits and hyphens.
    """
    return "\n".join(_lines(drawing, identifier, []))


def _lines(drawing: Drawing, identifier: str, first: list[str]) -> Iterator[str]:
    width, height = drawing.width, drawing.height
    title, description = f"{identifier}-title", f"{identifier}-desc"
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="cell" role="img" '
        f'viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}" '
        f'aria-labelledby="{title} {description}">'
    )
    yield f'<title id="{title}">{escape(drawing.title)}</title>'
    yield f'<desc id="{description}">{escape(drawing.description)}</desc>'
    yield from first
    for line in drawing.lines:
        yield f'<g class="{line.kind or "output"}">{_path(line)}</g>'
    for box in drawing.boxes:
        yield f'<g class="{box.kind or box.shape}">{_outline(box)}{_text(box)}</g>'
    yield "</svg>"


def _path(line: Line) -> str:
    start, *rest = (f"{x:g},{y:g}" for x, y in line.points)
    path = f'<path d="M{start} C{" ".join(rest)}"/>'
    if line.tip is None:
        return path
    corners = " ".join(f"{x:.1f},{y:.1f}" for x, y in arrow(line.points[-1], line.tip))
    return f'{path}<polygon points="{corners}"/>'


def arrow(base: Point, tip: Point) -> tuple[Point, Point, Point]:
    """Returns the corners of an arrow head, given the middle of its base and its tip."""
    dx, dy = tip[0] - base[0], tip[1] - base[1]
    length = (dx * dx + dy * dy) ** 0.5 or 1.0
    across = (-dy / length * _ARROW_HALF_WIDTH, dx / length * _ARROW_HALF_WIDTH)
    return (
        tip,
        (base[0] + across[0], base[1] + across[1]),
        (base[0] - across[0], base[1] - across[1]),
    )


def _outline(box: Box) -> str:
    if box.shape == "caption":
        return ""
    if box.shape == "node":
        return (
            f'<ellipse cx="{box.x:g}" cy="{box.y:g}" rx="{box.width / 2:g}" '
            f'ry="{box.height / 2:g}"/>'
        )
    radius = box.height / 2 if box.shape == "operation" else 5
    return (
        f'<rect x="{box.x - box.width / 2:.1f}" y="{box.y - box.height / 2:.1f}" '
        f'width="{box.width:g}" height="{box.height:g}" rx="{radius:g}"/>'
    )


def _text(box: Box) -> str:
    base, subscript = split_subscript(box.text)
    below = f'<tspan dy="4" font-size="75%">{escape(subscript)}</tspan>' if subscript else ""
    return f'<text x="{box.x:g}" y="{box.y:g}">{escape(base)}{below}</text>'


def split_subscript(text: str) -> tuple[str, str]:
    """Splits a label into text and subscript, which may be empty.

    >>> split_subscript("c_{k-1}"), split_subscript("sep_conv_3x3")
    (('c', 'k-1'), ('sep_conv_3x3', ''))
    """
    match = _SUBSCRIPT.fullmatch(text)
    return (match[1], match[2]) if match else (text, "")
