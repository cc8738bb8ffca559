"""HTML page of a study: a single, self-contained file, in the style of the report of a run.

All names in a record are untrusted: the template escapes them, links cannot leave the study's
directory by their scheme, and the content security policy of the page allows no script at all.
"""

import math
import urllib.parse
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from pdarts_tf.config.settings import shown
from pdarts_tf.genotype import Genotype
from pdarts_tf.report.cards import make_cards
from pdarts_tf.report.charts import percent
from pdarts_tf.report.rendering import environment, source, style
from pdarts_tf.runs.run_directory import REPORT
from pdarts_tf.study import plots
from pdarts_tf.study.choice import RULE, Ranked, rank_genotypes
from pdarts_tf.study.formats import MISSING
from pdarts_tf.study.groups import accuracy_groups, difference_groups
from pdarts_tf.study.measures import ACCURACIES, TEST_ACCURACY
from pdarts_tf.study.record import FinishedSearch, Record
from pdarts_tf.study.scatter import Points, scatter_plot
from pdarts_tf.study.study_tables import NOTE, study_tables, tau_text
from pdarts_tf.study.summary import RankCorrelation, rank_correlations

_PACKAGE = "pdarts_tf.study"


def study_page(record: Record) -> str:
    """Returns the HTML page about a study, finished or in progress."""
    ranking = rank_genotypes(record)
    return (
        environment(_PACKAGE)
        .get_template("study.html")
        .render(
            record=record,
            seconds={kind: _seconds(record, kind) for kind in ("searches", "trainings")},
            ranking=ranking,
            ranks={each.directory: each.rank for each in ranking},
            cards=_cards(ranking),
            rule=RULE,
            note=NOTE,
            tables=study_tables(record),
            plots=_accuracy_plots(record),
            correlations=[
                _correlation(each, number)
                for number, each in enumerate(rank_correlations(record), 1)
            ],
            searches={path: stage_rows(search) for path, search in record.searches.items()},
            results={(each.method, each.seed): each for each in record.results},
            settings=settings_rows(record.settings.get("searches", {})),
            training=settings_rows({"value": record.settings.get("training", {})}),
            link=report_link,
            style=style(source(_PACKAGE, "study.css"), plots.STYLE),
        )
    )


def report_link(directory: str) -> str:
    """Returns the address of the report of a run, relative to the page.

    >>> report_link("searches/pdarts_seed0")
    './searches/pdarts_seed0/report.html'
    """
    return f"./{urllib.parse.quote(f'{directory}/{REPORT}')}"


def stage_rows(search: FinishedSearch) -> list[dict[str, Any]]:
    """Returns the stages of a search, their entropy as a share of the largest there can be."""

    def share(entropy: float, candidates: int) -> float | None:
        return entropy / math.log(candidates) if candidates > 1 else None

    return [
        {
            "stage": stage,
            "entropies": [
                share(stage.entropy_normal, stage.candidates),
                share(stage.entropy_reduce, stage.candidates),
            ],
        }
        for stage in search.stages
    ]


def settings_rows(settings: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Returns the settings of several recipes, side by side.

    Args:
        settings: {recipe: {flag: value}}.

    Returns:
        "recipes": their names; "differing": rows (flag, value of each) as they are typed on the
        command line, "–" where a recipe does not have the flag; "equal": rows (flag, one value).
    """
    flags = dict.fromkeys(flag for values in settings.values() for flag in values)
    rows = [(flag, [_typed(its.get(flag)) for its in settings.values()]) for flag in flags]
    return {
        "recipes": list(settings),
        "differing": [row for row in rows if len(set(row[1])) > 1],
        "equal": [(flag, values[:1]) for flag, values in rows if len(set(values)) == 1],
    }


def _typed(value: Any) -> str:
    if value is None or value == "":
        return MISSING
    return shown(tuple(value)) if isinstance(value, list) else shown(value)


def _seconds(record: Record, kind: str) -> float:
    return sum(record.times.get(path, {}).get("seconds", 0.0) for path in getattr(record, kind))


def _cards(ranking: Sequence[Ranked]) -> list[dict[str, Any]]:
    genotypes: dict[str, Genotype] = {each.found_by: each.training.genotype for each in ranking}
    return [
        {"card": card, "ranked": ranked, "facts": _facts(ranked)}
        for card, ranked in zip(make_cards(genotypes, "cell"), ranking, strict=True)
    ]


def _facts(ranked: Ranked) -> list[tuple[str, list[str]]]:
    """Returns titles and lines."""
    training, best = ranked.training, ranked.training.best
    return [
        ("validation accuracy", [percent(best.valid_accuracy)]),
        ("test accuracy", [percent(best.test_accuracy)]),
        ("as trained", [f"{training.parameters:,} parameters", f"{training.macs:,} MACs"]),
    ]


def _accuracy_plots(record: Record) -> list[tuple[str, Markup]]:
    """Returns titles and plots, without those that have no values."""
    titles = {measure.title.capitalize(): measure for measure in ACCURACIES}
    found = [
        plots.interval_plot(title, accuracy_groups(record, measure), plots.SHARES)
        for title, measure in titles.items()
    ]
    groups = difference_groups(record, TEST_ACCURACY)
    title = f"Test accuracy, difference to {record.methods[0]}" if groups else ""
    found.append(plots.interval_plot(title, groups, plots.DIFFERENCES))
    return [(plot.title, _element(plot, f"{i}")) for i, plot in enumerate(found) if plot]


def _correlation(correlation: RankCorrelation, number: int) -> tuple[str, str, Markup]:
    """Returns the title, tau in words, and a scatter plot, empty if there are no results."""
    groups: dict[str, list[tuple[float, float, str]]] = {}
    for method, seed, x, y in correlation.points:
        groups.setdefault(method, []).append((x, y, f"seed {seed}"))
    points = [Points(method, its) for method, its in groups.items()]
    plot = scatter_plot(correlation.title, "validation accuracy after training", points)
    element = _element(plot, f"scatter{number}") if plot else Markup()
    return correlation.title.capitalize(), tau_text(correlation), element


def _element(plot: plots.Plot, identifier: str) -> Markup:
    return Markup(plots.svg_element(plot, f"plot-{identifier}"))  # noqa: S704, it is escaped
