"""Images of data sets of TensorFlow Datasets (TFDS), read into memory or left in their files."""

import math
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from pdarts_tf.data.contents import Records
from pdarts_tf.data.exif import UPRIGHT
from pdarts_tf.data.image_header import MAX_MEGAPIXELS
from pdarts_tf.data.images import (
    MAX_BYTES_IN_MEMORY,
    TEST_NAMES,
    AnySplit,
    DataError,
    EncodedSplit,
    Split,
    check_classes,
)
from pdarts_tf.data.record_index import record_index
from pdarts_tf.data.tfds_builder import find_builder, one_line, prepare


def read_tfds(
    name: str,
    data_dir: str | os.PathLike[str] | None,
    image_size: int | None,
    *,
    centre: bool,
    test_splits: Sequence[str] = TEST_NAMES,
    max_megapixels: float = MAX_MEGAPIXELS,
) -> tuple[tuple[str, ...], AnySplit, AnySplit | None, str]:
    """Reads a TFDS data set for image classification.

    Images are decoded into memory, unless they are too large for it or random resized crops are
    used: then they stay in their TFRecord files.

    Args:
        name: Name in TFDS, such as "mnist", "imagenet_resized/32x32" or "svhn_cropped:3.1.0".
        data_dir: See `sources.load`.
        image_size: Height and width to resize images to; None keeps their size.
        centre: Whether to leave the images in their files; see `EncodedSplit`.
        test_splits: Names of splits to test on; the first that exists is used.
        max_megapixels: See `EncodedSplit`.

    Returns:
        Class names, training images, test images or None, and the name of the test split.

    Raises:
        DataError: If there is no such data set, its data is not in `data_dir` and cannot be
            downloaded, it does not consist of images and classes, or it cannot be read.
    """
    builder = find_builder(name, data_dir)
    # The same check as in builder.is_prepared(), which logs a warning if the answer is no.
    if not (builder.data_path / "dataset_info.json").exists():
        prepare(builder)
    keys = _keys(builder)
    class_names = tuple(builder.info.features[keys[1]].names)
    check_classes(f"dataset {name!r}", class_names)
    tested_on = next((split for split in test_splits if split in builder.info.splits), None)
    wanted = [split for split in ("train", tested_on) if split is not None]
    if "train" not in builder.info.splits:
        raise DataError(
            f"dataset {name!r} must have a split named train. "
            f"Received: {', '.join(builder.info.splits)}"
        )
    shape = _image_shape(builder, keys[0], image_size)
    count = sum(builder.info.splits[split].num_examples for split in wanted)
    stay = centre or count * math.prod(shape) > MAX_BYTES_IN_MEMORY
    splits = [
        _index(builder, split, keys, shape, centre, max_megapixels)
        if stay
        else _read(builder, split, keys, shape, max_megapixels)
        for split in wanted
    ]
    for split, found in zip(wanted, splits, strict=True):
        _check_split(builder, split, found.labels, len(class_names))
    test = splits[1] if tested_on is not None else None
    return class_names, splits[0], test, tested_on or ""


def note_unused_splits(
    name: str, data_dir: str | os.PathLike[str] | None, tested_on: str
) -> tuple[str, ...]:
    """Returns a line that names the splits of a prepared data set that `read_tfds` does not use.

    Args:
        name: See `read_tfds`.
        data_dir: See `read_tfds`.
        tested_on: Name of the split that is tested on.
    """
    unused = [
        split
        for split in find_builder(name, data_dir).info.splits
        if split not in ("train", tested_on)
    ]
    return (f"ignored of dataset {name!r}: its splits {', '.join(unused)}",) if unused else ()


def _check_split(builder: Any, split: str, labels: npt.NDArray[np.int64], num_classes: int) -> None:
    """Checks that a split has as many examples as its data set says, all of them with a class."""
    expected = builder.info.splits[split].num_examples
    if len(labels) != expected:
        raise DataError(
            f"dataset {builder.name!r} must have {expected:,} examples in its split {split!r}. "
            f"Received: {len(labels):,}, since files in {builder.data_path} have changed or end "
            "early; remove that directory to have it prepared again"
        )
    if labels.min(initial=0) < 0:
        raise DataError(f"dataset {builder.name!r} has no labels in its split {split!r}")
    if labels.max(initial=0) >= num_classes:
        raise DataError(
            f"dataset {builder.name!r} must have labels from 0 to {num_classes - 1}. "
            f"Received: {labels.max()} in its split {split!r}"
        )


def _keys(builder: Any) -> tuple[str, str]:
    """Returns the names of the features that hold the image and its class."""
    import tensorflow_datasets as tfds

    keys = builder.info.supervised_keys or ("image", "label")
    features = builder.info.features
    kinds = (tfds.features.Image, tfds.features.ClassLabel)
    if len(keys) != len(kinds) or not all(
        key in features and isinstance(features[key], kind)
        for key, kind in zip(keys, kinds, strict=True)
    ):
        raise DataError(
            f"dataset {builder.name!r} must pair an image with a class. Received: the features "
            f"{', '.join(features)}"
        )
    return keys


def _image_shape(builder: Any, key: str, image_size: int | None) -> tuple[int, int, int]:
    feature = builder.info.features[key]
    height, width, channels = feature.shape
    if feature.np_dtype != np.uint8:
        raise DataError(
            f"dataset {builder.name!r} must have 8 bits per channel. Received: {feature.np_dtype}"
        )
    if image_size is not None:
        return image_size, image_size, channels
    if height is None or width is None:
        raise DataError(f"dataset {builder.name!r} has images of different sizes; set --image_size")
    return height, width, channels


def _read(
    builder: Any,
    split: str,
    keys: tuple[str, str],
    shape: tuple[int, int, int],
    max_megapixels: float,
) -> Split:
    """Reads all images of a split of a prepared TFDS data set, always in the same order."""
    import tensorflow as tf
    import tensorflow_datasets as tfds

    from pdarts_tf.data import encoded, windows
    from pdarts_tf.data.decoder import decode
    from pdarts_tf.data.decoding import images_at_once

    def pair(example: dict[str, Any]) -> tuple[Any, Any]:
        image = decode(example[keys[0]], shape[2], max_megapixels=max_megapixels)
        return tf.ensure_shape(windows.resize(image, shape[:2]), shape), example[keys[1]]

    images, labels = [], []
    try:
        examples = builder.as_dataset(
            split=split,
            shuffle_files=False,
            read_config=tfds.ReadConfig(try_autocache=False),  # it is read only once
            decoders={keys[0]: tfds.decode.SkipDecoding()},
        )
        pairs = examples.map(pair, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
        for image_batch, label_batch in pairs.batch(images_at_once(shape)).as_numpy_iterator():
            images.append(image_batch)
            labels.append(label_batch)
    except (tf.errors.ResourceExhaustedError, MemoryError) as error:
        raise DataError(
            f"there is not enough memory for the images of dataset {builder.name!r}; set "
            "--image_size to resize them to less, or free some memory"
        ) from error
    except _damage() as error:
        problem = encoded.problem_of(str(error))
        if problem is not None:
            raise DataError(
                f"an image of dataset {builder.name!r}, split {split!r}, {problem}"
            ) from error
        raise _unreadable(builder, error) from error
    return Split(
        np.concatenate([np.empty((0, *shape), np.uint8), *images]),
        np.concatenate([np.empty(0, np.int64), *labels]),
    )


def _index(
    builder: Any,
    split: str,
    keys: tuple[str, str],
    shape: tuple[int, int, int],
    centre: bool,
    max_megapixels: float,
) -> EncodedSplit:
    """Returns the images of a split of a prepared TFDS data set, left in their TFRecord files."""

    info = builder.info
    if info.file_format.value != "tfrecord":
        raise DataError(
            f"dataset {builder.name!r} must be prepared as tfrecord, since its images do not fit "
            f"into memory. Received: {info.file_format.value}; prepare it in another --data_dir"
        )
    files = [str(path) for path in info.splits[split].filepaths]
    try:
        index = record_index(files, *keys, builder.data_path / f"pdarts_tf_{split}.npz")
    except _damage() as error:
        raise _unreadable(builder, error) from error
    contents = Records(files, keys[0], index.number, index.offset, index.length)
    turned = index.orientations if (index.orientations != UPRIGHT).any() else None
    return EncodedSplit(contents, index.labels, shape, centre, max_megapixels, turned)


def _damage() -> tuple[type[Exception], ...]:
    """Returns the errors by which TensorFlow tells that a file cannot be read, or a record."""
    import tensorflow as tf

    # Its message quotes the record, which need not be text: then making the error fails.
    return tf.errors.OpError, UnicodeDecodeError, OSError


def _unreadable(builder: Any, error: Exception) -> DataError:
    return DataError(
        f"dataset {builder.name!r} has files in {builder.data_path} that cannot be read "
        f"({one_line(error)}): remove that directory to have it prepared again"
    )
