"""Versions of a model side by side, in TensorFlow Serving's layout: MODEL/1, MODEL/2, …

A server loads every directory whose name is a number. So a version is written under another name
and renamed when it is complete: whenever the process dies, no server sees half of one.
"""

import contextlib
import dataclasses
import os
import pathlib
import shutil
import tempfile

from pdarts_tf.errors import InputError

_INCOMPLETE = ".incomplete-"


class VersionError(InputError):
    """A version that cannot be written; one line says why and what to do."""


@dataclasses.dataclass
class NewVersion:
    """A version that is being written.

    Args:
        path: where to write it.
        published: where it is, once it is complete.
    """

    path: pathlib.Path
    published: pathlib.Path | None = None


def numbers(model):
    """Returns the versions in a model's directory, in increasing order."""
    path = pathlib.Path(model)
    if not path.is_dir():
        return []
    return sorted(int(each.name) for each in path.iterdir() if each.name.isdecimal())


def next_number(model):
    """Returns the first version number above all that are there."""
    return max(numbers(model), default=0) + 1


def check(model, number):
    """Raises unless a version can be written.

    Args:
        model: the model's directory, which need not exist.
        number: of the version, or None for the next one.

    Raises:
        VersionError: it exists, or the directory is a file.
    """
    path = pathlib.Path(model)
    if path.exists() and not path.is_dir():
        raise VersionError(f"--export_dir must be a directory. Received: {path}, a file")
    if number is not None and (path / str(number)).exists():
        raise VersionError(
            f"--version={number} exists in {path}, and versions are never overwritten; the next "
            f"free one is {next_number(path)}"
        )


@contextlib.contextmanager
def new_version(model, number):
    """Gives a directory to write a version into, which appears under its number at the end.

    Args:
        model: the model's directory; made if missing.
        number: of the version, or None for the next one.

    Yields:
        A `NewVersion`. If the block fails, its path is removed; if the process dies, that stays
        behind under a name that no server loads.

    Raises:
        VersionError: the version exists, or nothing can be written there.
    """
    check(model, number)
    model = pathlib.Path(model)
    try:
        model.mkdir(parents=True, exist_ok=True)
        path = pathlib.Path(tempfile.mkdtemp(prefix=_INCOMPLETE, dir=model))
    except OSError as error:
        raise VersionError(f"--export_dir cannot be written ({error})") from error
    try:
        new = NewVersion(path)
        yield new
        path.chmod(0o755)  # mkdtemp lets nobody else in, and a server is somebody else
        _sync(path)
        new.published = _publish(path, model, number)
    except BaseException:
        shutil.rmtree(path, ignore_errors=True)
        raise


def _publish(path, model, number):
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


def _sync(path):
    """Sees to it that all that is in a directory is on the disk."""
    for directory, _, files in os.walk(path):
        for name in files:
            with open(os.path.join(directory, name), "rb") as file:
                os.fsync(file.fileno())
        _sync_directory(directory)


def _sync_directory(path):
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
