"""Folders of images: ROOT/train/<class>/*, and optionally test images, or ROOT/<class>/*."""

import os
import pathlib
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from pdarts_tf.data import folder_summary
from pdarts_tf.data.contents import Files
from pdarts_tf.data.exif import UPRIGHT
from pdarts_tf.data.folder_layout import LAYOUT, FolderLayout, entries, find_layout
from pdarts_tf.data.image_header import (
    MAX_MEGAPIXELS,
    SUFFIXES,
    Header,
    HeaderError,
    read_format,
    read_header,
)
from pdarts_tf.data.images import DataError, EncodedSplit
from pdarts_tf.errors import printable

_NAMED = 5  # entries that are named in a note

_Found = folder_summary.Found


def read_folder(
    data_dir: str | os.PathLike[str] | None,
    image_size: int | None,
    centre: bool,
    max_megapixels: float = MAX_MEGAPIXELS,
) -> tuple[tuple[str, ...], EncodedSplit, EncodedSplit | None, str, tuple[str, ...]]:
    """Reads the images of a directory without decoding them.

    Classes are directories, in alphabetical order; images are in the order of their names. Only the
    headers of the files are read.

    Args:
        data_dir: The directory.
        image_size: Height and width to resize images to; None keeps their size.
        centre: See `EncodedSplit`.
        max_megapixels: See `EncodedSplit`.

    Returns:
        Class names, training images, test images or None, the name of the test directory, and lines
        for people: what was found and what is not used, and a warning of test images that are
        training images too.

    Raises:
        DataError: If a file or directory cannot be used; the message names it.
    """
    root = _root(data_dir)
    layout = find_layout(root)
    directories = [layout.train] if layout.test is None else [layout.train, layout.test]
    paths = [_image_paths(root, directory, layout.class_names) for directory in directories]
    headers = [_headers(_flat(found), max_megapixels) for found in paths]
    everything = [item for found in headers for item in found]
    formats = tuple(sorted({name for _, _, name in everything}))
    shape = (*_common_size(everything, image_size), _common_channels(everything))
    splits = [
        EncodedSplit(
            Files(np.array([str(path) for path, _, _ in found])),
            np.repeat(np.arange(len(of_classes)), [len(files) for files in of_classes]).astype(
                np.int64
            ),
            shape,
            centre,
            max_megapixels,
            _orientations(header for _, header, _ in found),
            formats,
        )
        for of_classes, found in zip(paths, headers, strict=True)
    ]
    notes = _notes(root, layout, paths, everything)
    if layout.test is None:
        return layout.class_names, splits[0], None, "", notes
    return layout.class_names, splits[0], splits[1], layout.test.name, notes


def _notes(
    root: pathlib.Path,
    layout: FolderLayout,
    paths: list[list[list[pathlib.Path]]],
    everything: _Found,
) -> tuple[str, ...]:
    """Returns lines for people, see `read_folder`; `paths` are those by split and class."""
    name = printable(str(root))
    counts = [sum(map(len, of_class)) for of_class in zip(*paths, strict=True)]
    notes = [folder_summary.summary(name, everything, layout.class_names, counts)]
    if layout.unused:
        unused = [printable(each, most=80) for each in layout.unused]
        more = f" and {len(unused) - _NAMED} more" if len(unused) > _NAMED else ""
        notes.append(f"ignored in {name}: {', '.join(unused[:_NAMED])}{more}")
    if layout.test is not None:
        train, test = map(_flat, paths)
        try:
            pairs = folder_summary.duplicates(train, test)
        except OSError as error:
            reason = f"cannot be read ({error.strerror})"
            raise DataError(f"{printable(str(error.filename))} {reason}") from error
        if pairs:
            notes.append(folder_summary.warning_of(pairs, len(test)))
    return tuple(notes)


def _root(data_dir: str | os.PathLike[str] | None) -> pathlib.Path:
    if data_dir is None:
        raise DataError(f"--dataset=folder requires --data_dir, a directory with {LAYOUT}")
    root = pathlib.Path(data_dir).expanduser()
    if not root.is_dir():
        raise DataError(
            f"--data_dir must be an existing directory. Received: {printable(str(root))}"
        )
    return root


def _image_paths(
    root: pathlib.Path, directory: pathlib.Path, names: Sequence[str]
) -> list[list[pathlib.Path]]:
    """Returns the paths of the images of every class."""
    found = []
    for name in names:
        paths = entries(root, directory / name)
        for path in paths:
            if path.suffix.lower() not in SUFFIXES or not path.is_file():
                raise DataError(
                    f"{printable(str(path))} is not one of {', '.join(SUFFIXES)}; convert or "
                    "remove it"
                )
        if not paths:
            raise DataError(
                f"{printable(str(directory / name))} has no images; add some, or remove that class"
            )
        found.append(paths)
    return found


def _flat(found: list[list[pathlib.Path]]) -> list[pathlib.Path]:
    return [path for paths in found for path in paths]


def _headers(
    paths: Sequence[pathlib.Path], max_megapixels: float
) -> list[tuple[pathlib.Path, Header, str]]:
    headers = []
    for path in paths:
        try:
            with path.open("rb") as file:
                header = read_header(file, max_megapixels)
                headers.append((path, header, read_format(file) or ""))
        except HeaderError as error:
            raise DataError(f"{printable(str(path))} {error}") from error
        except OSError as error:
            raise DataError(f"{printable(str(path))} cannot be read ({error.strerror})") from error
    return headers


def _orientations(headers: Iterable[Header]) -> np.ndarray | None:
    """Returns the orientations of images, or None if all are stored upright."""
    found = np.array([header.orientation for header in headers], np.uint8)
    return None if (found == UPRIGHT).all() else found


def _common_size(found: _Found, image_size: int | None) -> tuple[int, int]:
    """Returns (height, width) of the images, or the size that they are resized to."""
    if image_size is not None:
        return image_size, image_size
    first_path, first, _ = found[0]
    for path, header, _ in found:
        if (header.height, header.width) != (first.height, first.width):
            raise DataError(
                f"images have different sizes: {printable(str(first_path))} has "
                f"{first.height}x{first.width}, {printable(str(path))} has "
                f"{header.height}x{header.width}; set --image_size"
            )
    return first.height, first.width


def _common_channels(found: _Found) -> int:
    """Returns the number of channels; grey images among coloured ones become coloured."""
    counts = Counter(header.channels for _, header, _ in found)
    if 4 in counts and len(counts) > 1:
        path = next(path for path, header, _ in found if header.channels == 4)
        raise DataError(
            f"images must all have an alpha channel, or none. Received: {counts[4]} of "
            f"{len(found)} with one, such as {printable(str(path))}; convert them"
        )
    return max(counts)
