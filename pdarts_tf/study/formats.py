"""Units and rounding of the numbers in tables."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from pdarts_tf.study.measures import SEARCH_SECONDS, SKIP_CONNECTS, Measure
from pdarts_tf.study.summary import Summary

MISSING = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"


class Unit(NamedTuple):
    """A unit.

    Args:
        name: Its name, "" for numbers without one.
        size: What one of it is.
    """

    name: str
    size: float


PERCENT = Unit("%", 0.01)
POINTS = Unit("points", 0.01)
"""Percentage points, for differences of shares."""
ONE = Unit("", 1.0)
_AMOUNTS = (ONE, Unit("k", 1e3), Unit("M", 1e6), Unit("G", 1e9))
_TIMES = (Unit("s", 1.0), Unit("min", 60.0), Unit("h", 3600.0))


@dataclass(frozen=True)
class Number:
    """A mean as it stands in a table.

    Args:
        mean: The mean.
        half_width: Half the width of its 95 % interval, "" if there is none.
    """

    mean: str
    half_width: str = ""

    def __str__(self) -> str:
        """Returns both, such as "96.3 ± 0.4"."""
        return f"{self.mean} ± {self.half_width}" if self.half_width else self.mean


@dataclass(frozen=True)
class Format:
    """Format of the numbers of a column.

    Args:
        unit: Their unit.
        decimals: Number of digits after the point.
        signed: Whether positive numbers have a sign.
    """

    unit: Unit
    decimals: int
    signed: bool = False

    def number(self, value: float | None) -> str:
        """Returns a value of the column, without its unit.

        >>> Format(PERCENT, 1).number(0.96281), Format(POINTS, 1, signed=True).number(0.012)
        ('96.3', '+1.2')
        """
        if value is None:
            return MISSING
        rounded = round(value / self.unit.size, self.decimals) + 0.0  # of no minus zero
        text = f"{rounded:{'+' if self.signed else ''}.{self.decimals}f}"
        return text.replace("-", MINUS)

    def mean(self, summary: Summary | None) -> Number:
        """Returns a mean of the column, without its unit."""
        if summary is None:
            return Number(MISSING)
        half = summary.half_width
        text = "" if half is None else f"{half / self.unit.size:.{self.decimals}f}"
        return Number(self.number(summary.mean), text)


def format_shares(
    unit: Unit, summaries: Iterable[Summary | None], *, signed: bool = False
) -> Format:
    """Returns the format of a column of shares: one decimal, or two if an interval is narrow.

    >>> format_shares(PERCENT, [Summary(3, 0.963, 0.0002, 0.0005)]).decimals
    2
    """
    halves = [(each.half_width or 0.0) / unit.size for each in summaries if each is not None]
    narrow = any(0.005 <= half < 0.095 for half in halves)  # in two decimals, but not in one
    return Format(unit, 2 if narrow else 1, signed)


def format_costs(measure: Measure, summaries: Iterable[Summary | None]) -> Format:
    """Returns the format of a column of costs, whose unit suits its largest mean.

    >>> from pdarts_tf.study.measures import PARAMETERS
    >>> format_costs(PARAMETERS, [Summary(1, 3_433_798, None, None)])
    Format(unit=Unit(name='M', size=1000000.0), decimals=2, signed=False)
    """
    largest = max((each.mean for each in summaries if each is not None), default=0.0)
    if measure is SKIP_CONNECTS:
        return Format(ONE, 1)
    if measure is SEARCH_SECONDS:
        # Two minutes are told in minutes, but one is 60 s.
        unit = [each for each in _TIMES if each is _TIMES[0] or largest >= 2 * each.size][-1]
        return Format(unit, 1)
    unit = [each for each in _AMOUNTS if each is ONE or largest >= each.size][-1]
    if unit is ONE:
        return Format(unit, 0)
    return Format(unit, min(2, max(0, 2 - math.floor(math.log10(largest / unit.size)))))


def amount(value: float) -> str:
    """Returns a number with the prefix that suits it.

    >>> amount(2_000_000), amount(1_234_567), amount(0.5)
    ('2 M', '1.235 M', '0.5')
    """
    unit = [each for each in _AMOUNTS if each is ONE or value >= each.size][-1]
    return f"{value / unit.size:.4g} {unit.name}".rstrip()


def title(name: str, unit: Unit) -> str:
    """Returns the title of a column with its unit.

    >>> title("test accuracy", PERCENT), title("skip-connects", ONE)
    ('test accuracy (%)', 'skip-connects')
    """
    return f"{name} ({unit.name})" if unit.name else name
