"""Files that are written whole or not at all."""

import contextlib
import errno
import json
import os
import pathlib
import re
import shutil
from collections.abc import Iterator
from typing import Any

from pdarts_tf.errors import RunError

MAX_JSON_SIZE = 2**26
"""Limit on the JSON files of a run, in bytes; that of 1,000 epochs of alphas has some 10 MB."""

# What a run writes in its directory: see `run_directory`, `checkpoint` and the workers' meeting.
_UNFINISHED = re.compile(
    r"\.([\w-]+\.(jsonl?|npz|svg|html)|\.meeting|events\.out\.tfevents\..*)\.tmp"
)
_UNFINISHED_FOLDERS = (".checkpoints.tmp",)
_FOLDERS = ("checkpoints", "tensorboard")


class WriteError(RunError):
    """A file that cannot be written, for example because the disk is full."""


@contextlib.contextmanager
def writing(path: str | os.PathLike[str]) -> Iterator[None]:
    """Turns errors of writing a file inside the block into one line that says what to do.

    Raises:
        WriteError: the block has raised an OSError.
    """
    try:
        yield
    except OSError as error:
        raise WriteError(
            f"{path} cannot be written ({error.strerror or error}); when that is mended, for "
            "example by making space, the same command goes on"
        ) from error


def write_whole(path: str | os.PathLike[str], data: str | bytes) -> None:
    """Writes text or bytes to a temporary sibling, and renames it when it is on the disk.

    Raises:
        WriteError: it cannot be written; there is what was there before.
    """
    path = pathlib.Path(path)
    temporary = path.with_name(f".{path.name}.tmp")
    data = data.encode("utf-8") if isinstance(data, str) else data
    with writing(path):
        try:
            with open(temporary, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except OSError:
            temporary.unlink(missing_ok=True)  # a full disk needs the space
            raise
        sync_directory(path.parent)


def sync_directory(path: str | os.PathLike[str]) -> None:
    """Brings the names in a directory to the disk, so that files appear in the order written."""
    directory = os.open(path, os.O_RDONLY)
    try:
        os.fsync(directory)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some network file systems know no such thing
            raise
    finally:
        os.close(directory)


def remove_unfinished(directory: str | os.PathLike[str]) -> None:
    """Removes the temporary files of a run of processes that died in `write_whole`.

    Only names that a run writes itself are removed, where it writes them: not what lies in other
    folders, and nothing that a link leads to.
    """
    for folder in (pathlib.Path(directory), *(pathlib.Path(directory, each) for each in _FOLDERS)):
        for path in list(folder.iterdir()) if folder.is_dir() else ():
            if path.name in _UNFINISHED_FOLDERS and path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            elif _UNFINISHED.fullmatch(path.name) and (path.is_file() or path.is_symlink()):
                path.unlink(missing_ok=True)


def read_json(path: str | os.PathLike[str]) -> Any:
    """Returns the value of a JSON file.

    Raises:
        OSError: It cannot be read.
        ValueError: It is no file, larger than `MAX_JSON_SIZE`, no JSON, or nested too deeply.
    """
    path = pathlib.Path(path)
    if path.exists() and not path.is_file():
        raise ValueError(f"{path} is not a file")
    with open(path, "rb") as file:
        data = file.read(MAX_JSON_SIZE + 1)
    if len(data) > MAX_JSON_SIZE:
        raise ValueError(f"{path} has more than {MAX_JSON_SIZE} bytes")
    try:
        return json.loads(data.decode("utf-8"))
    except RecursionError as error:
        raise ValueError(f"{path} is nested too deeply") from error
