"""Files that are written whole or not at all."""

import contextlib
import errno
import os
import pathlib
import shutil
from collections.abc import Iterator

from pdarts_tf.errors import RunError


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
    """Removes the temporary files below a directory of processes that died in `write_whole`."""
    for path in list(pathlib.Path(directory).rglob(".*.tmp")):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
