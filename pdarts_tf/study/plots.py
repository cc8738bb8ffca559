"""Plots of groups of values as SVG, for pages and as files, in light and dark themes.

Positions are in units of the view box, `WIDTH` wide, from the top left corner. A page may show it
300 pixels wide: the texts are legible at that size too.
"""

import math
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from xml.sax.saxutils import escape

from pdarts_tf.drawing.palette import css_variables
from pdarts_tf.report.charts import nice_ticks, number, percent, percent_tick
from pdarts_tf.study.formats import MINUS, amount

WIDTH = 360.0
LEFT, RIGHT = 16.0, 344.0
ROW = 48.0
TITLE = 30.0
DOT = 3.8
_LEVELS = (0.0, -6.0, 6.0)
_MOST_LETTERS = 34
_MOST_TICKS = 6  # of a logarithmic axis
_FONT = 'system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif'

STYLE = "\n".join(
    [
        f".plot {{ font: 12px {_FONT}; font-variant-numeric: tabular-nums; }}",
        ".plot text { fill: var(--muted); }",
        ".plot text.name { fill: var(--ink); font-weight: 600; }",
        ".plot text.title { fill: var(--ink); font-weight: 600; font-size: 14px; }",
        ".plot .grid { fill: none; stroke: var(--muted); stroke-opacity: .28; }",
        ".plot .reference { stroke: var(--muted); stroke-width: 1.5; stroke-dasharray: 3 2; }",
        ".plot .interval { stroke: var(--separable); stroke-opacity: .3; stroke-width: 9; }",
        ".plot .more { fill: var(--separable); fill-opacity: .55; }",
        ".plot .mean { stroke: var(--ink); stroke-width: 2.5; }",
        ".plot .dot { fill: var(--surface); stroke: var(--separable); stroke-width: 1.8; }",
        *(
            f".plot .c{i} {{ fill: var(--surface); stroke: var(--{kind}); stroke-width: 2; }}"
            for i, kind in enumerate(("separable", "dilated", "pool", "factorized", "skip"))
        ),
    ]
)
"""Style of plots; the surrounding page or file defines the colours (`palette.css_variables`)."""


class Scale(NamedTuple):
    """Kind of values on an axis.

    Args:
        show: Function value -> text.
        tick: Function value -> text of a tick.
        whole: Whether they are counts, whose axis begins at 0 and has only whole numbers.
        low, high: Smallest and largest value that there can be.
        reference: A value that every axis of the kind has, and a line.
        logarithmic: Whether equal distances are equal ratios; the values are positive.
    """

    show: Callable[[float], str]
    tick: Callable[[float], str]
    whole: bool = False
    low: float = -math.inf
    high: float = math.inf
    reference: float | None = None
    logarithmic: bool = False


def _points(value: float) -> str:
    return f"{value * 100:+.3g}".replace("-", MINUS) if value else "0"


SHARES = Scale(percent, percent_tick, low=0.0, high=1.0)
COUNTS = Scale(number, number, whole=True, low=0.0)
NUMBERS = Scale(number, number)
AMOUNTS = Scale(amount, amount, logarithmic=True)
"""Positive numbers of any magnitude, such as parameters."""
DIFFERENCES = Scale(_points, _points, reference=0.0)
"""Differences of shares, in percentage points."""


@dataclass(frozen=True)
class Group:
    """Values that belong together, such as those of a method's seeds.

    Args:
        name: Name of the group.
        values: The values; their mean is shown if there are any.
        interval: Interval of the mean.
        text: The mean and its interval in words, such as "96.3 ± 0.4 %".
    """

    name: str
    values: Sequence[float]
    interval: tuple[float, float] | None = None
    text: str = ""


@dataclass(frozen=True)
class Plot:
    """A plot.

    Args:
        title: Its title.
        description: What it shows, in words.
        height: Height of its view box.
        body: SVG elements.
    """

    title: str
    description: str
    height: float
    body: tuple[str, ...]


def svg_element(plot: Plot, identifier: str) -> str:
    """Returns an element for a page with `STYLE`, as wide as its surroundings.

    Args:
        plot: The plot.
        identifier: Identifier that is unique in the page, of letters, digits and hyphens.
    """
    size = f'viewBox="0 0 {WIDTH:g} {plot.height:g}"'
    return "\n".join(_lines(plot, identifier, size, plot.body))


def svg_file(plot: Plot) -> str:
    """Returns the content of an SVG file with the plot and its title.

    Its colours are those of the theme that the viewer prefers.
    """
    colours = (
        f":root {{ {css_variables('light')} }}\n"
        f"@media (prefers-color-scheme: dark) {{ :root {{ {css_variables('dark')} }} }}"
    )
    height = plot.height + TITLE
    # Twice as large as its units: a picture in a page of text.
    size = f'viewBox="0 0 {WIDTH:g} {height:g}" width="{2 * WIDTH:g}" height="{2 * height:g}"'
    body = (
        f"<style>{colours}\n{STYLE}</style>",
        '<rect width="100%" height="100%" rx="6" style="fill: var(--surface)"/>',
        text("title", LEFT, TITLE - 9, plot.title),
        f'<g transform="translate(0 {TITLE:g})">',
        *plot.body,
        "</g>",
    )
    header = '<?xml version="1.0" encoding="UTF-8"?>'
    return "\n".join([header, *_lines(plot, "plot", size, body), ""])


def interval_plot(title: str, groups: Sequence[Group], scale: Scale = NUMBERS) -> Plot | None:
    """Returns a plot with a row per group: every value is a dot, the interval of the mean a bar.

    A bar that is much longer than the values lie apart is cut off, and ends in an arrow.

    Args:
        title: Title of the plot: what the values are.
        groups: The groups, from top to bottom.
        scale: Kind of the values.

    Returns:
        The plot, or None if no group has a value.
    """
    values = [value for group in groups for value in group.values]
    if not values:
        return None
    ticks = axis_ticks([*values, *_ends(groups, values)], scale)

    def x(value: float) -> float:
        return round(LEFT + (RIGHT - LEFT) * portion(value, ticks, scale), 1)

    body: list[str] = []
    for row, group in enumerate(groups):
        top = row * ROW
        strip = " ".join(f"M{x(tick):g},{top + 22:g} v20" for tick in ticks)
        body.append(f'<path class="grid" d="{strip} M{LEFT:g},{top + 32:g} H{RIGHT:g}"/>')
        if scale.reference is not None:
            body.append(f'<path class="reference" d="M{x(scale.reference):g},{top + 19:g} v26"/>')
        body.append(text("name", LEFT, top + 15, shortened(group.name, group.text)))
        body.append(text("value", RIGHT, top + 15, group.text, "end"))
        if group.values:
            body += _row(group, top + 32, x)
    bottom = len(groups) * ROW
    body += [
        text("tick", x(tick), bottom + 11, scale.tick(tick), _anchor(x(tick))) for tick in ticks
    ]
    rows = "; ".join(_described(group, scale) for group in groups)
    description = f"{title}: {rows}. Dots are single values, lines means, bars 95 % intervals."
    return Plot(title, description, bottom + 18, tuple(body))


def axis_ticks(values: Sequence[float], scale: Scale) -> list[float]:
    """Returns the ticks of an axis, whose first and last enclose the values.

    >>> axis_ticks([0.962, 0.975], SHARES)
    [0.96, 0.965, 0.97, 0.975]
    >>> axis_ticks([2.0, 2.0], COUNTS)
    [0.0, 1.0, 2.0]
    >>> axis_ticks([3e6, 4e7], AMOUNTS)
    [2000000.0, 5000000.0, 10000000.0, 20000000.0, 50000000.0]
    """
    if scale.logarithmic:
        return _logarithmic_ticks(min(values), max(values))
    if scale.reference is not None:
        values = [*values, scale.reference]
    low, high = max(min(values), scale.low), min(max(values), scale.high)
    if scale.whole:
        return [tick for tick in nice_ticks(0.0, max(math.ceil(high), 1)) if tick == int(tick)]
    ticks = nice_ticks(low, high)
    return [tick for tick in ticks if scale.low <= tick <= scale.high]


def _logarithmic_ticks(low: float, high: float) -> list[float]:
    """Returns 1, 2 and 5 times powers of ten around values; if these are many, powers only."""
    for factors in ((1, 2, 5), (1,)):
        exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 2)
        ticks = [factor * 10.0**exponent for exponent in exponents for factor in factors]
        first = max(tick for tick in ticks if tick <= low)
        last = min(tick for tick in ticks if tick >= high and tick > first)
        ticks = [tick for tick in ticks if first <= tick <= last]
        if len(ticks) <= _MOST_TICKS:
            break
    return ticks


def portion(value: float, ticks: Sequence[float], scale: Scale) -> float:
    """Returns where a value lies between the first tick, at 0, and the last, at 1.

    >>> portion(20.0, [0.0, 50.0, 100.0], NUMBERS), portion(10.0, [1.0, 10.0, 100.0], AMOUNTS)
    (0.2, 0.5)
    """
    first, last = ticks[0], ticks[-1]
    if scale.logarithmic:
        return math.log(value / first) / math.log(last / first)
    return (value - first) / (last - first)


def shortened(name: str, beside: str = "") -> str:
    """Returns a name that fits into a row beside another text.

    >>> shortened("pdarts_without_dropout_nor_refinement", "96.3 ± 0.4 %")
    'pdarts_without_dropout_nor_…'
    """
    most = _MOST_LETTERS - len(beside) // 2
    return name if len(name) <= most else name[: most - 1] + "…"


def _ends(groups: Sequence[Group], values: Sequence[float]) -> Iterator[float]:
    """Yields the ends of the intervals, as far as the axis follows them."""
    low, high = min(values), max(values)
    span = high - low or abs(high) / 10 or 1.0
    for group in groups:
        if group.interval:
            yield max(group.interval[0], low - span)
            yield min(group.interval[1], high + span)


def _row(group: Group, y: float, x: Callable[[float], float]) -> Iterator[str]:
    """Yields the elements of a group about the height y."""
    if group.interval:
        start, end = group.interval
        yield from _bar(x(start), x(end), y)
    yield f'<path class="mean" d="M{x(statistics.fmean(group.values)):g},{y - 11:g} v22"/>'
    for place, offset in _stacked(sorted(map(x, group.values))):
        yield f'<circle class="dot" cx="{place:g}" cy="{y + offset:g}" r="{DOT:g}"/>'


def _bar(start: float, end: float, y: float) -> Iterator[str]:
    """Yields a bar, and arrows where it goes on."""
    yield f'<path class="interval" d="M{max(start, LEFT):g},{y:g} H{min(end, RIGHT):g}"/>'
    if start < LEFT:
        yield f'<path class="more" d="M{LEFT:g},{y - 7:g} l-9,7 l9,7z"/>'
    if end > RIGHT:
        yield f'<path class="more" d="M{RIGHT:g},{y - 7:g} l9,7 l-9,7z"/>'


def _stacked(places: Sequence[float]) -> Iterator[tuple[float, float]]:
    """Yields (x, offset) of dots, apart from those that they would hide."""
    ends: dict[float, float] = {}
    for place in places:
        free = [level for level in _LEVELS if place - ends.get(level, -math.inf) >= 2 * DOT]
        level = free[0] if free else min(_LEVELS, key=lambda each: ends[each])
        ends[level] = place
        yield place, level


def _described(group: Group, scale: Scale) -> str:
    if not group.values:
        return f"{group.name} has no value yet"
    low, high = scale.show(min(group.values)), scale.show(max(group.values))
    return f"{group.name} {group.text}, {len(group.values)} from {low} to {high}"


def _anchor(x: float) -> str:
    """Returns the anchor of a tick's text, which must not stick out of the plot."""
    return "start" if x < LEFT + 12 else "end" if x > RIGHT - 12 else "middle"


def text(kind: str, x: float, y: float, content: str, anchor: str = "start") -> str:
    """Returns a text element.

    Args:
        kind: Its class.
        x, y: Position of its anchor on the base line.
        content: The text.
        anchor: "start", "middle" or "end".
    """
    place = f'x="{x:g}" y="{y:g}"' + ("" if anchor == "start" else f' text-anchor="{anchor}"')
    return f'<text class="{kind}" {place}>{escape(content)}</text>'


def _lines(plot: Plot, identifier: str, size: str, body: Sequence[str]) -> Iterator[str]:
    title, description = f"{identifier}-title", f"{identifier}-desc"
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="plot" role="img" {size} '
        f'aria-labelledby="{title} {description}">'
    )
    yield f'<title id="{title}">{escape(plot.title)}</title>'
    yield f'<desc id="{description}">{escape(plot.description)}</desc>'
    yield from body
    yield "</svg>"
