"""How a folder of images is laid out: where its classes are, and what of it is not used."""

import codecs
import os
import pathlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from pdarts_tf.data.images import TEST_NAMES, DataError, check_classes
from pdarts_tf.errors import printable

LAYOUT = "train/<class>/<image> or <class>/<image>"
TRAIN_NAMES = ("train", "training")
"""Names of directories of training images, whatever their case."""

# What file managers and archives leave behind, beside hidden files such as .DS_Store.
_JUNK = frozenset(("thumbs.db", "ehthumbs.db", "desktop.ini", "__macosx", "@eadir"))


@dataclass(frozen=True)
class FolderLayout:
    """Directories of a folder of images.

    Args:
        train: Directory with the classes of the training images.
        test: Directory with the same classes of test images, or None.
        class_names: Names of the classes, in alphabetical order.
        unused: Names of the other entries of the folder that are not hidden.
    """

    train: pathlib.Path
    test: pathlib.Path | None
    class_names: tuple[str, ...]
    unused: tuple[str, ...]


def find_layout(root: pathlib.Path) -> FolderLayout:
    """Finds the directories of a folder of images.

    Args:
        root: Either has a directory named as in `TRAIN_NAMES`, and perhaps one as in
            `images.TEST_NAMES`, or the classes themselves.

    Raises:
        DataError: If it has neither, a link leads out of it or nowhere, or there are not at least
            two classes with usable names, the same for training and testing.
    """
    here = _names(root)
    for name in here:
        if name.lower() in (*TRAIN_NAMES, *TEST_NAMES) and (root / name).is_symlink():
            _check_inside(root, root / name)
    directories = [name for name in here if os.path.isdir(root / name)]
    train, test = (_find(directories, names) for names in (TRAIN_NAMES, TEST_NAMES))
    if train is None:
        names = _classes_of_root(root, directories, test)
        unused = tuple(name for name in here if name not in names)
        return FolderLayout(root, None, names, unused)
    names = _class_names(root, root / train)
    if test is not None:
        _check_same_classes(root, root / train, root / test, names)
    unused = tuple(name for name in here if name not in (train, test))
    return FolderLayout(root / train, None if test is None else root / test, names, unused)


def entries(root: pathlib.Path, directory: pathlib.Path) -> list[pathlib.Path]:
    """Returns the entries of a directory, sorted by name, without hidden files and the like.

    Raises:
        DataError: If an entry is a symbolic link that leads out of the root, or nowhere.
    """
    _check_inside(root, directory)
    found = [directory / name for name in _names(directory)]
    for entry in found:
        if entry.is_symlink():
            _check_inside(root, entry)
    return found


def _names(directory: pathlib.Path) -> list[str]:
    """Returns the sorted names in a directory, without hidden files and the like."""
    try:
        names = os.listdir(directory)
    except OSError as error:
        raise DataError(f"{printable(str(directory))} cannot be read ({error.strerror})") from error
    return sorted(name for name in names if not is_hidden(name))


def is_hidden(name: str) -> bool:
    """Returns whether an entry is hidden, or one that file managers and archives leave behind.

    >>> is_hidden(".DS_Store"), is_hidden("Thumbs.db"), is_hidden("cat.jpg")
    (True, True, False)
    """
    return name.startswith(".") or name.lower() in _JUNK


def _find(directories: Sequence[str], names: Sequence[str]) -> str | None:
    """Returns the directory that has the first of some names, whatever its case."""
    ranked = [
        (names.index(each.lower()), each != each.lower(), each)
        for each in directories
        if each.lower() in names
    ]
    return min(ranked)[2] if ranked else None


def _check_inside(root: pathlib.Path, path: pathlib.Path) -> None:
    try:
        target = path.resolve(strict=True)
    except (OSError, RuntimeError) as error:  # the latter for a loop, before Python 3.13
        raise DataError(
            f"{printable(str(path))} is a link that leads nowhere, or to itself; remove it"
        ) from error
    if not target.is_relative_to(root.resolve()):
        raise DataError(
            f"{printable(str(path))} is a link that leads out of --data_dir, to "
            f"{printable(str(target))}; copy the images, or set --data_dir to their directory"
        )


def _class_names(root: pathlib.Path, directory: pathlib.Path) -> tuple[str, ...]:
    found = entries(root, directory)
    for entry in found:
        if not entry.is_dir():
            raise DataError(
                f"{printable(str(directory))} must have one directory per class. "
                f"Received: {printable(str(entry))}"
            )
    return _checked(directory, [entry.name for entry in found])


def _classes_of_root(
    root: pathlib.Path, directories: Sequence[str], test: str | None
) -> tuple[str, ...]:
    """Returns the classes of a folder without a directory of training images."""
    if not directories or test is not None:
        beside = "" if test is None else f", which has {printable(test)} but no train"
        raise DataError(
            f"--data_dir must have {LAYOUT.replace('<image>', '…')}, that is, directories "
            f"train/<class>. Received: {printable(str(root))}{beside}"
        )
    for name in directories:
        _check_inside(root, root / name)
    return _checked(root, directories)


def _checked(directory: pathlib.Path, names: Sequence[str]) -> tuple[str, ...]:
    encoding = sys.getfilesystemencoding()
    if codecs.lookup(encoding).name != "utf-8" and not "".join(names).isascii():
        raise DataError(
            f"{printable(str(directory))} has classes whose names need a locale with UTF-8. "
            f"Received: {encoding}; set LC_ALL=C.UTF-8, or rename them"
        )
    check_classes(printable(str(directory)), names)
    return tuple(names)


def _check_same_classes(
    root: pathlib.Path, train: pathlib.Path, test: pathlib.Path, names: Sequence[str]
) -> None:
    found = {entry.name for entry in entries(root, test)}
    for name in sorted(found.symmetric_difference(names)):
        which = "no training images" if name in found else "no directory of test images"
        raise DataError(
            f"{printable(str(train))} and {printable(str(test))} must have the same classes. "
            f"Received: {printable(repr(name))}, which has {which}"
        )
