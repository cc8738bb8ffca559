"""The tables of a study as text, for a terminal."""

import textwrap
from collections.abc import Sequence

from pdarts_tf.report.charts import percent
from pdarts_tf.study.choice import RULE, Ranked, rank_genotypes
from pdarts_tf.study.formats import Number
from pdarts_tf.study.record import Record
from pdarts_tf.study.study_tables import NOTE, Table, study_tables, tau_text
from pdarts_tf.study.summary import rank_correlations

WIDTH = 100
_TAU = (
    "Kendall's tau between the supernet of a gradient search and the validation accuracy after "
    "training:"
)


def study_text(record: Record) -> str:
    """Returns the tables of a study, and the genotype to take, as text."""
    total = len(record.methods) * len(record.seeds)
    state = f"{len(record.results)} of {total} results"
    blocks = [f"Study on {record.dataset}: {state}"]
    blocks += [_table_text(table) for table in study_tables(record)]
    blocks.append(_filled(NOTE))
    taus = [f"  {each.title}: {tau_text(each)}" for each in rank_correlations(record)]
    blocks.append("\n".join([_filled(_TAU), *taus]))
    if ranking := rank_genotypes(record):
        blocks.append(_choice_text(ranking[0]))
    return "\n\n".join(blocks) + "\n"


def _choice_text(ranked: Ranked) -> str:
    best = ranked.training.best
    scores = (
        f"validation accuracy {percent(best.valid_accuracy)}, "
        f"test accuracy {percent(best.test_accuracy)}"
    )
    found = f"Genotype to take: {ranked.found_by}"
    return "\n".join([found, f"  {scores}", f"  {ranked.training.genotype}", _filled(RULE)])


def _table_text(table: Table) -> str:
    names = [table.header[0], *(name for name, _ in table.rows)]
    columns = [[name.ljust(max(map(len, names))) for name in names]]
    for header, cells in zip(
        table.header[1:], zip(*(numbers for _, numbers in table.rows), strict=True), strict=True
    ):
        texts = _aligned(cells)
        width = max(map(len, [header, *texts]))
        columns.append([each.rjust(width) for each in [header, *texts]])
    lines = ["  ".join(line).rstrip() for line in zip(*columns, strict=True)]
    return "\n".join([table.title, *(f"  {line}" for line in lines)])


def _aligned(cells: Sequence[Number]) -> list[str]:
    """Returns numbers whose decimal points and ± stand below each other."""
    width = max(len(cell.half_width) for cell in cells)
    if not width:
        return [cell.mean for cell in cells]
    halves = [f" ± {cell.half_width:>{width}}" if cell.half_width else "" for cell in cells]
    return [f"{cell.mean}{half:<{width + 3}}" for cell, half in zip(cells, halves, strict=True)]


def _filled(text: str) -> str:
    return textwrap.fill(text, WIDTH)
