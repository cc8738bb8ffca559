"""Scatter plots: two measures of the same things, with a mark per group."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from pdarts_tf.study.plots import (
    RIGHT,
    SHARES,
    Plot,
    Scale,
    axis_ticks,
    portion,
    shortened,
    text,
)

LEFT, TOP, BOTTOM = 52.0, 26.0, 236.0
_LEGEND_LINE = 19.0
# Told apart by shape as well as by colour; about the origin, 9 units wide.
_MARKS = (
    "M-4,0 a4,4 0 1,0 8,0 a4,4 0 1,0 -8,0z",
    "M-4,-4 h8 v8 h-8z",
    "M0,-5.2 l5.2,5.2 l-5.2,5.2 l-5.2,-5.2z",
    "M0,-5 l5,9 h-10z",
    "M0,5 l5,-9 h-10z",
    "M-1.7,-5 h3.4 v3.3 h3.3 v3.4 h-3.3 v3.3 h-3.4 v-3.3 h-3.3 v-3.4 h3.3z",
)
_COLOURS = 5


@dataclass(frozen=True)
class Points:
    """Points of a group.

    Args:
        name: Name of the group.
        points: (x, y, name of the point).
    """

    name: str
    points: Sequence[tuple[float, float, str]]


def scatter_plot(
    x_title: str,
    y_title: str,
    groups: Sequence[Points],
    x_scale: Scale = SHARES,
    y_scale: Scale = SHARES,
) -> Plot | None:
    """Returns a plot with a point for every pair of values, and a legend of the groups.

    Args:
        x_title: What goes to the right.
        y_title: What goes up.
        groups: The groups.
        x_scale: Kind of the values that go to the right.
        y_scale: Kind of the values that go up.

    Returns:
        The plot, or None if there is no point.
    """
    groups = [group for group in groups if group.points]
    if not groups:
        return None
    x_ticks = axis_ticks([x for group in groups for x, _, _ in group.points], x_scale)
    y_ticks = axis_ticks([y for group in groups for _, y, _ in group.points], y_scale)

    def place(x: float, y: float) -> tuple[float, float]:
        right, up = portion(x, x_ticks, x_scale), portion(y, y_ticks, y_scale)
        return round(LEFT + (RIGHT - LEFT) * right, 1), round(BOTTOM - (BOTTOM - TOP) * up, 1)

    body = [
        text("axis", 6, 13, f"↑ {y_title}"),
        text("axis", RIGHT, BOTTOM + 35, f"{x_title} →", "end"),
        *_rows([(place(x_ticks[0], tick)[1], y_scale.tick(tick)) for tick in y_ticks]),
        *_columns([(place(tick, y_ticks[0])[0], x_scale.tick(tick)) for tick in x_ticks]),
    ]
    for index, group in enumerate(groups):
        for x, y, name in group.points:
            hint = f"{group.name}, {name}: {x_scale.show(x)}, {y_scale.show(y)}"
            body.append(_mark(index, *place(x, y), hint))
    body += _legend(groups)
    return Plot(
        f"{y_title} against {x_title}",
        _description(x_title, y_title, groups),
        BOTTOM + 44 + _LEGEND_LINE * len(groups),
        tuple(body),
    )


def _rows(ticks: Sequence[tuple[float, str]]) -> Iterator[str]:
    """Yields the lines and texts of the ticks (y, text)."""
    for y, words in ticks:
        yield f'<path class="grid" d="M{LEFT:g},{y:g} H{RIGHT:g}"/>'
        yield text("tick", LEFT - 7, y + 4, words, "end")


def _columns(ticks: Sequence[tuple[float, str]]) -> Iterator[str]:
    """Yields the lines and texts of the ticks (x, text); the last must not stick out."""
    for x, words in ticks:
        yield f'<path class="grid" d="M{x:g},{TOP:g} V{BOTTOM:g}"/>'
        yield text("tick", x, BOTTOM + 17, words, "end" if x == RIGHT else "middle")


def _legend(groups: Sequence[Points]) -> Iterator[str]:
    for index, group in enumerate(groups):
        y = BOTTOM + 56 + _LEGEND_LINE * index
        yield _mark(index, LEFT, y - 4, group.name)
        yield text("name", LEFT + 13, y, shortened(group.name))


def _mark(index: int, x: float, y: float, hint: str) -> str:
    shape = _MARKS[index % len(_MARKS)]
    return (
        f'<path class="c{index % _COLOURS}" transform="translate({x:g} {y:g})" d="{shape}">'
        f"<title>{escape(hint)}</title></path>"
    )


def _description(x_title: str, y_title: str, groups: Sequence[Points]) -> str:
    count = sum(len(group.points) for group in groups)
    names = ", ".join(group.name for group in groups)
    return f"{count} points: {y_title} against {x_title}, of {names}."
