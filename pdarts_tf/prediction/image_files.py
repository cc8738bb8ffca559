"""The image files that a command line names: files as they are, folders with what is in them."""

import os
import pathlib
from collections.abc import Sequence
from dataclasses import dataclass

from pdarts_tf.data.folder_layout import is_hidden
from pdarts_tf.data.image_header import SUFFIXES
from pdarts_tf.errors import InputError, printable

MOST_BYTES = 256 * 2**20
"""Larger files are no images."""


@dataclass(frozen=True)
class ImageFiles:
    """Files to classify.

    Args:
        paths: Their paths, folder by folder in alphabetical order.
        ignored: Number of files in folders that are no images by their names.
    """

    paths: tuple[str, ...]
    ignored: int


def find_images(named: Sequence[str]) -> ImageFiles:
    """Finds the image files that paths stand for.

    Args:
        named: Paths of files, whatever their names, and of folders, of which images in folders
            below are taken too, but no hidden files.

    Raises:
        InputError: A path does not exist, or a folder has no image.
    """
    paths: list[str] = []
    ignored = 0
    for name in named:
        if not os.path.isdir(name):
            paths.append(name)
            continue
        inside = list(_files(name))
        images = [path for path in inside if path.lower().endswith(SUFFIXES)]
        if not images:
            raise InputError(
                f"expected images ({', '.join(SUFFIXES)}) in the folder. Received: "
                f"{printable(name)}, which has none"
            )
        paths += images
        ignored += len(inside) - len(images)
    return ImageFiles(tuple(paths), ignored)


def _files(folder: str) -> list[str]:
    found = []
    for directory, folders, names in os.walk(folder):
        folders[:] = sorted(each for each in folders if not is_hidden(each))
        found += [os.path.join(directory, each) for each in sorted(names) if not is_hidden(each)]
    return found


def read_image(path: str) -> bytes:
    """Reads a file without decoding it.

    Raises:
        InputError: The file cannot be read, or is larger than any image; the message is the reason.
    """
    try:
        with pathlib.Path(path).open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise InputError(str(error.strerror)) from error
    if len(content) > MOST_BYTES:
        raise InputError(f"more than {MOST_BYTES // 2**20} MiB, which no image has")
    return content
