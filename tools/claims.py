"""The paper's claims, and what a study says of each: agrees, disagrees, or cannot tell.

A claim is about a difference or an order. It is decided by the 95 % interval of the paired
differences over the seeds: all of it on the paper's side agrees, all of it on the other disagrees,
and an interval that contains 0 cannot tell.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pdarts_tf.study.measures import TEST_ACCURACY, Measure
from pdarts_tf.study.record import Record
from pdarts_tf.study.summary import Summary, summarize

AGREES, DISAGREES, CANNOT_TELL = "agrees", "disagrees", "cannot tell at this size"


@dataclass(frozen=True)
class Row:
    """A row of a claim's table.

    Args:
        name: What was measured, such as a method.
        values: The measured values by seed.
        paper: The paper's figure, in words; "" if it has none.
    """

    name: str
    values: Mapping[int, float]
    paper: str = ""

    @property
    def summary(self) -> Summary | None:
        """Mean and interval of the values."""
        return summarize(self.values.values())


@dataclass(frozen=True)
class Comparison:
    """Two rows that the paper puts in an order.

    Args:
        higher: The row that the paper has higher values for.
        lower: The other.
    """

    higher: Row
    lower: Row

    @property
    def differences(self) -> list[float]:
        """Differences over the seeds that both rows have, positive on the paper's side."""
        mine, theirs = self.higher.values, self.lower.values
        return [mine[seed] - theirs[seed] for seed in mine if seed in theirs]

    @property
    def summary(self) -> Summary | None:
        """Mean and interval of the differences."""
        return summarize(self.differences)

    @property
    def verdict(self) -> str:
        """What the differences say of the claim."""
        return verdict(self.summary)


def verdict(differences: Summary | None) -> str:
    """Returns what differences, positive on the paper's side, say of a claim.

    >>> verdict(summarize([1.0, 1.1, 0.9])), verdict(summarize([1.0])), verdict(None)
    ('agrees', 'cannot tell at this size', 'cannot tell at this size')
    """
    if differences is None or differences.interval is None:
        return CANNOT_TELL
    low, high = differences.interval
    if low > 0:
        return AGREES
    return DISAGREES if high < 0 else CANNOT_TELL


def overall(verdicts: Sequence[str]) -> str:
    """Returns the verdict on a claim of several comparisons.

    >>> overall([AGREES, CANNOT_TELL])
    'cannot tell at this size'
    """
    if DISAGREES in verdicts:
        return DISAGREES
    return AGREES if verdicts and set(verdicts) == {AGREES} else CANNOT_TELL


@dataclass(frozen=True)
class Claim:
    """A claim of the paper with its measurements.

    Args:
        title: Its title.
        text: The claim in a sentence.
        unit: "%" for shares, "" for numbers.
        rows: What was measured.
        comparisons: What decides it.
        measured: What the values are, in words.
    """

    title: str
    text: str
    unit: str
    rows: Sequence[Row]
    comparisons: Sequence[Comparison]
    measured: str

    @property
    def verdict(self) -> str:
        """What the study says of it."""
        return overall([comparison.verdict for comparison in self.comparisons])


def claims(record: Record) -> list[Claim]:
    """Returns the claims that have numbers for every seed, with the numbers of a record."""
    return [_skip_connects(record), _depth(record), _limit(record), _methods(record), _cost(record)]


def _row(record: Record, name: str, paper: str = "", measure: Measure = TEST_ACCURACY) -> Row:
    return Row(name, measure.values(record, name), paper)


def _last_stages(record: Record, recipe: str, paper: str = "") -> Row:
    """Returns the skip-connects of the unrestricted normal cells that the searches end with."""
    found = {
        search.seed: float(search.stages[-1].skip_connects)
        for search in record.searches.values()
        if search.recipe == recipe
    }
    return Row(recipe, found, paper)


def _skip_connects(record: Record) -> Claim:
    without, with_it = (_last_stages(record, name) for name in ("pdarts_no_dropout", "pdarts"))
    return Claim(
        "(a) Dropout after skip-connects",
        "without dropout after skip-connects, a search ends with more of them in its unrestricted "
        "normal cell",
        "",
        [with_it, without],
        [Comparison(without, with_it)],
        "skip-connects in the unrestricted normal cell",
    )


def _depth(record: Record) -> Claim:
    stages = [
        _row(record, name, f"{100 - error:.2f} %")
        for name, error in (("pdarts@stage1", 2.90), ("pdarts@stage2", 2.82), ("pdarts", 2.58))
    ]
    return Claim(
        "(b) The depth gap",
        "the cell of a later stage, searched in a deeper supernet, is more accurate",
        "%",
        stages,
        [Comparison(stages[2], stages[0])],
        "test accuracy of the cell after each stage",
    )


def _limit(record: Record) -> Claim:
    names = ["pdarts@M=0", "pdarts@M=1", "pdarts", "pdarts@M=3", "pdarts@M=4"]
    rows = [_row(record, name) for name in names]
    rows[2] = Row("pdarts (M=2)", rows[2].values)
    best = rows[2]
    return Claim(
        "(c) The limit M on skip-connects",
        "a limit of M = 2 gives a more accurate cell than the other limits",
        "%",
        rows,
        [Comparison(best, row) for row in rows if row is not best],
        "test accuracy of the cell with at most M skip-connects",
    )


def _methods(record: Record) -> Claim:
    paper = {
        "pdarts": "97.50 %",
        "darts": "97.00 %",
        "darts_second": "97.24 %",
        "random": "96.71 % (DARTS, table 1)",
    }
    rows = [_row(record, name, text) for name, text in paper.items()]
    return Claim(
        "(d) P-DARTS, DARTS and random search",
        "P-DARTS finds a more accurate cell than DARTS of either order and than random search",
        "%",
        rows,
        [Comparison(rows[0], row) for row in rows[1:]],
        "test accuracy of the cell",
    )


def _cost(record: Record) -> Claim:
    paper = {"pdarts": "0.3 GPU-days", "darts": "1.5 GPU-days", "darts_second": "4 GPU-days"}
    rows = [_seconds(record, name, text) for name, text in paper.items()]
    return Claim(
        "(e) The cost of the search",
        "a search of P-DARTS takes less time than one of DARTS",
        "min",
        rows,
        [Comparison(row, rows[0]) for row in rows[1:]],
        "minutes of the search",
    )


def _seconds(record: Record, recipe: str, paper: str) -> Row:
    values = {
        search.seed: record.times[name]["seconds"] / 60
        for name, search in record.searches.items()
        if search.recipe == recipe and name in record.times
    }
    return Row(recipe, values, paper)


def entropy_share(record: Record, recipe: str) -> list[list[float]]:
    """Returns the entropy of the normal cell's alphas as a share of the largest, by stage and seed.

    Args:
        record: The record.
        recipe: A recipe of a gradient search.
    """
    searches = [search for search in record.searches.values() if search.recipe == recipe]
    stages = zip(*(search.stages for search in searches), strict=True)
    return [[s.entropy_normal / math.log(s.candidates) for s in same] for same in stages]
