"""Folders of images: ROOT/train/<class>/*, and optionally ROOT/test or ROOT/val."""

import os
import pathlib
from collections import Counter
from collections.abc import Sequence

import numpy as np

from pdarts_tf.data.contents import Files
from pdarts_tf.data.image_header import Header, HeaderError, read_header
from pdarts_tf.data.images import DataError, EncodedSplit, check_classes

_TEST_NAMES = ("test", "val")
_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif")


def read_folder(
    data_dir: str | os.PathLike[str] | None, image_size: int | None, centre: bool
) -> tuple[tuple[str, ...], EncodedSplit, EncodedSplit | None, str]:
    """Reads the images of a directory without decoding them.

    Classes are the directories below `train`, in alphabetical order; images are in the order of
    their names. Only the headers of the files are read.

    Args:
        data_dir: The directory.
        image_size: Height and width to resize images to; None keeps their size.
        centre: See `EncodedSplit`.

    Returns:
        Class names, training images, test images or None, and the name of the test directory.

    Raises:
        DataError: If a file or directory cannot be used; the message names it.
    """
    root = _root(data_dir)
    names = _class_names(root, root / "train")
    paths = {"train": _image_paths(root, "train", names)}
    tested_on = next((name for name in _TEST_NAMES if (root / name).is_dir()), None)
    if tested_on is not None:
        _check_same_classes(root, tested_on, names)
        paths[tested_on] = _image_paths(root, tested_on, names)
    headers = {split: _headers(_flat(found)) for split, found in paths.items()}
    everything = [item for found in headers.values() for item in found]
    shape = (*_common_size(everything, image_size), _common_channels(everything))
    splits = {
        split: EncodedSplit(
            Files(np.array([str(path) for path in _flat(found)])),
            np.repeat(np.arange(len(names)), [len(files) for files in found]).astype(np.int64),
            shape,
            centre,
        )
        for split, found in paths.items()
    }
    test = None if tested_on is None else splits[tested_on]
    return names, splits["train"], test, tested_on or ""


def _root(data_dir: str | os.PathLike[str] | None) -> pathlib.Path:
    if data_dir is None:
        raise DataError(
            "--dataset=folder requires --data_dir, a directory with train/<class>/<image>"
        )
    root = pathlib.Path(data_dir).expanduser()
    if not root.is_dir():
        raise DataError(f"--data_dir must be an existing directory. Received: {root}")
    if not (root / "train").is_dir():
        raise DataError(f"--data_dir must have directories train/<class>. Received: {root}")
    return root


def _entries(root: pathlib.Path, directory: pathlib.Path) -> list[os.DirEntry[str]]:
    """Returns the entries of a directory, sorted by name, without hidden files like .DS_Store.

    Raises:
        DataError: If an entry is a symbolic link that leads out of the root.
    """
    _check_inside(root, directory)
    try:
        with os.scandir(directory) as found:
            entries = sorted((e for e in found if not e.name.startswith(".")), key=lambda e: e.name)
    except OSError as error:
        raise DataError(f"{directory} cannot be read ({error.strerror})") from error
    for entry in entries:
        if entry.is_symlink():
            _check_inside(root, pathlib.Path(entry.path))
    return entries


def _check_inside(root: pathlib.Path, path: pathlib.Path) -> None:
    if not path.resolve().is_relative_to(root.resolve()):
        raise DataError(
            f"{path} is a link that leads out of --data_dir, to {path.resolve()}; copy the images, "
            "or set --data_dir to their directory"
        )


def _class_names(root: pathlib.Path, directory: pathlib.Path) -> tuple[str, ...]:
    entries = _entries(root, directory)
    for entry in entries:
        if not entry.is_dir():
            raise DataError(
                f"{directory} must have one directory per class. Received: {entry.path}"
            )
    names = tuple(entry.name for entry in entries)
    check_classes(str(directory), names)
    return names


def _check_same_classes(root: pathlib.Path, split: str, names: Sequence[str]) -> None:
    directory = root / split
    found = {entry.name for entry in _entries(root, directory)}
    for name in sorted(found.symmetric_difference(names)):
        which = "no training images" if name in found else "no directory of test images"
        raise DataError(
            f"{root / 'train'} and {directory} must have the same classes. Received: {name!r}, "
            f"which has {which}"
        )


def _image_paths(root: pathlib.Path, split: str, names: Sequence[str]) -> list[list[pathlib.Path]]:
    """Returns the paths of the images of every class."""
    found = []
    for name in names:
        directory = root / split / name
        paths = [pathlib.Path(entry.path) for entry in _entries(root, directory)]
        for path in paths:
            if path.suffix.lower() not in _SUFFIXES or not path.is_file():
                raise DataError(
                    f"{path} is not one of {', '.join(_SUFFIXES)}; convert or remove it"
                )
        if not paths:
            raise DataError(f"{directory} has no images; add some, or remove that class")
        found.append(paths)
    return found


def _flat(found: list[list[pathlib.Path]]) -> list[pathlib.Path]:
    return [path for paths in found for path in paths]


def _headers(paths: Sequence[pathlib.Path]) -> list[tuple[pathlib.Path, Header]]:
    headers = []
    for path in paths:
        try:
            with path.open("rb") as file:
                headers.append((path, read_header(file)))
        except HeaderError as error:
            raise DataError(f"{path} {error}") from error
        except OSError as error:
            raise DataError(f"{path} cannot be read ({error.strerror})") from error
    return headers


def _common_size(
    found: Sequence[tuple[pathlib.Path, Header]], image_size: int | None
) -> tuple[int, int]:
    """Returns (height, width) of the images, or the size that they are resized to."""
    if image_size is not None:
        return image_size, image_size
    first_path, first = found[0]
    for path, header in found:
        if (header.height, header.width) != (first.height, first.width):
            raise DataError(
                f"images have different sizes: {first_path} has {first.height}x{first.width}, "
                f"{path} has {header.height}x{header.width}; set --image_size"
            )
    return first.height, first.width


def _common_channels(found: Sequence[tuple[pathlib.Path, Header]]) -> int:
    """Returns the number of channels; grey images among coloured ones become coloured."""
    counts = Counter(header.channels for _, header in found)
    if 4 in counts and len(counts) > 1:
        path = next(path for path, header in found if header.channels == 4)
        raise DataError(
            f"images must all have an alpha channel, or none. Received: {counts[4]} of "
            f"{len(found)} with one, such as {path}; convert them"
        )
    return max(counts)
