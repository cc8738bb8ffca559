"""Versions of a model in TensorFlow Serving's layout: MODEL/1, MODEL/2, …

A server loads every directory whose name is a number. Therefore a version is written under another
name and renamed when it is complete: no server sees an incomplete one, even if the process dies.
"""

import contextlib
import dataclasses
import os
import pathlib
import shutil
import tempfile
from collections.abc import Iterator

from pdarts_tf.errors import InputError
from pdarts_tf.exported_models import LARGEST, numbers

_INCOMPLETE = ".incomplete-"
_Path = str | os.PathLike[str]


class VersionError(InputError):
    """Raised if a version cannot be written; the message says why and what to do."""


@dataclasses.dataclass
class NewVersion:
    """A version that is being written.

    Args:
        path: Directory to write it to.
        published: Its directory once it is complete; None before.
    """

    path: pathlib.Path
    published: pathlib.Path | None = None


def next_number(model: _Path) -> int:
    """Returns the version number after the highest existing one; 1 if there is none."""
    return max(numbers(model), default=0) + 1


def check(model: _Path, number: int | None) -> None:
    """Checks that a version can be written.

    Args:
        model: Directory of the model, which need not exist.
        number: Version number, or None for the next one.

    Raises:
        VersionError: If the version exists or is too large, or the directory is a file.
    """
    path = pathlib.Path(model)
    if path.exists() and not path.is_dir():
        raise VersionError(f"--export_dir must be a directory. Received: {path}, a file")
    if number is None and next_number(path) > LARGEST:
        raise VersionError(
            f"{path} has version {LARGEST}, after which a server can load none; choose another "
            "--export_dir"
        )
    if number is not None and number > LARGEST:
        raise VersionError(
            f"--version must be at most {LARGEST}, the largest that a server can load. "
            f"Received: {number}"
        )
    if number is not None and (path / str(number)).exists():
        raise VersionError(
            f"--version={number} exists in {path}, and versions are never overwritten; the next "
            f"free one is {next_number(path)}"
        )


@contextlib.contextmanager
def new_version(model: _Path, number: int | None) -> Iterator[NewVersion]:
    """Creates a directory to write a version to, and renames it to its number at the end.

    Args:
        model: Directory of the model; created if missing.
        number: Version number, or None for the next one.

    Yields:
        A `NewVersion`. Its path is removed if the block raises; if the process dies, it stays
        behind under a name that no server loads.

    Raises:
        VersionError: If the version exists, or nothing can be written there.
    """
    check(model, number)
    directory = pathlib.Path(model)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        path = pathlib.Path(tempfile.mkdtemp(prefix=_INCOMPLETE, dir=directory))
    except OSError as error:
        raise VersionError(f"--export_dir cannot be written ({error})") from error
    try:
        new = NewVersion(path)
        yield new
        path.chmod(0o755)  # mkdtemp lets nobody else in, and a server is somebody else
        _sync(path)
        new.published = _publish(path, directory, number)
    except BaseException:
        shutil.rmtree(path, ignore_errors=True)
        raise


def _publish(path: pathlib.Path, model: pathlib.Path, number: int | None) -> pathlib.Path:
    """Renames a complete version, and returns its path; an existing one makes the rename fail."""
    while True:
        target = model / str(next_number(model) if number is None else number)
        try:
            path.rename(target)
        except OSError as error:
            if not target.exists():
                raise VersionError(f"{target} cannot be written ({error})") from error
            if number is not None:
                check(model, number)
            continue  # another export took the number in the meantime
        _sync_directory(model)
        return target


def _sync(path: pathlib.Path) -> None:
    """Flushes all files of a directory to disk."""
    for directory, _, files in os.walk(path):
        for name in files:
            with open(os.path.join(directory, name), "rb") as file:
                os.fsync(file.fileno())
        _sync_directory(directory)


def _sync_directory(path: _Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
