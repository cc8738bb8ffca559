"""Checkpoint files: all variables of model and optimizers, and the position of the run.

One NumPy archive per checkpoint, whole or absent, with a checksum for every array, read without
unpickling anything. Data and masks need no state: they are functions of seed and step.

Nothing is trusted that lies in the directory of the checkpoints: only files that have the names of
checkpoints are read, written and removed, and whatever is in them is tried before it is used.
"""

import io
import json
import os
import pathlib
import re
import zipfile
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from pdarts_tf.errors import InputError, quoted
from pdarts_tf.runs.files import sync_directory, write_whole, writing

if TYPE_CHECKING:
    import keras

_POSITION = "position"
_NAME = re.compile(r"[0-9]{9,18}\.npz")
Arrays = dict[str, np.ndarray]
Position = dict[str, Any]


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
    older = [each for each in own_files(folder) if _index(each) < index]
    # A run that is behind one of its checkpoints has found that one damaged.
    newer = [each for each in own_files(folder) if _index(each) > index]
    for old in [*older[: max(len(older) + 1 - keep, 0)], *newer]:
        if old.is_file() or old.is_symlink():  # no directory: that is somebody else's
            old.unlink()


def own_files(folder: pathlib.Path) -> list[pathlib.Path]:
    """Returns what has the name of a checkpoint in a directory, in the order of the steps."""
    return sorted((each for each in folder.iterdir() if _NAME.fullmatch(each.name)), key=_index)


def _index(path: pathlib.Path) -> int:
    return int(path.stem)


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
    directory: str | os.PathLike[str],
    warn: Callable[[str], None],
    use: Callable[[Arrays, Position], Any] = lambda arrays, position: (arrays, position),
) -> Any:
    """Returns what the newest checkpoint that is whole gives.

    Args:
        directory: of the checkpoints; may be missing.
        warn: is called with one line about each that is damaged.
        use: function of its arrays by name and its position; it raises a ValueError if they are not
            those of a run. By default it returns both.

    Returns:
        None if the directory is missing: there has been no checkpoint yet.

    Raises:
        CheckpointError: there is none left, or all that are left are damaged.
    """
    folder = pathlib.Path(directory)
    if not folder.is_dir():
        return None
    paths = own_files(folder)[::-1]
    for path in paths:
        try:
            return use(*load(path))
        except CheckpointError as error:
            warn(f"warning: {error}; trying the one before it")
        except ValueError as error:
            warn(f"warning: {path} is damaged ({error}); trying the one before it")
    raise CheckpointError(
        f"none of the {len(paths)} checkpoints in {directory} can be read; bring one back from a "
        "copy, or start again in another --output_dir"
    )


def load(path: str | os.PathLike[str]) -> tuple[Arrays, Position]:
    """Returns (arrays by name, position) of a checkpoint.

    Raises:
        CheckpointError: it is damaged, or something else than a checkpoint.
    """
    try:
        return _load(path)
    except Exception as error:  # zipfile, zlib, NumPy and the parser of its headers raise anything
        reason = " ".join(str(error).split())[:160] or type(error).__name__
        raise CheckpointError(f"{path} is damaged ({reason})") from error


def _load(path: str | os.PathLike[str]) -> tuple[Arrays, Position]:
    if not os.path.isfile(path):  # reading from a pipe could wait for ever
        raise ValueError("not a file" if os.path.lexists(path) else "no such file")
    with zipfile.ZipFile(path) as entries:
        if sum(each.file_size for each in entries.infolist()) > os.path.getsize(path):
            raise ValueError("an archive whose content is larger than itself")
    with np.load(path, allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    position = json.loads(str(arrays.pop(_POSITION)))
    if not isinstance(position, dict):
        raise ValueError(f"a position that is a {type(position).__name__}")
    for name, array in arrays.items():
        if not isinstance(array, np.ndarray) or array.dtype.kind not in "biuf":
            raise ValueError(f"{quoted(name)} is not an array of numbers")
    return arrays, position


def restore(variables: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
    """Sets variables from a checkpoint.

    Raises:
        CheckpointError: names, shapes or kinds of numbers are not those of the variables; nothing
            has been changed.
    """
    odd = sorted(set(variables).symmetric_difference(arrays))
    odd += [n for n in variables if n in arrays and not _fits(variables[n], arrays[n])]
    if odd:
        raise CheckpointError(
            f"The checkpoint is not of this model; the first difference: {quoted(odd[0])[1:-1]}"
        )
    for name, variable in variables.items():
        variable.assign(arrays[name])


def _fits(variable: Any, array: np.ndarray) -> bool:
    kind = {"b": "bool", "i": "int", "u": "int", "f": "float"}.get(array.dtype.kind, "none")
    return tuple(variable.shape) == array.shape and kind in str(variable.dtype)
