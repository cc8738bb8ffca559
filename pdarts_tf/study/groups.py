"""The values of a study's methods as groups of a plot."""

from collections.abc import Sequence

from pdarts_tf.study.formats import PERCENT, POINTS, Format, format_shares
from pdarts_tf.study.measures import Measure
from pdarts_tf.study.plots import Group
from pdarts_tf.study.record import Record
from pdarts_tf.study.summary import Summary, paired_differences, summarize


def accuracy_groups(record: Record, measure: Measure) -> list[Group]:
    """Returns the values of every method.

    Args:
        record: The record.
        measure: A measure that is a share.
    """
    values = {method: measure.values(record, method) for method in record.methods}
    summaries = {method: summarize(its.values()) for method, its in values.items()}
    shares = format_shares(PERCENT, summaries.values())
    return [
        _group(method, list(values[method].values()), summary, shares, "no result yet")
        for method, summary in summaries.items()
    ]


def difference_groups(record: Record, measure: Measure) -> list[Group]:
    """Returns the differences of every method but the first with the first, seed by seed.

    Args:
        record: The record.
        measure: A measure that is a share.
    """
    differences = paired_differences(record, measure)
    points = format_shares(POINTS, [each.summary for each in differences], signed=True)
    return [
        _group(each.method, each.values, each.summary, points, "no pair yet")
        for each in differences
    ]


def _group(
    name: str, values: Sequence[float], summary: Summary | None, shown: Format, missing: str
) -> Group:
    if summary is None:
        return Group(name, (), None, missing)
    return Group(name, values, summary.interval, f"{shown.mean(summary)} {shown.unit.name}")
