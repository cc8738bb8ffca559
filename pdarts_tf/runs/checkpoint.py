"""Checkpoint files: all variables of model and optimizers, and the position of the run.

One NumPy archive per checkpoint, whole or absent, with a checksum for every array, read without
unpickling anything. Data and masks need no state: they are functions of seed and step.
"""

import io
import json
import os
import pathlib
import zipfile
import zlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from pdarts_tf.errors import InputError
from pdarts_tf.runs.files import sync_directory, write_whole, writing

if TYPE_CHECKING:
    import keras

_POSITION = "position"
# What zipfile and NumPy raise, depending on which bytes are not those that were written.
_DAMAGES = (
    OSError,
    EOFError,
    KeyError,
    RuntimeError,
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
)


class CheckpointError(InputError):
    """A checkpoint that cannot be read, or is not of this model."""


def variables_of(
    model: "keras.Model", *optimizers: "keras.optimizers.Optimizer"
) -> dict[str, "keras.Variable"]:
    """Returns {name: variable} of everything that changes in training; optimizers are built."""
    named = {f"model/{variable.path}": variable for variable in model.variables}
    for optimizer in optimizers:
        named |= {f"{optimizer.name}/{v.path}": v for v in optimizer.variables}
    if len(named) != len(model.variables) + sum(len(o.variables) for o in optimizers):
        raise CheckpointError("Two variables have the same name, so a checkpoint would lose one.")
    return named


def metrics_of(model: "keras.Model") -> dict[str, "keras.Variable"]:
    """Returns {name: variable} of the sums behind the running means of an epoch."""
    return {
        f"metrics/{metric.name}/{variable.name}": variable
        for metric in model.metrics
        for variable in metric.variables
    }


def archive(variables: Mapping[str, Any], position: Mapping[str, Any]) -> bytes:
    """Returns the bytes of a checkpoint; see `save`."""
    arrays: dict[str, Any] = {name: np.asarray(each) for name, each in variables.items()}
    arrays[_POSITION] = np.array(json.dumps(position))
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def save(
    directory: str | os.PathLike[str],
    index: int,
    variables: Mapping[str, Any],
    position: Mapping[str, Any],
    keep: int,
) -> None:
    """Writes a checkpoint and removes all but the newest ones.

    Args:
        directory: of the checkpoints.
        index: increases from one checkpoint of the run to the next.
        variables: {name: variable or array}, see `variables_of`.
        position: where the run was: an object for JSON.
        keep: how many stay, at least 1.

    Raises:
        WriteError: it cannot be written; those before it are still there.
    """
    folder = pathlib.Path(directory)
    path, data = folder / f"{index:09d}.npz", archive(variables, position)
    if not folder.is_dir():
        _write_first(path, data)
        return
    write_whole(path, data)
    older = sorted(each for each in folder.glob("*.npz") if each < path)
    # A run that is behind one of its checkpoints has found that one damaged.
    newer = [each for each in folder.glob("*.npz") if each > path]
    for old in [*older[: max(len(older) + 1 - keep, 0)], *newer]:
        old.unlink()


def _write_first(path: pathlib.Path, data: bytes) -> None:
    """Makes the directory with its first checkpoint inside: one without any has lost them."""
    directory = path.parent
    temporary = directory.with_name(f".{directory.name}.tmp")
    with writing(temporary):
        temporary.mkdir(exist_ok=True)
    write_whole(temporary / path.name, data)
    with writing(directory):
        os.replace(temporary, directory)
        sync_directory(directory.parent)


def load_newest(
    directory: str | os.PathLike[str], warn: Callable[[str], None]
) -> tuple[dict[str, np.ndarray], dict[str, Any]] | None:
    """Returns (arrays by name, position) of the newest checkpoint that is whole.

    Args:
        directory: of the checkpoints; may be missing.
        warn: is called with one line about each that is damaged.

    Returns:
        None if the directory is missing: there has been no checkpoint yet.

    Raises:
        CheckpointError: there is none left, or all that are left are damaged.
    """
    if not pathlib.Path(directory).is_dir():
        return None
    paths = sorted(pathlib.Path(directory).glob("*.npz"), reverse=True)
    for path in paths:
        try:
            return load(path)
        except CheckpointError as error:
            warn(f"warning: {error}; trying the one before it")
    raise CheckpointError(
        f"none of the {len(paths)} checkpoints in {directory} can be read; bring one back from a "
        "copy, or start again in another --output_dir"
    )


def load(path: str | os.PathLike[str]) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Returns (arrays by name, position) of a checkpoint.

    Raises:
        CheckpointError: it is damaged.
    """
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        return arrays, json.loads(str(arrays.pop(_POSITION)))
    except _DAMAGES as error:
        raise CheckpointError(f"{path} is damaged ({error})") from error


def restore(variables: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
    """Sets variables from a checkpoint.

    Raises:
        CheckpointError: names or shapes are not those of the variables; nothing has been changed.
    """
    odd = sorted(set(variables).symmetric_difference(arrays))
    odd += [n for n in variables if n in arrays and tuple(variables[n].shape) != arrays[n].shape]
    if odd:
        raise CheckpointError(
            f"The checkpoint is not of this model; the first difference: {odd[0]}"
        )
    for name, variable in variables.items():
        variable.assign(arrays[name])
