"""Data sets made of the splits that a source has found: held out, decoded, measured, compared."""

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pdarts_tf.data.images import (
    MAX_BYTES_IN_MEMORY,
    AnySplit,
    DataError,
    EncodedSplit,
    ImageData,
    Split,
    check_classes,
)
from pdarts_tf.data.splitting import (
    HOLD_OUT_PORTION,
    hold_out,
    in_canonical_order,
    sample_classes,
)

_Decode = Callable[[list[AnySplit]], list[AnySplit]]


@dataclass(frozen=True)
class Published:
    """Published constants of a data set.

    Args:
        mean: See `ImageData`.
        std: See `ImageData`.
        test_splits: See `read_tfds`.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    test_splits: tuple[str, ...] = ("test",)


def assembled(
    name: str,
    class_names: tuple[str, ...],
    train: AnySplit,
    test: AnySplit | None,
    tested_on: str,
    *,
    notes: tuple[str, ...] = (),
    published: Published | None = None,
    decode: _Decode | None = None,
    images_per_class: int | None = None,
    seed: int = 0,
    stored: Mapping[str, Any] | None = None,
) -> ImageData:
    """Returns a data set of splits that have been found, with its mean and deviation.

    Args:
        name: See `ImageData`.
        class_names: See `ImageData`.
        train: Training images.
        test: Test images; None to hold out a tenth of the training images.
        tested_on: Name of the test split.
        notes: See `ImageData`.
        published: Published mean and deviation, which are not measured then.
        decode: Function that takes splits into memory, if any.
        images_per_class: See `load`.
        seed: See `load`.
        stored: See `load`.

    Raises:
        DataError: See `load`.
    """
    check_classes(f"dataset {name!r}", class_names)
    decode = decode or as_they_are
    if test is None:
        train, test = hold_out(decode([train])[0], class_names)
        tested_on = f"{HOLD_OUT_PORTION:.0%} of the training images of each class, held out"
        notes = (*notes, f"no test images in dataset {name!r}: tested on {tested_on}")
    else:
        train, test = decode([train, test])
        tested_on = f"the {tested_on} split"
    if images_per_class is not None:
        sample = sample_classes(train, class_names, images_per_class, seed)
        train, test = decode([sample, test])  # what was too large before may fit now
    mean, std = _mean_and_std(published, train, test, stored)
    data = ImageData(name, class_names, train, test, mean, std, tested_on, notes)
    if stored is not None:
        _check_same(data, stored)
    return data


def resized_if_asked(splits: Sequence[Split], image_size: int | None) -> list[Split]:
    """Returns splits in memory with their images resized.

    Args:
        splits: The splits, whose images have one shape.
        image_size: New height and width; None keeps them.

    Raises:
        DataError: If they would not fit into memory.
    """
    if image_size is None:
        return list(splits)
    channels = splits[0].image_shape[2]
    num_images = sum(split.num_images for split in splits)
    _check_room(num_images, (image_size, image_size, channels))
    from pdarts_tf.data.decoding import resized

    return [resized(split, (image_size, image_size)) for split in splits]


def _check_room(num_images: int, shape: tuple[int, int, int]) -> None:
    needed = 2 * num_images * math.prod(shape)  # twice, while they are put together
    there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if needed > there:
        raise DataError(
            f"--image_size must be smaller: to resize {num_images:,} images takes "
            f"{needed / 2**30:.1f} GiB, and this machine has {there / 2**30:.1f} GiB. "
            f"Received: {shape[0]}"
        )


def as_they_are(splits: list[AnySplit]) -> list[AnySplit]:
    """Returns the splits."""
    return splits


def in_memory_if_they_fit(splits: list[AnySplit]) -> list[AnySplit]:
    """Returns the images in memory and in canonical order if they fit, else as they are."""
    size = sum(split.num_images * math.prod(split.image_shape) for split in splits)
    if size > MAX_BYTES_IN_MEMORY and any(isinstance(split, EncodedSplit) for split in splits):
        return splits
    from pdarts_tf.data.decoding import in_memory

    return [in_canonical_order(in_memory(split)) for split in splits]


def _mean_and_std(
    published: Published | None,
    train: AnySplit,
    test: AnySplit,
    stored: Mapping[str, Any] | None,
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Returns mean and deviation: those of the run, else published ones, else measured ones.

    Measuring reads every image; this is when damaged images on disk are found.
    """
    if stored is not None:
        return tuple(stored["mean"]), tuple(stored["std"])
    if published is not None:
        return published.mean, published.std
    from pdarts_tf.data.decoding import decoded_batches, statistics

    if isinstance(test, EncodedSplit):
        for _ in decoded_batches(test):
            pass
    return statistics(train)


def _check_same(data: ImageData, stored: Mapping[str, Any]) -> None:
    """Raises DataError unless the data is that of the run."""
    for key, value in data.description().items():
        if value != stored.get(key, value):
            raise DataError(
                f"the data is not that of the run: its {key} is {_short(value)}, not "
                f"{_short(stored[key])}; set --data_dir to the data of the run"
            )


def _short(value: Any) -> str:
    return str(value) if len(str(value)) < 80 else f"{str(value)[:80]}…"
