"""Comparison of several runs."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from pdarts_tf.config.settings import shown
from pdarts_tf.cost.counting import Count, total
from pdarts_tf.cost.description import SETTINGS
from pdarts_tf.report.cards import Card, make_cards, network_count
from pdarts_tf.report.charts import Chart, PlacedChart, Series, number, percent, place
from pdarts_tf.report.course import epochs_of, measured
from pdarts_tf.report.run import Run

# Per command: title of a chart, function that formats its values, name in the records.
_CHARTS = {
    "search": (
        ("Accuracy on the images for the alphas", percent, "arch_accuracy"),
        ("Skip-connects in the normal cell", number, "skip_connects"),
        ("Entropy of the normal cell (share of the largest)", percent, "entropy_normal"),
    ),
    "train": (
        ("Validation accuracy", percent, "valid_accuracy"),
        ("Test accuracy", percent, "test_accuracy"),
        ("Test loss", number, "test_loss"),
        ("Loss of the weights", number, "loss"),
    ),
}


@dataclasses.dataclass(frozen=True)
class Comparison:
    """Content of the page about several runs together.

    Args:
        settings: Per command, its name, the names of its runs, and rows (setting, value in each
            run) of the settings that differ between them.
        charts: Charts with one line per run.
        cards: Cards of the resulting genotypes.
        counts: Per run, the cost of its network; of a search, that of its result in the published
            setting `counted_in`. None if there is no result, or its images are unknown.
        counted_in: Title of that setting.
    """

    settings: list[tuple[str, list[str], list[tuple[str, list[str]]]]]
    charts: list[PlacedChart]
    cards: list[Card]
    counts: list[Count | None]
    counted_in: str = SETTINGS["cifar10"].title


def compare(runs: Sequence[Run], names: Sequence[str]) -> Comparison:
    """Compares runs; searches and trainings may be mixed.

    Args:
        runs: Runs as returned by `read_run`.
        names: Names of the runs on the page.
    """
    settings: list[tuple[str, list[str], list[tuple[str, list[str]]]]] = []
    charts = []
    for command, titles in _CHARTS.items():
        group = [(r, name) for r, name in zip(runs, names, strict=True) if r.command == command]
        if len(group) < 2:
            continue
        rows = _differing([run for run, _ in group])
        settings.append((command, [name for _, name in group], rows))
        placed = [place(_chart(group, *title)) for title in titles]
        charts += [chart for chart in placed if chart]
    results = {
        name: run.genotype
        for run, name in zip(runs, names, strict=True)
        if run.genotype is not None
    }
    counts = [_count(run) for run in runs]
    return Comparison(settings, charts, make_cards(results, "comparison"), counts)


def _count(run: Run) -> Count | None:
    if run.command == "train" or run.genotype is None:
        return network_count(run)
    return total(SETTINGS["cifar10"].blocks(run.genotype))


def _differing(runs: Sequence[Run]) -> list[tuple[str, list[str]]]:
    """Returns the settings that differ between runs, with their value in each."""
    rows: list[tuple[str, list[str]]] = []
    for field in dataclasses.fields(runs[0].settings):
        values = [shown(getattr(run.settings, field.name)) for run in runs]
        if len(set(values)) > 1:
            rows.append((field.name, values))
    return rows


def _chart(group: Sequence[tuple[Run, str]], title: str, show: Any, record: str) -> Chart:
    length = max(run.num_epochs for run, _ in group)
    series = []
    for run, name in group:
        values: list[float | None] = [None] * length
        for stage, epoch in epochs_of(run):
            index = (stage - 1) * run.settings.epochs + epoch - 1
            values[index] = measured(run, (stage, epoch), record)
        series.append(Series(name, values))
    return Chart(title, series, show, counts=record == "skip_connects")
