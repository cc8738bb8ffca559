"""The record of a study, from its run directories."""

import json
import pathlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from pdarts_tf.alphas import Alphas, chosen_operations
from pdarts_tf.config.settings import Settings
from pdarts_tf.genotype import Genotype
from pdarts_tf.report.run import Run, read_run
from pdarts_tf.runs.run_directory import CONFIG, GENOTYPE, RESULT
from pdarts_tf.search.choosing import best_sample
from pdarts_tf.search_space import CELLS
from pdarts_tf.study.methods import Method, StudyError
from pdarts_tf.study.record import (
    FinishedSearch,
    FinishedStage,
    MethodResult,
    Record,
    Scores,
    TrainedCell,
)
from pdarts_tf.study.trials import Study, Trial, stem, training_directory


@dataclass(frozen=True)
class Cell:
    """The cell that a method takes from a search.

    Args:
        genotype: The cell.
        stage: Stage, from 1, whose alphas it was derived from, or the sample of a random search.
        probability: See `record.MethodResult`.
    """

    genotype: Genotype
    stage: int
    probability: float | None


def cells_of(run: Run, methods: Iterable[Method]) -> dict[str, Cell]:
    """Returns the cells that methods take from a finished search, by the methods' names."""
    return {method.name: _cell(run, method) for method in methods}


def _cell(run: Run, method: Method) -> Cell:
    config = run.settings
    random = config.strategy == "random"
    if random:
        stages = range(1, len(config.stages) + 1)
        stage = 1 + best_sample([run.records[number, config.epochs] for number in stages])
    else:
        stage = method.stage(config)
    alphas = run.frames[stage, config.epochs]
    genotype = method.derive(alphas, config)
    return Cell(genotype, stage, None if random else cell_probability(alphas, genotype))


def cell_probability(alphas: Alphas, genotype: Genotype) -> float:
    """Returns the geometric mean of the probabilities of the operations that a genotype keeps.

    Args:
        alphas: Architecture parameters.
        genotype: A genotype derived from them.

    Example:

    >>> from pdarts_tf.search_space import SearchSpace
    >>> alphas = Alphas(SearchSpace.full(), np.zeros((14, 8)), np.zeros((14, 8)))
    >>> round(cell_probability(alphas, alphas.derive()), 6)
    0.125
    """
    kept = [
        alphas.probabilities(cell)[edge, operation]
        for cell in CELLS
        for edge, operation in sorted(chosen_operations(genotype, cell, alphas.space.primitives))
    ]
    return float(np.exp(np.mean(np.log(kept))))


def read_finished(path: pathlib.Path) -> Run:
    """Reads the directory of a finished run.

    Raises:
        StudyError: Something in it is missing or cannot be read.
    """
    run = read_run(path)
    problems = run.problems
    if run.command == "search":
        ends = [(stage.index + 1, run.settings.epochs) for stage in run.settings.stages]
        if not all(end in run.records and end in run.frames for end in ends):
            problems = [*problems, "The end of a stage is missing from its records."]
    if problems:
        raise StudyError(
            f"{path}: {problems[0]} Bring the file back from a copy, or remove the directory "
            "to repeat the run"
        )
    return run


def collect(study: Study, trials: Sequence[Trial], root: pathlib.Path) -> Record:
    """Returns the record of a study, with the runs that are finished.

    Args:
        study: The study.
        trials: Its trials.
        root: Its directory.

    Raises:
        StudyError: A finished run is damaged.
    """
    searches = {
        trial.directory: read_finished(root / trial.directory)
        for trial in trials
        if (root / trial.directory / GENOTYPE).is_file()
    }
    found = {
        (method, trial.config.seed): (trial.directory, cell)
        for trial in trials
        if trial.directory in searches
        for method, cell in cells_of(searches[trial.directory], trial.methods).items()
    }
    names = {training_directory(cell.genotype) for _, cell in found.values()}
    trainings = {
        name: read_finished(root / name)
        for name in sorted(names)
        if (root / name / RESULT).is_file()
    }
    seeds = [(method.name, seed) for method in study.methods for seed in study.seeds]
    results = [
        MethodResult(*key, search, cell.stage, cell.probability, training_directory(cell.genotype))
        for key in seeds
        if key in found
        for search, cell in [found[key]]
        if training_directory(cell.genotype) in trainings
    ]
    runs = {**searches, **trainings}
    return Record(
        dataset=study.dataset,
        methods=tuple(method.name for method in study.methods),
        seeds=study.seeds,
        settings={
            "searches": {stem(name): _without(c, "seed") for name, c in study.searches.items()},
            "training": _without(study.training, "genotype"),
        },
        data=_data(root, runs),
        searches={name: _search(run) for name, run in searches.items()},
        trainings={name: _training(run) for name, run in trainings.items()},
        results=results,
        times={name: {"seconds": run.seconds} for name, run in runs.items()},
    )


def _without(config: Settings, name: str) -> dict[str, Any]:
    values = json.loads(config.to_json())
    del values[name]
    return dict(values)


def _data(root: pathlib.Path, runs: Mapping[str, Run]) -> dict[str, Any]:
    """Returns the description of the data that the first run has stored."""
    for name in runs:
        return dict(json.loads((root / name / CONFIG).read_text("utf-8"))["data"])
    return {}


def _search(run: Run) -> FinishedSearch:
    config = run.settings
    stages = []
    for stage in config.stages:
        record = run.records[stage.index + 1, config.epochs]
        stages.append(
            FinishedStage(
                stage.num_layers,
                stage.num_candidates,
                record.get("valid_accuracy"),
                record.get("valid_loss"),
                record["entropy_normal"],
                record["entropy_reduce"],
                int(record["skip_connects"]),
            )
        )
    return FinishedSearch(run.name.rpartition("_seed")[0], config.seed, tuple(stages))


def _training(run: Run) -> TrainedCell:
    try:
        result = json.loads((run.path / RESULT).read_text("utf-8"))
        best, last = (
            Scores(**{field.name: result[key][field.name] for field in fields(Scores)})
            for key in ("best", "last")
        )
        genotype = Genotype.parse(run.settings.genotype)
        return TrainedCell(genotype, result["parameters"], result["macs"], best, last)
    except (OSError, LookupError, TypeError, ValueError) as error:
        raise StudyError(
            f"{run.path / RESULT} is damaged ({type(error).__name__}: {error}); bring it back from "
            "a copy, or remove the directory to repeat the training"
        ) from error
