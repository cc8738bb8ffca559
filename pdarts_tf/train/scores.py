"""Scores of a training's weights after every epoch, and which of them are the best.

The test split chooses nothing: an accuracy that has chosen the weights would not estimate how they
do on new images.
"""

import json
import os
import pathlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pdarts_tf.runs import checkpoint
from pdarts_tf.runs.run_directory import BEST_WEIGHTS, LAST_WEIGHTS, RESULT
from pdarts_tf.train.assessment import Assessment
from pdarts_tf.training.supervised import TEST_METRICS, VALIDATION_NAMES


def scores(record: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the epoch of a record, and its means over the validation and the test images.

    >>> record = {"epoch": 2, "loss": 0.5, "test_loss": 0.4, "test_accuracy": 0.9, "test_top5": 1.0}
    >>> scores(record)
    {'epoch': 2, 'test_loss': 0.4, 'test_accuracy': 0.9, 'test_top5': 1.0}
    """
    names = ("epoch", *VALIDATION_NAMES.values(), *TEST_METRICS)
    return {name: record[name] for name in names if name in record}


def is_best(record: Mapping[str, float], earlier: Sequence[Mapping[str, float]]) -> bool:
    """Returns whether weights are better than those of all epochs before.

    Args:
        record: Means after an epoch, with those over the validation images.
        earlier: Records of the epochs before.
    """
    return _merit(record) > max(map(_merit, earlier), default=(0.0, -np.inf))


def best(records: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Returns the record of the best weights; None without validation.

    >>> records = [
    ...     {"epoch": 1, "valid_accuracy": 0.8, "valid_loss": 0.7},
    ...     {"epoch": 2, "valid_accuracy": 0.9, "valid_loss": 0.6},
    ...     {"epoch": 3, "valid_accuracy": 0.9, "valid_loss": 0.5},
    ... ]
    >>> best(records)["epoch"]
    3
    """
    return max(records, key=_merit) if "valid_accuracy" in records[-1] else None


def epochs_since_best(records: Sequence[Mapping[str, Any]]) -> int:
    """Returns the number of epochs since the one with the best weights; 0 before the first.

    >>> records = [
    ...     {"epoch": 1, "valid_accuracy": 0.9, "valid_loss": 0.5},
    ...     {"epoch": 2, "valid_accuracy": 0.8, "valid_loss": 0.4},
    ... ]
    >>> epochs_since_best(records)
    1
    """
    chosen = best(records) if records else None
    return 0 if chosen is None else int(records[-1]["epoch"] - chosen["epoch"])


def _merit(record: Mapping[str, float]) -> tuple[float, float]:
    """Returns the rank of weights: by validation accuracy, then by a lower loss."""
    return record["valid_accuracy"], -record["valid_loss"]


@dataclass(frozen=True)
class TrainingOutcome:
    """Result of a training.

    Args:
        last: `scores` of the last weights.
        best: `scores` of the weights with the best validation accuracy; None without validation.
        parameters: Number of parameters, without the auxiliary head.
        macs: Number of multiply-accumulates per image.
        assessment: What the answers of the weights that count are worth on the test images; None
            without test images.
    """

    last: dict[str, Any]
    best: dict[str, Any] | None
    parameters: int
    macs: int
    assessment: Assessment | None = None

    @property
    def files(self) -> dict[str, str]:
        """The result as a file of the run directory, which says that the run is finished."""
        content = {
            "last": self.last,
            **({} if self.best is None else {"best": self.best}),
            "parameters": self.parameters,
            "macs": self.macs,
            **({} if self.assessment is None else {"test": self.assessment.to_record()}),
        }
        return {RESULT: json.dumps(content, indent=2) + "\n"}


def check_stored_weights(
    path: str | os.PathLike[str], records: Sequence[Mapping[str, Any]]
) -> None:
    """Checks that the weights of finished epochs are there: only their own epoch writes them.

    Args:
        path: Run directory of a training.
        records: Its measurements of every finished epoch.

    Raises:
        CheckpointError: The last or the best weights are lost, damaged or older.
    """
    if not records:
        return
    epochs = {LAST_WEIGHTS: records[-1]["epoch"]}
    if (chosen := best(records)) is not None:
        epochs[BEST_WEIGHTS] = chosen["epoch"]
    for name, epoch in epochs.items():
        file = pathlib.Path(path) / name
        stored = checkpoint.load(file)[1].get("epochs") if file.exists() else None
        # They may be later, since they are written before the checkpoint of their epoch.
        if type(stored) is not int or stored < epoch:
            raise checkpoint.CheckpointError(
                f"{file} of epoch {epoch} is lost; bring it back from a copy, or start again in "
                "another --output_dir"
            )
