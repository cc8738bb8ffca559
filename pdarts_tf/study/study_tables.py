"""Tables of a study, from which its page, its text and its LaTeX are made."""

from collections.abc import Sequence
from dataclasses import dataclass

from pdarts_tf.study.formats import (
    ONE,
    PERCENT,
    POINTS,
    Format,
    Number,
    format_costs,
    format_shares,
    title,
)
from pdarts_tf.study.measures import ACCURACIES, COSTS, Measure, results_of
from pdarts_tf.study.record import Record
from pdarts_tf.study.summary import RankCorrelation, Summary, paired_differences, summarize

NOTE = (
    "Mean ± half the width of its 95 % interval (Student's t) over the seeds; sd: their standard "
    "deviation. Accuracies are those of the weights with the best validation accuracy."
)


@dataclass(frozen=True)
class Table:
    """A table: its first column has names, the others numbers.

    Args:
        title: Its title.
        header: Titles of the columns.
        rows: Per row a name and the numbers.
    """

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Number, ...]], ...]


def study_tables(record: Record) -> list[Table]:
    """Returns the tables of a study that compare its methods, those without rows left out."""
    tables = [accuracy_table(record), difference_table(record), cost_table(record)]
    return [table for table in tables if table.rows]


def accuracy_table(record: Record) -> Table:
    """Returns the accuracies of every method."""
    header, columns = ["method", "seeds"], [_seed_counts(record)]
    for measure in ACCURACIES:
        summaries = _summaries(record, measure)
        shown = format_shares(PERCENT, summaries)
        header += [title(measure.title, PERCENT), "sd"]
        columns += [
            [shown.mean(each) for each in summaries],
            [Number(shown.number(each.deviation if each else None)) for each in summaries],
        ]
    return Table("Accuracy", tuple(header), _rows(record.methods, columns))


def difference_table(record: Record) -> Table:
    """Returns the paired differences of the accuracies of all methods with those of the first."""
    header, columns = ["method", "pairs"], []
    for measure in ACCURACIES:
        differences = paired_differences(record, measure)
        shown = format_shares(POINTS, [each.summary for each in differences], signed=True)
        header.append(title(measure.title, POINTS))
        columns.append([shown.mean(each.summary) for each in differences])
    pairs = [Number(str(len(each.seeds))) for each in differences]
    baseline = record.methods[0] if record.methods else ""
    rows = _rows(record.methods[1:], [pairs, *columns])
    return Table(f"Difference to {baseline}, over the seeds of both", tuple(header), rows)


def cost_table(record: Record) -> Table:
    """Returns the skip-connects, the size of the networks and the time of the searches."""
    header, columns = ["method"], []
    for measure in COSTS:
        summaries = _summaries(record, measure)
        shown = format_costs(measure, summaries)
        header.append(title(measure.title, shown.unit))
        columns.append([shown.mean(each) for each in summaries])
    return Table("Cells and costs", tuple(header), _rows(record.methods, columns))


def tau_text(correlation: RankCorrelation) -> str:
    """Returns Kendall's tau in words, such as "0.87 (p = 0.017, 6 results)"."""
    count = len(correlation.points)
    if correlation.tau is None or correlation.p_value is None:
        return f"not defined ({count} results)"
    tau = Format(ONE, 2).number(correlation.tau)
    return f"{tau} (p = {correlation.p_value:.2g}, {count} results)"


def _summaries(record: Record, measure: Measure) -> list[Summary | None]:
    return [summarize(measure.values(record, method).values()) for method in record.methods]


def _seed_counts(record: Record) -> list[Number]:
    counts = [len(results_of(record, method)) for method in record.methods]
    most = len(record.seeds)
    return [Number(str(n) if n == most else f"{n} of {most}") for n in counts]


def _rows(
    names: Sequence[str], columns: Sequence[Sequence[Number]]
) -> tuple[tuple[str, tuple[Number, ...]], ...]:
    return tuple(zip(names, zip(*columns, strict=True), strict=True))
