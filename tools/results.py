"""`make results`: writes docs/results.md and its pictures from studies/claims/*.json alone."""

import pathlib
from collections.abc import Sequence

from pdarts_tf.study.formats import MISSING, PERCENT, POINTS, Format, format_shares
from pdarts_tf.study.plots import COUNTS, NUMBERS, SHARES, Group, interval_plot, svg_file
from pdarts_tf.study.record import Record, merged
from pdarts_tf.study.summary import Summary, rank_correlations, summarize
from tools import claims
from tools.claims import Claim

ROOT = pathlib.Path(__file__).parents[1]
RECORDS = ROOT / "studies/claims"
DOCS = ROOT / "docs"
PAGE = "results.md"
_SCALES = {"%": SHARES, "": COUNTS, "min": NUMBERS}


def main() -> None:
    """Writes the page and its pictures."""
    for name, text in files(read_records(RECORDS)).items():
        (DOCS / name).write_text(text, "utf-8")
        print(f"Wrote docs/{name}")


def read_records(folder: pathlib.Path) -> list[Record]:
    """Returns the records in a folder, each of some of the seeds."""
    return [Record.from_json(path.read_text("utf-8")) for path in sorted(folder.glob("*.json"))]


def files(records: Sequence[Record]) -> dict[str, str]:
    """Returns {name below docs/: text} of the page and its pictures; nothing without a record."""
    if not records:
        return {}
    record = merged(records)
    found = claims.claims(record)
    pictures = {picture(claim): _plot(claim) for claim in found}
    return {PAGE: page(record, found), **{name: svg for name, svg in pictures.items() if svg}}


def picture(claim: Claim) -> str:
    """Returns the name of a claim's picture below docs/, such as "pictures/results_a.svg"."""
    return f"pictures/results_{claim.title[1]}.svg"


def _plot(claim: Claim) -> str:
    groups = [
        Group(
            row.name,
            list(row.values.values()),
            None if row.summary is None else row.summary.interval,
            _mean(claim, row.summary),
        )
        for row in claim.rows
        if row.values
    ]
    plot = interval_plot(claim.measured, groups, _SCALES[claim.unit])
    return "" if plot is None else svg_file(plot)


def page(record: Record, found: Sequence[Claim]) -> str:
    """Returns the page in Markdown."""
    opening = (RECORDS.parent / "opening.md").read_text("utf-8")
    closing = (RECORDS.parent / "not_run.md").read_text("utf-8")
    done = len(record.results)
    most = len(record.methods) * len(record.seeds)
    return "\n".join(
        [
            "<!-- Written by `make results` from studies/claims/*.json: do not edit. -->",
            opening,
            f"Seeds {', '.join(map(str, record.seeds))}; {done} of {most} results, from "
            f"{len(record.searches)} searches and {len(record.trainings)} trainings.",
            "",
            *_summary(found),
            *(line for claim in found for line in _section(claim)),
            *_ranks(record),
            *_stages(record),
            closing,
        ]
    )


def _summary(found: Sequence[Claim]) -> list[str]:
    rows = [f"| {claim.title} | {claim.text} | **{claim.verdict}** |" for claim in found]
    return ["| | claim of the paper | this study |", "|---|---|---|", *rows, ""]


def _section(claim: Claim) -> list[str]:
    has_paper = any(row.paper for row in claim.rows)
    header = ["", claim.measured, "seeds", *(["paper"] if has_paper else [])]
    rows = [
        [row.name, _mean(claim, row.summary), str(len(row.values))]
        + ([row.paper or MISSING] if has_paper else [])
        for row in claim.rows
    ]
    return [
        f"## {claim.title}",
        "",
        f"The paper: {claim.text}. This study {_sentence(claim)}.",
        "",
        *_table(header, rows),
        "",
        *_differences(claim),
        "",
        f"![{claim.measured}, with 95 % intervals]({picture(claim)})",
        "",
    ]


def _sentence(claim: Claim) -> str:
    return claim.verdict.replace("cannot tell", "cannot tell whether that is so")


def _differences(claim: Claim) -> list[str]:
    """Returns a sentence per comparison: the paired difference and its interval."""
    lines = []
    for each in claim.comparisons:
        summary = each.summary
        if summary is None:
            lines.append(f"* {each.higher.name} against {each.lower.name}: no seed has both yet.")
            continue
        shown = _mean(claim, summary, difference=True)
        lines.append(
            f"* {each.higher.name} minus {each.lower.name}, seed by seed: {shown} "
            f"({summary.count} {'pair' if summary.count == 1 else 'pairs'}): {each.verdict}."
        )
    return lines


def _mean(claim: Claim, summary: Summary | None, *, difference: bool = False) -> str:
    """Returns a mean with its interval and unit."""
    if summary is None:
        return MISSING
    if claim.unit != "%":
        shown = Format(PERCENT._replace(name="", size=1.0), 1, signed=difference)
        return f"{shown.mean(summary)} {claim.unit}".rstrip()
    unit = POINTS if difference else PERCENT
    return f"{format_shares(unit, [summary], signed=difference).mean(summary)} {unit.name}"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [header, ["---"] * len(header), *rows]
    return [f"| {' | '.join(line)} |" for line in lines]


def _ranks(record: Record) -> list[str]:
    rows = []
    for each in rank_correlations(record):
        numbers = [MISSING if n is None else f"{n:.2f}" for n in (each.tau, each.p_value)]
        rows.append([each.title, *numbers, str(len(each.points))])
    return [
        "## (f) The ranks",
        "",
        "Kendall's tau between what the supernet said of a cell and its validation accuracy after "
        "training, over all cells of gradient searches:",
        "",
        *_table(["supernet", "tau", "p", "cells"], rows),
        "",
    ]


def _stages(record: Record) -> list[str]:
    """Returns how far the alphas have moved, without which no claim could show."""
    rows = []
    for recipe, settings in record.settings["searches"].items():
        if settings["strategy"] == "random":
            continue
        for number, shares in enumerate(claims.entropy_share(record, recipe), 1):
            accuracies = _accuracies(record, recipe, number)
            summaries = [summarize(values) for values in (shares, accuracies)]
            cells = [
                MISSING if s is None else f"{format_shares(PERCENT, [s]).mean(s)} %"
                for s in summaries
            ]
            rows.append([recipe, str(number), *cells])
    return [
        "## How far the searches came",
        "",
        "Entropy of the normal cell's alphas at the end of each stage, as a share of the largest "
        "(100 %: all candidates are equally likely), and the supernet's accuracy on the images "
        "for the alphas:",
        "",
        *_table(["search", "stage", "entropy", "validation accuracy"], rows),
        "",
    ]


def _accuracies(record: Record, recipe: str, number: int) -> list[float]:
    stages = [s.stages[number - 1] for s in record.searches.values() if s.recipe == recipe]
    return [stage.valid_accuracy for stage in stages if stage.valid_accuracy is not None]


if __name__ == "__main__":
    main()
