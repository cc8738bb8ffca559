"""Layout of line charts of measurements by epoch.

Positions are in units of the chart's view box, `WIDTH` by `HEIGHT`, from the top left corner.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

WIDTH, HEIGHT = 380.0, 212.0
LEFT, RIGHT, TOP, BOTTOM = 46.0, 372.0, 18.0, 184.0
_MAX_TICKS = 6


def percent(value: float) -> str:
    """Returns a share as a percentage.

    >>> percent(0.25)
    '25.0 %'
    """
    return f"{value:.1%}".replace("%", " %")


def percent_tick(value: float) -> str:
    """Returns a share as a percentage without needless digits.

    >>> percent_tick(0.2), percent_tick(0.925)
    ('20 %', '92.5 %')
    """
    return f"{value * 100:.6g} %"


def number(value: float) -> str:
    """Returns a number with four significant digits.

    >>> number(0.123456), number(1234567.0)
    ('0.1235', '1,234,567')
    """
    return f"{value:,.0f}" if abs(value) >= 1000 or value == round(value) else f"{value:.4g}"


@dataclass(frozen=True)
class Series:
    """A line of a chart: one value per epoch, None where nothing was measured."""

    name: str
    values: Sequence[float | None]


@dataclass(frozen=True)
class Chart:
    """Content of a chart.

    Args:
        title: Title of the chart.
        series: Lines, of equal lengths.
        show: Function value -> text.
        counts: Whether values are counts, whose axis starts at 0 and has only whole numbers.
        limit: (name, value) of a horizontal line.
        boundaries: (name, position) of vertical lines; the first epoch is at position 0.
    """

    title: str
    series: Sequence[Series]
    show: Callable[[float], str] = number
    counts: bool = False
    limit: tuple[str, float] | None = None
    boundaries: Sequence[tuple[str, float]] = ()


@dataclass(frozen=True)
class PlacedLine:
    """A line with its position on the page.

    Args:
        name: Name of the series.
        path: Data of an SVG path.
        dots: (x, y) of values without neighbours, which a path cannot show.
        texts: Text of the value at each epoch, "-" if there is none.
    """

    name: str
    path: str
    dots: list[tuple[float, float]]
    texts: list[str]


@dataclass(frozen=True)
class PlacedChart:
    """A chart with the positions of its parts; ticks are pairs (position, text)."""

    title: str
    summary: str
    lines: list[PlacedLine]
    xs: list[float]
    x_ticks: list[tuple[float, str]]
    y_ticks: list[tuple[float, str]]
    limit: tuple[float, str] | None
    boundaries: list[tuple[float, str]] = field(default_factory=list)


def place(chart: Chart) -> PlacedChart | None:
    """Computes the positions of the parts of a chart; returns None if it has no values."""
    series = [each for each in chart.series if any(v is not None for v in each.values)]
    if not series:
        return None
    values = [value for each in series for value in each.values if value is not None]
    values += [chart.limit[1]] if chart.limit else []
    values += [0.0] if chart.counts else []
    ticks = nice_ticks(min(values), max(values))
    if chart.counts:
        ticks = [tick for tick in ticks if tick == int(tick)]
    low, high = min(ticks[0], *values), max(ticks[-1], *values)
    length = max(len(each.values) for each in series)

    def x(position: float) -> float:
        return round(LEFT + (RIGHT - LEFT) * (position / (length - 1) if length > 1 else 0.5), 1)

    def y(value: float) -> float:
        return round(BOTTOM - (BOTTOM - TOP) * (value - low) / (high - low), 1)

    epochs = [tick for tick in nice_ticks(1, length) if tick == int(tick) and 1 <= tick <= length]
    return PlacedChart(
        chart.title,
        _summary(chart, series),
        [_line(each, chart, x, y) for each in series],
        [x(position) for position in range(length)],
        [(x(tick - 1), f"{tick:g}") for tick in epochs],
        [
            (y(tick), percent_tick(tick) if chart.show is percent else number(tick))
            for tick in ticks
        ],
        (y(chart.limit[1]), chart.limit[0]) if chart.limit else None,
        [(x(position), name) for name, position in chart.boundaries],
    )


def nice_ticks(low: float, high: float) -> list[float]:
    """Returns ticks spaced by 1, 2 or 5 times a power of ten that enclose `low` and `high`.

    >>> nice_ticks(0.0, 0.93)
    [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    """
    span = high - low
    if span <= abs(high) * 1e-9:  # a flat line goes through the middle
        margin = abs(high) / 10 or 1.0
        low, high, span = low - margin, high + margin, 2 * margin
    power = 10.0 ** math.floor(math.log10(span / (_MAX_TICKS - 1)))
    step = next(
        factor * power
        for factor in (1, 2, 5, 10, 20)
        if math.ceil(high / (factor * power)) - math.floor(low / (factor * power)) < _MAX_TICKS
    )
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    digits = max(0, 1 - math.floor(math.log10(step)))
    return [round(i * step, digits) for i in range(first, last + 1)]


def _line(
    series: Series, chart: Chart, x: Callable[[float], float], y: Callable[[float], float]
) -> PlacedLine:
    """Returns a line with gaps at missing values and at boundaries, where a new stage starts."""
    values, show = series.values, chart.show
    first = {math.ceil(position) for _, position in chart.boundaries}
    words: list[str] = []
    dots = []
    for i, value in enumerate(values):
        if value is None:
            continue
        begins = i == 0 or i in first or values[i - 1] is None
        ends = i + 1 == len(values) or i + 1 in first or values[i + 1] is None
        words.append(f"{'M' if begins else 'L'}{x(i):g},{y(value):g}")
        if begins and ends:
            dots.append((x(i), y(value)))
    texts = ["-" if value is None else show(value) for value in values]
    return PlacedLine(series.name, " ".join(words), dots, texts)


def _summary(chart: Chart, series: Sequence[Series]) -> str:
    """Returns a text alternative of the chart: first, last and extreme values of every line."""
    sentences = []
    for each in series:
        values = [value for value in each.values if value is not None]
        sentences.append(
            f"{each.name} from {chart.show(values[0])} to {chart.show(values[-1])}, "
            f"between {chart.show(min(values))} and {chart.show(max(values))}"
        )
    return f"{chart.title} by epoch: {'; '.join(sentences)}."
