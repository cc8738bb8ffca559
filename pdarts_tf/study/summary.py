"""Statistics of a study: means with their intervals, paired differences, rank correlations."""

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from scipy.special import stdtrit

from pdarts_tf.study.measures import Measure, supernet_accuracy, trained_accuracy
from pdarts_tf.study.record import Record

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Summary:
    """Mean of some values, and how sure it is.

    Args:
        count: Number of values, at least 1.
        mean: Their mean.
        deviation: Standard deviation of the sample (divided by count - 1); None for one value.
        half_width: Half the width of the 95 % interval of the mean by Student's t; None for one
            value.
    """

    count: int
    mean: float
    deviation: float | None
    half_width: float | None

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % interval of the mean; None for one value."""
        if self.half_width is None:
            return None
        return self.mean - self.half_width, self.mean + self.half_width


def summarize(values: Iterable[float]) -> Summary | None:
    """Returns the summary of values, or None if there are none.

        half_width = t_{0.975, n - 1} * s / sqrt(n)

    >>> summary = summarize([4.0, 6.0, 8.0])
    >>> summary.mean, summary.deviation, round(summary.half_width, 4)
    (6.0, 2.0, 4.9683)
    """
    found = list(values)
    count = len(found)
    if not count:
        return None
    # Exact, so that equal values have a deviation of 0.
    mean = float(statistics.mean(found))
    if count == 1:
        return Summary(count, mean, None, None)
    deviation = float(statistics.stdev(found))
    quantile = float(stdtrit(count - 1, (1 + CONFIDENCE) / 2))
    return Summary(count, mean, deviation, quantile * deviation / math.sqrt(count))


@dataclass(frozen=True)
class Difference:
    """How much a method differs from the first one, over the seeds that both have.

    Args:
        method: Name of the method.
        baseline: Name of the first method.
        seeds: The seeds that both have.
        values: The difference for each of them.
        summary: Summary of the differences, whose interval is that of the paired t; None if there
            are none.
    """

    method: str
    baseline: str
    seeds: tuple[int, ...]
    values: tuple[float, ...]
    summary: Summary | None


def paired_differences(record: Record, measure: Measure) -> list[Difference]:
    """Returns the differences of all methods but the first with the first.

    Args:
        record: The record.
        measure: The number that is compared.
    """
    if not record.methods:
        return []
    baseline, *others = record.methods
    first = measure.values(record, baseline)
    found = []
    for method in others:
        values = measure.values(record, method)
        seeds = tuple(seed for seed in first if seed in values)
        pairs = tuple(values[seed] - first[seed] for seed in seeds)
        found.append(Difference(method, baseline, seeds, pairs, summarize(pairs)))
    return found


@dataclass(frozen=True)
class RankCorrelation:
    """Kendall's tau (tau-b, which allows for ties) of two measures of the same cells.

    Args:
        title: The first measure; the second is the validation accuracy after training.
        points: (method, seed, first measure, second measure) of every result that has both.
        tau: From -1 (opposite orders) to 1 (the same order); None if one measure has fewer than
            two different values.
        p_value: Probability of a tau at least as large in size if the orders were independent.
    """

    title: str
    points: tuple[tuple[str, int, float, float], ...]
    tau: float | None
    p_value: float | None


def kendall(first: Sequence[float], second: Sequence[float]) -> tuple[float | None, float | None]:
    """Returns Kendall's tau-b and its two-sided p-value, None for both where tau is undefined.

    >>> round(kendall([1, 2, 3, 4], [1, 2, 4, 3])[0], 4)
    0.6667
    >>> kendall([1, 2, 3], [5, 5, 5])
    (None, None)

    Args:
        first: Values of one measure.
        second: Values of the other, as many.
    """
    # Its import takes a second or more, for which `--help` should not wait.
    from scipy.stats import kendalltau

    if min(len(set(first)), len(set(second))) < 2:
        return None, None
    tau, p_value = kendalltau(first, second)
    return float(tau), float(p_value)


def rank_correlations(record: Record) -> list[RankCorrelation]:
    """Returns how the supernet's opinions of the cells agree with their training.

    The results are those of gradient searches, all stages and methods together: the supernet's
    validation accuracy in the stage that a cell came from, and the probability of the cell.
    """
    gradient = [result for result in record.results if result.probability is not None]
    opinions = {
        "validation accuracy of the supernet": [supernet_accuracy(record, r) for r in gradient],
        "probability of the cell": [result.probability for result in gradient],
    }
    found = []
    for title, values in opinions.items():
        points = tuple(
            (result.method, result.seed, value, trained_accuracy(record, result))
            for result, value in zip(gradient, values, strict=True)
            if value is not None
        )
        tau = kendall([point[2] for point in points], [point[3] for point in points])
        found.append(RankCorrelation(title, points, *tau))
    return found
