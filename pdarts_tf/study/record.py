"""The record of a study, `study.json`: everything that its tables, plots and pages are made of.

It says nothing of where or in how many sittings a study ran, so that one that was killed and
resumed ends with the record of one that was not; times stand apart, in `Record.times`.
"""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pdarts_tf.errors import InputError
from pdarts_tf.genotype import Genotype, GenotypeError

FORMAT = 1


class RecordError(InputError):
    """Raised for text that is not the record of a study; the message says why."""


@dataclass(frozen=True)
class FinishedStage:
    """Supernet of a stage after its last epoch; of a random search, the network of a sample.

    Args:
        layers: Number of cells.
        candidates: Number of candidate operations per edge.
        valid_accuracy, valid_loss: On the images for the alphas; None if it was not validated.
        entropy_normal, entropy_reduce: Entropy of softmax(alpha) in nats, mean over the edges.
        skip_connects: Number of skip-connects in the unrestricted normal cell.
    """

    layers: int
    candidates: int
    valid_accuracy: float | None
    valid_loss: float | None
    entropy_normal: float
    entropy_reduce: float
    skip_connects: int


@dataclass(frozen=True)
class FinishedSearch:
    """A finished search.

    Args:
        recipe: Name of its recipe, such as "pdarts".
        seed: Its seed.
        stages: What its stages ended with.
    """

    recipe: str
    seed: int
    stages: tuple[FinishedStage, ...]


@dataclass(frozen=True)
class Scores:
    """Scores of a network's weights.

    Args:
        epoch: Epoch after which they were measured, from 1.
        valid_accuracy, valid_loss: On the training images that were held out.
        test_accuracy, test_loss: On the test split, which no choice depends on.
    """

    epoch: int
    valid_accuracy: float
    valid_loss: float
    test_accuracy: float
    test_loss: float


@dataclass(frozen=True)
class TrainedCell:
    """A finished training of a genotype.

    Args:
        genotype: The genotype.
        parameters: Number of parameters, without the auxiliary head.
        macs: Number of multiply-accumulates per image.
        best: Scores of the weights with the best validation accuracy.
        last: Scores of the last weights.
    """

    genotype: Genotype
    parameters: int
    macs: int
    best: Scores
    last: Scores


@dataclass(frozen=True)
class MethodResult:
    """The cell that a method has found with a seed, and what has become of it.

    Args:
        method: Name of the method, such as "pdarts" or "pdarts@stage1".
        seed: Seed of the search.
        search: Key of `Record.searches`.
        stage: Stage of the search that the cell was derived from, from 1 (of a random search, the
            best sample).
        probability: Probability of the cell: the geometric mean over its edges, in both cells, of
            softmax(alpha) of the operations chosen; None for a random search.
        training: Key of `Record.trainings`; several results have the same if their cells are equal.
    """

    method: str
    seed: int
    search: str
    stage: int
    probability: float | None
    training: str


@dataclass(frozen=True)
class Record:
    """The record of a study, in which only finished runs appear.

    Args:
        dataset: Name of the data set.
        methods: Names of the methods in the order of the command; the first is the one that others
            are compared with.
        seeds: Seeds of the searches.
        settings: {"searches": {recipe: settings without the seed}, "training": settings without
            the genotype}, by flag.
        data: Description of the data, as in a run's config.json.
        searches: Finished searches by directory, such as "searches/pdarts_seed0".
        trainings: Finished trainings by directory, such as "trainings/0f3a…".
        results: What every method and seed gave, in order of methods, then seeds.
        times: {directory: {"seconds": …}}, the time that all steps of a run have taken.
    """

    dataset: str
    methods: tuple[str, ...]
    seeds: tuple[int, ...]
    settings: Mapping[str, Any]
    data: Mapping[str, Any]
    searches: Mapping[str, FinishedSearch] = field(default_factory=dict)
    trainings: Mapping[str, TrainedCell] = field(default_factory=dict)
    results: Sequence[MethodResult] = ()
    times: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether every method has a result for every seed."""
        return len(self.results) == len(self.methods) * len(self.seeds)

    def to_json(self) -> str:
        """Returns the record as a JSON object."""
        content = {"format": FORMAT, **dataclasses.asdict(self)}
        for key, training in self.trainings.items():
            content["trainings"][key]["genotype"] = json.loads(training.genotype.to_json())
        return json.dumps(content, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "Record":
        """Restores what `to_json` returned.

        Raises:
            RecordError: The text is something else.
        """
        try:
            content = json.loads(text)
            if content.pop("format") != FORMAT:
                raise ValueError(f"its format is not {FORMAT}")
            return cls(
                **content
                | {
                    "methods": tuple(content["methods"]),
                    "seeds": tuple(content["seeds"]),
                    "searches": {k: _search(v) for k, v in content["searches"].items()},
                    "trainings": {k: _training(v) for k, v in content["trainings"].items()},
                    "results": [MethodResult(**each) for each in content["results"]],
                }
            )
        except (AttributeError, LookupError, TypeError, ValueError, GenotypeError) as error:
            raise RecordError(
                f"expected the study.json of a study. Received: {text[:40]!r}… "
                f"({type(error).__name__}: {error})"
            ) from error


def _search(content: Mapping[str, Any]) -> FinishedSearch:
    stages = tuple(FinishedStage(**stage) for stage in content["stages"])
    return FinishedSearch(content["recipe"], content["seed"], stages)


def _training(content: Mapping[str, Any]) -> TrainedCell:
    parsed = {
        "genotype": Genotype.from_json(json.dumps(content["genotype"])),
        "best": Scores(**content["best"]),
        "last": Scores(**content["last"]),
    }
    return TrainedCell(**{**content, **parsed})


def merged(records: Sequence[Record]) -> Record:
    """Returns the record of studies that ran apart, such as seed by seed.

    Args:
        records: Records with the same settings.

    Raises:
        RecordError: Their settings differ.
    """
    first = records[0]
    for other in records[1:]:
        if (other.dataset, other.settings) != (first.dataset, first.settings):
            raise RecordError("expected records of studies with the same settings")
    methods = tuple(dict.fromkeys(name for each in records for name in each.methods))
    found = {(r.method, r.seed): r for each in records for r in each.results}
    seeds = tuple(sorted({seed for each in records for seed in each.seeds}))
    return Record(
        first.dataset,
        methods,
        seeds,
        first.settings,
        first.data,
        {name: search for each in records for name, search in each.searches.items()},
        {name: training for each in records for name, training in each.trainings.items()},
        [found[m, s] for m in methods for s in seeds if (m, s) in found],
        {name: times for each in records for name, times in each.times.items()},
    )
