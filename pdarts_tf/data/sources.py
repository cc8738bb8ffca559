"""Data sets by name.

TensorFlow, TensorFlow Datasets (TFDS) and scikit-learn are imported where they are needed, since
each takes seconds to import.
"""

import difflib
import os
import pathlib
import re
from collections.abc import Callable, Mapping
from typing import Any

from pdarts_tf.data.assembling import (
    Published,
    as_they_are,
    assembled,
    in_memory_if_they_fit,
    resized_if_asked,
)
from pdarts_tf.data.cifar_archives import find_archive, read_archive
from pdarts_tf.data.digits_source import read_digits
from pdarts_tf.data.folder_source import read_folder
from pdarts_tf.data.image_header import MAX_MEGAPIXELS
from pdarts_tf.data.images import (
    TEST_NAMES,
    AnySplit,
    DataError,
    ImageData,
    Split,
)
from pdarts_tf.data.splitting import split_in_two
from pdarts_tf.data.tfds_source import note_unused_splits, read_tfds

__all__ = [
    "DataError",
    "ImageData",
    "Split",
    "check_name",
    "dataset_names",
    "load",
    "load_for",
    "split_in_two",
]

UNMEASURED: Mapping[str, Any] = {"mean": [], "std": []}
"""Instead of a stored description: images are neither measured nor checked."""
_TFDS_NAME = re.compile(r"[A-Za-z]\w*(/[\w.-]+)?(:[\w.*]+)?")

_Found = tuple[tuple[str, ...], AnySplit, AnySplit | None, str]
_InMemory = tuple[tuple[str, ...], Split, Split]
"""Class names, training and test images."""

_PUBLISHED: Mapping[str, Published] = {
    "cifar10": Published(
        mean=(0.49139968, 0.48215827, 0.44653124), std=(0.24703233, 0.24348505, 0.26158768)
    ),
    "cifar100": Published(mean=(0.5071, 0.4867, 0.4408), std=(0.2675, 0.2565, 0.2761)),
    # The test split of TFDS has no labels.
    "imagenet2012": Published(
        mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225), test_splits=("validation",)
    ),
}
_ARCHIVED = ("cifar10", "cifar100")


def load_for(
    config: Any,
    data_dir: str | os.PathLike[str] | None,
    stored: Mapping[str, Any] | None = None,
    max_megapixels: float = MAX_MEGAPIXELS,
) -> ImageData:
    """Loads the data set of a run.

    Args:
        config: A `SearchConfig` or `TrainConfig`.
        data_dir: See `load`.
        stored: See `load`.
        max_megapixels: See `load`.

    Raises:
        DataError: See `load`.
    """
    return load(
        config.dataset,
        data_dir,
        image_size=config.image_size,
        resized_crop=config.augmentation == "resized_crop",
        images_per_class=config.train_images_per_class,
        seed=config.seed,
        stored=stored,
        max_megapixels=max_megapixels,
    )


def load(
    name: str,
    data_dir: str | os.PathLike[str] | None = None,
    *,
    image_size: int | None = None,
    resized_crop: bool = False,
    images_per_class: int | None = None,
    seed: int = 0,
    stored: Mapping[str, Any] | None = None,
    max_megapixels: float = MAX_MEGAPIXELS,
) -> ImageData:
    """Loads a data set.

    Args:
        name: One of `dataset_names()`, or the name of a TFDS data set for image classification.
        data_dir: For `folder`, the directory of the images. Otherwise the directory in which TFDS
            keeps its data sets, by default `~/tensorflow_datasets`; data sets that are not there
            are downloaded to it and prepared. CIFAR's archives are found there too. `digits`
            ignores it.
        image_size: Height and width to resize images to; None keeps their size.
        resized_crop: Leave images encoded, so that training can crop them before they are resized;
            test images then show the centre. The digits and archives, which are not encoded, stay
            in memory.
        images_per_class: Number of training images per class to use, drawn by `seed`.
        seed: Random seed of the draw.
        stored: Description of the data of a run that is resumed or tested. Its mean and deviation
            are used, and images are not measured or checked again. `UNMEASURED` to see how many
            images there are.
        max_megapixels: Millions of pixels that an image may have, before it is resized.

    Raises:
        DataError: If the name is unknown; if the data is missing and cannot be downloaded, or
            cannot be used; or if it is not the data of the run.

    Example:

    >>> data = load("digits")
    >>> data.image_shape, data.num_classes, data.train.num_images
    ((8, 8, 1), 10, 1433)
    """
    check_name(name)
    class_names, train, test, tested_on, notes = _read(
        name, data_dir, image_size, resized_crop, max_megapixels
    )
    # Data sets in Python have one container only, and keep the order that results are given for.
    decode = as_they_are if resized_crop or name in FUNCTIONS else in_memory_if_they_fit
    return assembled(
        name,
        class_names,
        train,
        test,
        tested_on,
        notes=notes,
        published=_PUBLISHED.get(name),
        decode=decode,
        images_per_class=images_per_class,
        seed=seed,
        stored=stored,
    )


def check_name(name: str) -> None:
    """Checks that a name may be that of a data set.

    Whether TFDS knows it turns out when it is loaded, since asking takes seconds.

    Raises:
        DataError: If it cannot be.
    """
    if name in dataset_names() or _TFDS_NAME.fullmatch(name):
        return
    close = difflib.get_close_matches(name, dataset_names(), n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    raise DataError(
        f"--dataset must be one of {', '.join(dataset_names())}, or a name in TFDS. "
        f"Received: {name!r}{hint}"
    )


def dataset_names() -> tuple[str, ...]:
    """Returns the names that `load` handles in a special way, in alphabetical order."""
    return tuple(sorted({*_PUBLISHED, *FUNCTIONS, "folder"}))


def _read(
    name: str,
    data_dir: str | os.PathLike[str] | None,
    image_size: int | None,
    resized_crop: bool,
    max_megapixels: float,
) -> tuple[tuple[str, ...], AnySplit, AnySplit | None, str, tuple[str, ...]]:
    """Returns class names, training images, test images or None, their origin, and notes."""
    if name == "folder":
        return read_folder(data_dir, image_size, resized_crop, max_megapixels)
    if name in FUNCTIONS:
        return *_resized(FUNCTIONS[name](data_dir), image_size), ()
    archive = _archive(name, data_dir)
    if archive is not None:
        return *_resized(read_archive(name, archive), image_size), ()
    splits = _PUBLISHED[name].test_splits if name in _PUBLISHED else TEST_NAMES
    found = read_tfds(
        name,
        data_dir,
        image_size,
        centre=resized_crop,
        test_splits=splits,
        max_megapixels=max_megapixels,
    )
    *_, tested_on = found
    return *found, note_unused_splits(name, data_dir, tested_on)


def _archive(name: str, data_dir: str | os.PathLike[str] | None) -> pathlib.Path | None:
    """Returns the archive of the authors that a data set is read from, or None."""
    archive = find_archive(name, data_dir) if name in _ARCHIVED else None
    prepared = pathlib.Path(data_dir or "").expanduser() / name
    return None if prepared.is_dir() else archive


def _resized(found: _InMemory, image_size: int | None) -> _Found:
    """Resizes images in memory, and adds "test", the name of their test split."""
    class_names, train, test = found
    train, test = resized_if_asked([train, test], image_size)
    return class_names, train, test, "test"


FUNCTIONS: dict[str, Callable[[str | os.PathLike[str] | None], _InMemory]] = {
    "digits": read_digits,
}
"""Data sets in Python by name: functions of `--data_dir` that return all images in memory."""
