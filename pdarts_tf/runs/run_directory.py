"""The directory of one run: its settings, what it measured, what it found.

A directory belongs to one live process at a time, by a lock that dies with the process, and to one
configuration for ever.
"""

import contextlib
import fcntl
import json
import os
import pathlib
import re
import types
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import IO, Any, Self, TypeVar

from pdarts_tf.config.data import DataConfig
from pdarts_tf.config.search import SearchConfig
from pdarts_tf.config.settings import ConfigError, Settings, first_difference, shown
from pdarts_tf.config.train import TrainConfig
from pdarts_tf.errors import InputError, quoted
from pdarts_tf.runs.files import WriteError, read_json, remove_unfinished, write_whole, writing
from pdarts_tf.runs.log import LogFile, ending_line, logger
from pdarts_tf.runs.provenance import versions

_Kind = TypeVar("_Kind", bound=Settings)
# Increases when a run of an earlier version can no longer be resumed. Directories without a number
# have 1: no checkpoints inside epochs, times among the measurements.
FORMAT = 2
CONFIG = "config.json"
GENOTYPE = "genotype.json"
GENOTYPES = "genotypes.json"
LOG = "run.log"
METRICS = "metrics.jsonl"
TIMINGS = "timings.jsonl"
ALPHAS = "alphas.jsonl"
DRAWINGS = {"normal": "normal.svg", "reduce": "reduce.svg"}  # by cell
REPORT = "report.html"
TENSORBOARD = "tensorboard"
RESULT = "result.json"
BEST_WEIGHTS = "weights_best.npz"
LAST_WEIGHTS = "weights_last.npz"
WEIGHTS = {"best": BEST_WEIGHTS, "last": LAST_WEIGHTS}
_KINDS: dict[str, type[Settings]] = {"search": SearchConfig, "train": TrainConfig}
_VERSION = re.compile(r"[\w.+-]{1,40}", re.ASCII)


def space_file(stage: int) -> str:
    """Returns the name of the file with the candidates of a stage, counted from 0."""
    return f"search_space_stage{stage + 1}.json"


class RunDirectoryError(InputError):
    """A directory that cannot be used for this run; one line says why and what to do."""


def check(path: str | os.PathLike[str], config: Settings) -> None:
    """Checks that a run with these settings may use a directory, without touching it.

    Raises:
        RunDirectoryError: it holds something else, or a run of another format or other settings.
    """
    path = pathlib.Path(path)
    if path.exists() and not path.is_dir():
        raise RunDirectoryError(f"--output_dir must be a directory. Received: {path}, a file")
    # Hidden files are our lock and unfinished writes: a run may have died before its first file.
    if not path.is_dir() or all(file.name.startswith(".") for file in path.iterdir()):
        return
    if not (path / CONFIG).is_file():
        raise RunDirectoryError(
            f"--output_dir must be new, empty, or a run directory. Received: {path}, which has "
            f"files but no {CONFIG}; choose another one"
        )
    _check_format(path)
    stored = read_settings(path, type(config))
    if difference := first_difference(stored, config):
        name, theirs, mine = difference
        raise RunDirectoryError(
            f"{path} holds another run: its --{name} is {shown(theirs)}, not {shown(mine)}; "
            "choose another --output_dir"
        )


def _check_format(path: pathlib.Path) -> None:
    content = read_config(path)
    found = content.get("format", 1)
    if found != FORMAT:
        known = content.get("versions")
        made = known.get("pdarts-tf") if isinstance(known, dict) else None
        version = made if isinstance(made, str) and _VERSION.fullmatch(made) else "unknown"
        raise RunDirectoryError(
            f"{path} holds a run of another version (pdarts-tf {version}, format {quoted(found)}; "
            f"this version goes on with format {FORMAT} only); finish it with the version that "
            "made it, or choose another --output_dir"
        )


def read_config(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Returns config.json of a run: its settings under "config", its data, versions.

    Raises:
        RunDirectoryError: there is none, or it is not what this program writes.
    """
    file = pathlib.Path(path) / CONFIG
    try:
        content = read_json(file)
    except (OSError, ValueError) as error:
        raise RunDirectoryError(f"expected a run directory. Received: {path} ({error})") from error
    if not isinstance(content, dict) or not isinstance(content.get("config"), dict):
        raise RunDirectoryError(f"expected settings in {file}. Received: {quoted(content)}")
    return content


def command_of(content: Mapping[str, Any]) -> str:
    """Returns the command whose run a config.json describes: "search" or "train"."""
    return "train" if "genotype" in content["config"] else "search"


def stored_data(path: str | os.PathLike[str]) -> dict[str, Any] | None:
    """Returns the description of a run's data, or None if there is no such run yet.

    Raises:
        RunDirectoryError: see `read_config`.
    """
    if not (pathlib.Path(path) / CONFIG).is_file():
        return None
    data = read_config(path).get("data")
    if not isinstance(data, dict) or not all(_is_per_channel(data.get(n)) for n in ("mean", "std")):
        raise RunDirectoryError(
            "expected the data of the run, with its mean and std, in "
            f"{pathlib.Path(path) / CONFIG}. Received: {quoted(data)}"
        )
    return data


def _is_per_channel(value: Any) -> bool:
    return isinstance(value, list) and all(type(each) in (int, float) for each in value)


def recorded_settings(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Returns the settings of the run in a directory as they stand there; none if it is new.

    Raises:
        RunDirectoryError: see `read_config`.
    """
    if not (pathlib.Path(path) / CONFIG).is_file():
        return {}
    settings: dict[str, Any] = read_config(path)["config"]
    return settings


def recorded_batch_size(path: str | os.PathLike[str]) -> int | None:
    """Returns the batch size of the run in a directory, or None if there is no such run yet.

    Raises:
        RunDirectoryError: see `read_config`.
    """
    size = recorded_settings(path).get("batch_size")
    return size if isinstance(size, int) else None


def read_settings(path: str | os.PathLike[str], kind: type[_Kind]) -> _Kind:
    """Returns the settings of a run.

    Args:
        path: the run directory.
        kind: `SearchConfig` or `TrainConfig`.

    Raises:
        RunDirectoryError: the run is of another kind, or of an incompatible version.
    """
    content = read_config(path)
    if kind is not _KINDS[found := command_of(content)]:
        raise RunDirectoryError(
            f"{path} does not hold a {kind.__name__} of this version: it is the directory of a "
            f"{found}; choose another one"
        )
    try:
        return kind.from_dict(content["config"])
    except (ConfigError, TypeError) as error:
        raise RunDirectoryError(
            f"{path} does not hold a {kind.__name__} of this version ({error}); choose another "
            "directory, or continue with the version that made it"
        ) from error


def weights_that_count(config: TrainConfig) -> str:
    """Returns which weights of a training are tested, exported and reported: "best" or "last".

    The best are those of the epoch with the highest validation accuracy. Without validation the
    last count, as in the paper, since only the test split could choose others. So it is in
    trainings of earlier versions, whose best weights are those of the highest test accuracy.

    >>> weights_that_count(TrainConfig()), weights_that_count(TrainConfig(validation_portion=0.0))
    ('best', 'last')
    """
    return "best" if config.validation_portion else "last"


def stored_weights(
    path: str | os.PathLike[str], config: TrainConfig, which: str | None = None
) -> pathlib.Path:
    """Returns the path of weights of a training.

    Args:
        path: the run directory.
        config: its settings.
        which: "best" or "last"; by default those that count.

    Raises:
        RunDirectoryError: there are none yet.
    """
    name = WEIGHTS[which or weights_that_count(config)]
    file = pathlib.Path(path) / name
    if not file.is_file():
        raise RunDirectoryError(
            f"{path} has no {name}; has its training finished an epoch? If it has, the file is "
            "lost: bring it back from a copy, or train again in another --output_dir"
        )
    return file


class RunDirectory:
    """An open run directory.

    Args:
        path: the directory; made if missing.
        config: settings, a dataclass with `to_json`.
        data: Description of the data, for config.json.
        options: How the data was found, for config.json; see `recorded_options`.
        started: How the run is started, for config.json; see `started_record`.

    Raises:
        RunDirectoryError: see `check`; or another process has it open.
        WriteError: its files cannot be written.

    Attributes:
        writes: whether this process writes to it.
    """

    writes = True

    def __init__(
        self,
        path: str | os.PathLike[str],
        config: Settings,
        data: Mapping[str, Any],
        options: Mapping[str, Any] = MappingProxyType({}),
        started: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        check(path, config)
        self.path = pathlib.Path(path)
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunDirectoryError(
                f"--output_dir cannot be made ({error}); choose another one"
            ) from error
        with contextlib.ExitStack() as opened:
            opened.enter_context(self._take_lock())
            remove_unfinished(self.path)
            if not (self.path / CONFIG).is_file():
                self._write_config(config, data, options, started)
            self._log = LogFile(self.path / LOG)
            logger().addHandler(self._log)
            self._opened = opened.pop_all()

    def _write_config(
        self,
        config: Settings,
        data: Mapping[str, Any],
        options: Mapping[str, Any],
        started: Mapping[str, str],
    ) -> None:
        content = {
            "format": FORMAT,
            "config": json.loads(config.to_json()),
            **({"options": dict(options)} if options else {}),
            "data": data,
            "versions": versions(),
            **({"started": dict(started)} if started else {}),
        }
        write_whole(self.path / CONFIG, json.dumps(content, indent=2) + "\n")

    def _take_lock(self) -> IO[str]:
        path = self.path / ".lock"
        with writing(path):
            lock = open(path, "a", encoding="utf-8")  # noqa: SIM115, held while we live
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.close()
            raise RunDirectoryError(
                f"another process is running in {self.path}; wait for it, or choose another "
                "--output_dir"
            ) from error
        return lock

    def close(self) -> None:
        """Releases the directory."""
        logger().removeHandler(self._log)
        self._opened.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: types.TracebackType | None,
    ) -> None:
        try:
            if error is not None:
                with contextlib.suppress(WriteError):  # which may be why the run ends
                    logger().debug(ending_line(error))
        finally:
            self.close()

    def write(self, name: str, data: str | bytes) -> None:
        """Writes a file of the run, whole or not at all."""
        write_whole(self.path / name, data)

    def write_records(self, name: str, records: Iterable[Mapping[str, Any]]) -> None:
        """Writes a file with one JSON object a line."""
        self.write(name, "".join(json.dumps(record) + "\n" for record in records))


def default_path(command: str, config: DataConfig) -> str:
    """Returns the run directory for settings that name none: the same for the same command."""
    # TFDS names may have a configuration and a version: imagenet_resized/32x32:0.1.0.
    dataset = config.dataset.replace("/", "_").replace(":", "_")
    return os.path.join("runs", f"{command}_{dataset}_seed{config.seed}")
