"""The state of a run beside its variables, and the checkpoints that keep both."""

import dataclasses
import json
import time
from collections.abc import Mapping
from typing import Any, TypeGuard

import numpy as np

from pdarts_tf.config import CheckpointConfig
from pdarts_tf.config.settings import ConfigError, Settings
from pdarts_tf.errors import quoted
from pdarts_tf.runs import checkpoint
from pdarts_tf.runs.log import logger
from pdarts_tf.runs.run_directory import (
    ALPHAS,
    LAST_WEIGHTS,
    METRICS,
    TIMINGS,
    RunDirectory,
    RunDirectoryError,
)
from pdarts_tf.search_space import SearchSpace
from pdarts_tf.training.epoch_progress import EpochProgress

CHECKPOINTS = "checkpoints"
_SPACES = "spaces"
_RECORDS = (METRICS, TIMINGS, ALPHAS)


@dataclasses.dataclass
class RunState:
    """Progress of a run, and its measurements and search spaces so far.

    Made once per process, from the newest checkpoint or new, and changed only as the run advances.

    Args:
        steps_per_epoch: Steps of each epoch.
        epochs: Number of finished epochs of the whole run.
        progress: How far the next epoch has come.
        records: {name of a file: its record of every finished epoch}.
        spaces: Search space of every stage that has begun; empty for a training.
    """

    steps_per_epoch: int
    epochs: int = 0
    progress: EpochProgress = dataclasses.field(default_factory=EpochProgress)
    records: dict[str, list[dict[str, Any]]] = dataclasses.field(default_factory=dict)
    spaces: list[SearchSpace] = dataclasses.field(default_factory=list)

    @property
    def step(self) -> int:
        """Number of steps taken, counted over the whole run."""
        return self.epochs * self.steps_per_epoch + self.progress.steps

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """Measurements of every finished epoch."""
        return self.records.get(METRICS, [])

    @property
    def timings(self) -> list[dict[str, Any]]:
        """Times of every finished epoch."""
        return self.records.get(TIMINGS, [])

    @property
    def alphas(self) -> list[dict[str, Any]]:
        """Architecture parameters after every finished epoch of a search."""
        return self.records.get(ALPHAS, [])

    def epoch(self, index: int) -> dict[str, dict[str, Any]]:
        """Returns {name of a file: its record} of one epoch; -1 is the newest."""
        return {name: records[index] for name, records in self.records.items()}

    def finish_epoch(self, records: Mapping[str, dict[str, Any]]) -> None:
        """Advances to the next epoch.

        Args:
            records: {name of a file: record of the epoch}, with the same names in every epoch.
        """
        for name, record in records.items():
            self.records.setdefault(name, []).append(record)
        self.epochs += 1
        self.progress = EpochProgress()

    def to_position(self) -> dict[str, Any]:
        """Returns the state as values for JSON, as checkpoints keep it."""
        content: dict[str, Any] = dict(self.records)
        if self.spaces:
            content[_SPACES] = [space.to_json() for space in self.spaces]
        logs = dict(self.progress.logs)
        return {
            "epochs": self.epochs,
            "progress": vars(self.progress) | {"logs": logs},
            "content": content,
        }

    @classmethod
    def from_position(cls, position: Mapping[str, Any], steps_per_epoch: int) -> "RunState":
        """Restores the state that `to_position` returned.

        Raises:
            ValueError: The position is not one that `to_position` returns.
        """
        epochs, content = position.get("epochs"), position.get("content")
        if not _is_count(epochs) or not isinstance(content, dict):
            raise ValueError("a position without epochs and content")
        records = {name: each for name, each in content.items() if name != _SPACES}
        for name, each in records.items():
            # Their names become those of files.
            if name not in _RECORDS or not _are_records(each) or len(each) != epochs:
                raise ValueError(f"{quoted(name)} is not the records of {epochs} epochs")
        texts = content.get(_SPACES, [])
        if not isinstance(texts, list):
            raise ValueError("search spaces that are no list")
        spaces = [SearchSpace.from_json(text) for text in texts]
        progress = _progress(position.get("progress"), steps_per_epoch)
        return cls(steps_per_epoch, epochs, progress, records, spaces)


def _progress(value: Any, steps_per_epoch: int) -> EpochProgress:
    if not isinstance(value, dict) or set(value) != set(vars(EpochProgress())):
        raise ValueError("a position without progress")
    steps, logs, seconds = value["steps"], value["logs"], value["seconds"]
    means = isinstance(logs, dict) and all(_is_number(each) for each in logs.values())
    if not _is_count(steps) or steps > steps_per_epoch or not means or not _is_number(seconds):
        raise ValueError(f"a progress of {quoted(value)}")
    return EpochProgress(steps, logs, seconds)


def _is_count(value: Any) -> TypeGuard[int]:
    return type(value) is int and value >= 0


def _is_number(value: Any) -> bool:
    return type(value) in (int, float)


def _are_records(value: Any) -> TypeGuard[list[dict[str, Any]]]:
    return isinstance(value, list) and all(isinstance(each, dict) for each in value)


class Checkpoints:
    """The checkpoints of one run.

    Args:
        directory: The open run directory.
        config: Settings of the run, which every checkpoint contains.
        intervals: How many checkpoints are kept, and how often they are due.
    """

    def __init__(
        self, directory: RunDirectory, config: Settings, intervals: CheckpointConfig
    ) -> None:
        self.intervals = intervals
        self.cost = 0.0
        self._writes = directory.writes
        self._path = directory.path / CHECKPOINTS
        self._metrics = directory.path / METRICS
        self._config = config
        self._arrays: dict[str, np.ndarray] | None = None
        self._settings: Any = None

    def load(self, steps_per_epoch: int) -> RunState:
        """Returns the state in the newest checkpoint that is whole, or a new one.

        Args:
            steps_per_epoch: Steps of each epoch.

        Raises:
            CheckpointError: There is none though the run has had some, or it is of another run.
            RunDirectoryError: The directory holds imported weights.
        """

        def use(arrays: checkpoint.Arrays, position: checkpoint.Position) -> RunState:
            state = RunState.from_position(position, steps_per_epoch)
            self._arrays, self._settings = arrays, position.get("config")
            return state

        found = checkpoint.load_newest(self._path, logger().warning, use)
        if found is None:
            self._check_new()
            return RunState(steps_per_epoch)
        if not self._has_these_settings(self._settings):
            raise checkpoint.CheckpointError(
                f"the newest checkpoint in {self._path} is of a run with other settings; put "
                "those of this run back, or start again in another --output_dir"
            )
        return found

    def _has_these_settings(self, settings: Any) -> bool:
        # By `from_dict`, since earlier versions have recorded fewer settings.
        try:
            return type(self._config).from_dict(settings) == self._config
        except (ConfigError, TypeError):
            return False

    def take_arrays(self) -> dict[str, np.ndarray] | None:
        """Returns the variables of the checkpoint that was loaded, by name, and lets go of them.

        The first call after `load` returns them; later ones, and those of a new run, return None.
        """
        arrays, self._arrays = self._arrays, None
        return arrays

    def _check_new(self) -> None:
        if (self._path.parent / LAST_WEIGHTS).is_file() and not self._metrics.is_file():
            raise RunDirectoryError(
                f"{self._path.parent} holds imported weights, which a training would overwrite; "
                "choose another --output_dir"
            )
        # Measurements are written after the checkpoint that contains them, so that there has been
        # one, though now even its directory is missing.
        if self._metrics.is_file() and self._metrics.stat().st_size:
            raise checkpoint.CheckpointError(
                f"{self._metrics} has measurements, but there is no checkpoint in {self._path}; "
                "bring one back from a copy, or start again in another --output_dir"
            )

    def save(self, state: RunState, variables: Mapping[str, Any]) -> None:
        """Writes a checkpoint: the one place where a run's state goes to the disk.

        Among several workers only the one that owns the directory writes.

        Args:
            state: How far the run has come.
            variables: {name: variable or array}.

        Raises:
            WriteError: It cannot be written; those before it are still there.
        """
        if not self._writes:
            return
        start = time.monotonic()
        settings = json.loads(self._config.to_json())
        position = {"config": settings, **state.to_position()}
        keep = self.intervals.keep_checkpoints
        checkpoint.save(self._path, state.step, variables, position, keep)
        self.cost = time.monotonic() - start
