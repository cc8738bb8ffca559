"""Contents of a run directory, as far as they can be read.

Reports are made of finished runs, of runs in progress, and of the remains of crashes and partial
copies. Missing or damaged parts are therefore left out and noted in `Run.problems`; only the
settings are required.
"""

import json
import os
import pathlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from pdarts_tf.alphas import Alphas
from pdarts_tf.config import SearchConfig, TrainConfig
from pdarts_tf.config.settings import Settings
from pdarts_tf.genotype import Genotype, GenotypeError, genotypes_from_json, load_genotype
from pdarts_tf.runs.options import given_settings, recorded_options
from pdarts_tf.runs.provenance import recorded_start
from pdarts_tf.runs.run_directory import (
    ALPHAS,
    GENOTYPE,
    GENOTYPES,
    METRICS,
    RESULT,
    TIMINGS,
    command_of,
    read_config,
    read_settings,
    space_file,
    weights_that_count,
)
from pdarts_tf.search_space import SearchSpace
from pdarts_tf.train.assessment import Assessment

# Errors that reading JSON of an unexpected shape may raise.
_DAMAGE = (
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)
_SCORES: tuple[str, ...] = ("epoch", "test_loss", "test_accuracy", "test_top5")
_HUGE = 1e30  # beyond it, the limits and ticks of an axis become meaningless

Key = tuple[int, int]
"""(stage, epoch), both counted from 1; a training has one stage."""


@dataclass
class Run:
    """A run directory.

    Args:
        path: Path of the directory.
        command: "search" or "train".
        settings: Settings of the run.
        data: Description of the data; its values are valid or missing.
        versions: Versions of packages by name.
        options: How the data was found, as {name of the flag: value}.
        given: Names of the settings that were given, if the data has chosen the others.
        started: How the run was started; see `provenance.recorded_start`.
        records: Measurements by epoch.
        spaces: Search spaces by stage, counted from 1.
        frames: Architecture parameters by epoch.
        genotypes: All results of a search by name.
        genotype: Result of a search, or the genotype that is trained; None if there is none yet.
        result: Result of a finished training: scores of its "last" weights, and of the "best" if
            they count.
        assessment: What the answers of a finished training are worth on the test images, if it was
            measured.
        problems: What could not be read, one sentence each.
    """

    path: pathlib.Path
    command: str
    settings: Any
    data: dict[str, Any]
    versions: dict[str, str]
    options: dict[str, Any] = field(default_factory=dict)
    given: frozenset[str] = frozenset()
    started: dict[str, str] = field(default_factory=dict)
    records: dict[Key, dict[str, float]] = field(default_factory=dict)
    spaces: dict[int, SearchSpace] = field(default_factory=dict)
    frames: dict[Key, Alphas] = field(default_factory=dict)
    genotypes: dict[str, Genotype] = field(default_factory=dict)
    genotype: Genotype | None = None
    result: dict[str, Any] | None = None
    assessment: Assessment | None = None
    problems: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Last part of the path."""
        return self.path.resolve().name

    @property
    def num_stages(self) -> int:
        """Number of stages of a search; 1 for a training."""
        return len(self.settings.stages) if self.command == "search" else 1

    @property
    def num_epochs(self) -> int:
        """Number of epochs of the whole run."""
        return self.num_stages * int(self.settings.epochs)

    @property
    def finished(self) -> bool:
        """Whether the run has its result."""
        return (self.genotype if self.command == "search" else self.result) is not None

    @property
    def seconds(self) -> float:
        """Total time of all epochs."""
        return sum(record.get("seconds", 0.0) for record in self.records.values())


def read_run(path: str | os.PathLike[str]) -> Run:
    """Reads a run directory.

    Raises:
        RunDirectoryError: If it is not a run directory, or its settings cannot be read.
    """
    content = read_config(path)
    command = command_of(content)
    kind: type[Settings] = TrainConfig if command == "train" else SearchConfig
    run = Run(
        pathlib.Path(path),
        command,
        read_settings(path, kind),
        _data(content.get("data")),
        _texts(content.get("versions")),
        options=recorded_options(content),
        given=given_settings(content) or frozenset(),
        started=recorded_start(content),
    )
    run.records = _records(run)
    if run.command == "search":
        run.spaces = dict(_spaces(run))
        run.frames = dict(_frames(run))
        run.genotypes = _genotypes(run)
    else:
        run.result = _result(run)
        run.assessment = _assessment(run)
    run.genotype = _genotype(run)
    return run


def _data(content: Any) -> dict[str, Any]:
    """Returns the valid values of the data's description."""
    given = content if isinstance(content, dict) else {}
    found: dict[str, Any] = {}
    if isinstance(given.get("name"), str):
        found["name"] = given["name"]
    for name in ("num_train", "num_test"):
        if type(given.get(name)) is int:
            found[name] = given[name]
    if isinstance(given.get("class_names"), list):
        found["class_names"] = [str(each) for each in given["class_names"]]
        found["num_classes"] = len(found["class_names"])
    shape = given.get("image_shape")
    if isinstance(shape, list) and len(shape) == 3 and all(type(n) is int and n > 0 for n in shape):
        found["image_shape"] = shape
    return found


def _texts(content: Any) -> dict[str, str]:
    given = content if isinstance(content, dict) else {}
    return {str(name): str(value) for name, value in given.items()}


def _text(run: Run, name: str) -> str | None:
    """Returns the text of a file, or None if it is missing or unreadable."""
    try:
        return (run.path / name).read_text("utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        run.problems.append(f"{name} cannot be read ({error}).")
        return None


def _objects(run: Run, name: str) -> Iterator[tuple[Key, dict[str, Any]]]:
    """Yields the undamaged objects of a file with one JSON object per line, by epoch."""
    damaged = []
    for number, line in enumerate((_text(run, name) or "").splitlines(), 1):
        try:
            content = json.loads(line)
            key = int(content.get("stage", 1)), int(content["epoch"])
        except _DAMAGE:
            damaged.append(number)
            continue
        if 1 <= key[0] <= run.num_stages and 1 <= key[1] <= run.settings.epochs:
            yield key, content
        else:
            damaged.append(number)
    if damaged:
        lines = ", ".join(map(str, damaged[:5])) + (", …" if len(damaged) > 5 else "")
        run.problems.append(f"{name} is damaged in line {lines}: left out.")


def _records(run: Run) -> dict[Key, dict[str, float]]:
    """Returns the measurements that are finite numbers, and the times of the same epochs."""
    records = {key: _numbers(content) for key, content in _objects(run, METRICS)}
    for key, content in _objects(run, TIMINGS):
        if key in records:
            records[key] |= _numbers(content)
    return records


def _numbers(content: dict[str, Any]) -> dict[str, float]:
    return {name: float(value) for name, value in content.items() if _is_number(value)}


def _is_number(value: Any) -> bool:
    """Returns whether a value is a number as small as measurements are."""
    return type(value) in (int, float) and abs(value) < _HUGE


def _parsed(run: Run, name: str, parse: Callable[[str], Any]) -> Any:
    """Returns the parsed content of a file, or None if it is missing or damaged."""
    text = _text(run, name)
    if text is None:
        return None
    try:
        return parse(text)
    except (ValueError, GenotypeError, RecursionError) as error:
        run.problems.append(f"{name} is damaged ({str(error)[:120]}): left out.")
        return None


def _spaces(run: Run) -> Iterator[tuple[int, SearchSpace]]:
    def parse(text: str) -> SearchSpace:
        space = SearchSpace.from_json(text)
        if space.primitives != run.settings.primitives:
            raise ValueError("its primitives are not those of the settings")
        return space

    for stage in range(1, run.num_stages + 1):
        space = _parsed(run, space_file(stage - 1), parse)
        if space is not None:
            yield stage, space


def _frames(run: Run) -> Iterator[tuple[Key, Alphas]]:
    odd = []
    for key, content in _objects(run, ALPHAS):
        space = run.spaces.get(key[0])
        try:
            if space is None:
                raise ValueError("unknown search space of the stage")
            alphas = Alphas.from_record(space, content)
        except (ValueError, KeyError, TypeError):
            odd.append(f"stage {key[0]} epoch {key[1]}")
            continue
        yield key, alphas
    if odd:
        run.problems.append(
            f"{ALPHAS} does not fit the candidates in {', '.join(odd[:3])}"
            f"{', …' if len(odd) > 3 else ''}: left out."
        )


def _genotypes(run: Run) -> dict[str, Genotype]:
    return _parsed(run, GENOTYPES, genotypes_from_json) or {}


def _genotype(run: Run) -> Genotype | None:
    if run.command == "train":
        return Genotype.parse(run.settings.genotype)
    return _parsed(run, GENOTYPE, lambda _: load_genotype(run.path / GENOTYPE))


def _assessment(run: Run) -> Assessment | None:
    """Returns the assessment in the result; None if there is none, as of earlier versions."""

    def parse(text: str) -> Assessment | None:
        content = json.loads(text)
        if not isinstance(content, dict) or "test" not in content:
            return None
        return Assessment.from_record(content["test"], run.data.get("num_classes", 0))

    return None if run.result is None else _parsed(run, RESULT, parse)


def _result(run: Run) -> dict[str, Any] | None:
    wanted = {"last": _SCORES}
    if weights_that_count(run.settings) == "best":
        wanted["best"] = (*_SCORES, "valid_accuracy")

    def parse(text: str) -> dict[str, Any]:
        content = json.loads(text)
        if not isinstance(content, dict):
            raise ValueError("not an object")
        for name, names in wanted.items():
            scores = content.get(name)
            if not isinstance(scores, dict):
                raise ValueError(f"{name} is missing")
            for score in names:
                if not _is_number(scores.get(score)):
                    raise ValueError(f"{name} has no number for {score}")
        return {name: content[name] for name in wanted}

    return _parsed(run, RESULT, parse)
