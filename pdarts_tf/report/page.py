"""HTML report of runs: a single, self-contained file.

The content of run directories is untrusted: the template escapes it, and the content security
policy of the page allows only the page's own script.
"""

import pathlib
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from pdarts_tf.config.settings import Settings
from pdarts_tf.report.cards import make_cards, network_count
from pdarts_tf.report.comparison import compare
from pdarts_tf.report.course import course, epochs_of
from pdarts_tf.report.rendering import REPORT_PACKAGE, environment, script_hash, source, style
from pdarts_tf.report.repeat import command_to_repeat, compared_settings, published_name
from pdarts_tf.report.run import Run, read_run
from pdarts_tf.report.search_history import fates, summarize_stages
from pdarts_tf.runs.files import write_whole
from pdarts_tf.runs.next_commands import Recipes
from pdarts_tf.runs.observers import Observer
from pdarts_tf.runs.run_directory import REPORT
from pdarts_tf.search_space import CELLS


def write_report(path: str | pathlib.Path, recipes: Recipes) -> pathlib.Path:
    """Writes the report of a run into its directory, and returns the path of the file.

    Raises:
        RunDirectoryError: If `path` is not a run directory.
    """
    file = pathlib.Path(path) / REPORT
    write_whole(file, report([read_run(path)], recipes))
    return file


class HtmlReport(Observer):
    """Writes the report of a run when it is finished.

    Args:
        path: The run directory.
        recipes: (command, data set) -> the settings of its recipe.
    """

    def __init__(self, path: pathlib.Path, recipes: Recipes) -> None:
        self.path = path
        self.recipes = recipes

    def close(self) -> None:
        """Writes the report."""
        write_report(self.path, self.recipes)


def report(runs: Sequence[Run], recipes: Recipes) -> str:
    """Returns the HTML page about one run, or about several and their comparison.

    Args:
        runs: Runs as returned by `read_run`.
        recipes: Function (command, data set) -> settings of the recipe.
    """
    names = _distinct_names(runs)
    script = source(REPORT_PACKAGE, "report.js")
    return (
        environment()
        .get_template("report.html")
        .render(
            runs=[
                _view(run, name, f"run{i}", recipes(run.command, run.settings.dataset))
                for i, (run, name) in enumerate(zip(runs, names, strict=True), 1)
            ],
            comparison=compare(runs, names) if len(runs) > 1 else None,
            style=style(),
            script=Markup(script),  # noqa: S704, a file of this package
            script_hash=script_hash(script),
        )
    )


def _view(run: Run, title: str, identifier: str, recipe: Settings) -> dict[str, Any]:
    """Returns the template's variables of one run."""
    search = run.command == "search"
    gradient = search and run.settings.strategy == "gradient"
    genotypes = run.genotypes
    if not genotypes and run.genotype is not None:
        name = f"M={run.settings.max_skip_connects}" if search else published_name(run.genotype)
        genotypes = {name or "as trained": run.genotype}
    cards = make_cards(genotypes, identifier)
    return {
        "id": identifier,
        "name": title,
        "run": run,
        "epochs": epochs_of(run),
        "command": command_to_repeat(run, recipe),
        "settings": compared_settings(run, recipe),
        "stages": summarize_stages(run) if search else [],
        "primitives": run.settings.primitives if search else (),
        "fates": {cell: fates(run, cell) for cell in CELLS} if gradient and run.spaces else None,
        "course": course(run, identifier),
        "cards": cards,
        "one_reduction": len({card.genotype.reduce for card in cards}) == 1,
        "network": None if search else network_count(run),
        "measurements": _measurements(run),
    }


def _measurements(run: Run) -> list[str]:
    """Returns the names of all measurements, in the order of the records."""
    return list(dict.fromkeys(name for record in run.records.values() for name in record))


def _distinct_names(runs: Sequence[Run]) -> list[str]:
    """Returns names of the runs: the last part of their paths, or the paths if those repeat."""
    names = [run.name for run in runs]
    return names if len(set(names)) == len(names) else [str(run.path) for run in runs]
