"""Results of searches and trainings, read from their run directories."""

import html
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pdarts_tf.alphas import Alphas
from pdarts_tf.config import SearchConfig, TrainConfig
from pdarts_tf.genotype import Genotype
from pdarts_tf.library.plotting import plot
from pdarts_tf.library.recipes import recipe_settings
from pdarts_tf.report.page import write_report
from pdarts_tf.report.run import Run, read_run
from pdarts_tf.runs.run_directory import RunDirectoryError
from pdarts_tf.train.assessment import Assessment


@dataclass(frozen=True, eq=False, repr=False)
class _Result:
    """What a run has left in its directory.

    Args:
        run: Contents of the run directory.
    """

    run: Run

    @property
    def path(self) -> Path:
        """The run directory."""
        return self.run.path

    @property
    def finished(self) -> bool:
        """Whether the run has its result; otherwise the same call or command goes on with it."""
        return self.run.finished

    @property
    def metrics(self) -> list[dict[str, float]]:
        """Measurements of every epoch, in order: losses, accuracies, rates; see docs/search.md."""
        return [dict(record) for _, record in sorted(self.run.records.items())]

    def report(self) -> Path:
        """Writes the report of the run, a page, and returns its path."""
        return write_report(self.path, recipe_settings)

    def __repr__(self) -> str:
        state = "finished" if self.finished else "not finished"
        return f"<{type(self).__name__} of {self.path}, {state}>"

    def _page(self, rows: Mapping[str, Any], genotype: Genotype | None) -> str:
        """Returns HTML of a table and a drawing, for notebooks."""
        cells = "".join(
            f"<tr><th style='text-align:left'>{html.escape(name)}</th>"
            f"<td style='text-align:left'>{html.escape(str(value))}</td></tr>"
            for name, value in rows.items()
        )
        drawing = "" if genotype is None else plot(genotype).to_html()
        return f"<table>{cells}</table>{drawing}"


@dataclass(frozen=True, eq=False, repr=False)
class SearchResult(_Result):
    """Result of a search, finished or not; notebooks show it with its cells drawn.

    Args:
        run: Contents of the run directory.

    Example::

        result = pd.run_search("digits", output_dir="runs/digits")
        result.genotype.num_skip_connects
        # 2
    """

    @property
    def config(self) -> SearchConfig:
        """Settings of the search."""
        config: SearchConfig = self.run.settings
        return config

    @property
    def genotype(self) -> Genotype:
        """The genotype, with the skip-connects that the settings allow.

        Raises:
            RunDirectoryError: If the search is not finished.
        """
        return _existing(self.run, self.run.genotype)

    @property
    def genotypes(self) -> dict[str, Genotype]:
        """The genotypes for every limit of skip-connects: "unrestricted", "M=7", …, "M=0".

        Empty if the search is not finished.
        """
        return dict(self.run.genotypes)

    @cached_property
    def alphas(self) -> list[Alphas]:
        """Architecture parameters after every epoch, in order, with the space of their stage."""
        return [alphas for _, alphas in sorted(self.run.frames.items())]

    def _repr_html_(self) -> str:
        genotype = self.run.genotype
        found = "not finished" if genotype is None else f"M={self.config.max_skip_connects}"
        rows = {"search": self.path, "data set": self.config.dataset, "genotype": found}
        return self._page(rows | {"": genotype or ""}, genotype)


@dataclass(frozen=True, eq=False, repr=False)
class TrainingResult(_Result):
    """Result of a training, finished or not; `load_network` returns its network.

    Args:
        run: Contents of the run directory.
    """

    @property
    def config(self) -> TrainConfig:
        """Settings of the training."""
        config: TrainConfig = self.run.settings
        return config

    @property
    def genotype(self) -> Genotype:
        """The genotype that is trained."""
        return Genotype.parse(self.config.genotype)

    @property
    def scores(self) -> dict[str, dict[str, float]]:
        """Scores of the "last" weights, and of the "best" if they count: accuracies and losses.

        Raises:
            RunDirectoryError: If the training is not finished.
        """
        found = _existing(self.run, self.run.result)
        return {name: found[name] for name in ("last", "best") if found.get(name)}

    @property
    def assessment(self) -> Assessment | None:
        """What the answers to the test images are worth; None if it was not measured."""
        return self.run.assessment

    def _repr_html_(self) -> str:
        rows: dict[str, Any] = {"training": self.path, "data set": self.config.dataset}
        for name, scores in (self.scores if self.finished else {}).items():
            rows[f"{name} weights"] = f"test accuracy {scores['test_accuracy']:.2%}"
        return self._page(rows, self.genotype)


def load_run(path: str | os.PathLike[str]) -> SearchResult | TrainingResult:
    """Returns what a search or a training has left in its run directory, finished or not.

    Args:
        path: The run directory.

    Raises:
        RunDirectoryError: If it is not a run directory.
    """
    run = read_run(path)
    return SearchResult(run) if run.command == "search" else TrainingResult(run)


def _existing(run: Run, value: Any) -> Any:
    if value is None:
        raise RunDirectoryError(
            f"{run.path} has no result yet: the {run.command} is not finished; start it again to "
            "go on with it"
        )
    return value
