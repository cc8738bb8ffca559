"""Data sets of TensorFlow Datasets (TFDS), prepared, downloaded, or from archives already there."""

import difflib
import math
import os
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from pdarts_tf.data.contents import Records
from pdarts_tf.data.images import (
    MAX_BYTES_IN_MEMORY,
    AnySplit,
    DataError,
    EncodedSplit,
    Split,
    check_classes,
)
from pdarts_tf.data.record_index import record_index

_READ_BATCH = 1000  # images per step of reading: enough to make the cost per step vanish
_CONNECT_SECONDS = 5
_SERVER_ERROR = 500


def read_tfds(
    name: str,
    data_dir: str | os.PathLike[str] | None,
    image_size: int | None,
    *,
    centre: bool,
    test_splits: Sequence[str] = ("test", "validation"),
) -> tuple[tuple[str, ...], AnySplit, AnySplit | None, str]:
    """The images of a TFDS data set for image classification.

    They are decoded into memory, unless they are too many or random resized crops of them are
    wanted: then they stay in their TFRecord files.

    Args:
        name: its name in TFDS, such as "mnist", "imagenet_resized/32x32" or "svhn_cropped:3.1.0".
        data_dir: as in `sources.load`.
        image_size: height and width that images will have; None leaves them as they are.
        centre: leave the images in their files, and see `EncodedSplit`.
        test_splits: names of the splits to test on; the first that there is counts.

    Returns:
        Class names, training images, test images or None, and the name of the latter's split.

    Raises:
        DataError: if there is no such data set, if its data is neither in `data_dir` nor to be
            downloaded, if it is not one of images and classes, or cannot be read.
    """
    builder = _builder(name, data_dir)
    # The same test as in builder.is_prepared(), which logs a warning if the answer is no.
    if not (builder.data_path / "dataset_info.json").exists():
        _prepare_tfds(builder)
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
        _index(builder, split, keys, shape, centre) if stay else _read(builder, split, keys, shape)
        for split in wanted
    ]
    for split, found in zip(wanted, splits, strict=True):
        if found.labels.min(initial=0) < 0:
            raise DataError(f"dataset {name!r} has no labels in its split {split!r}")
    test = splits[1] if tested_on is not None else None
    return class_names, splits[0], test, tested_on or ""


def _builder(name: str, data_dir: str | os.PathLike[str] | None) -> Any:
    import tensorflow_datasets as tfds

    try:
        # TFDS would take the ~ of a home directory for a name.
        return tfds.builder(name, data_dir=data_dir and os.path.expanduser(data_dir))
    except tfds.core.registered.DatasetNotFoundError as error:
        known = tfds.list_builders(with_community_datasets=False)
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise DataError(
            f"dataset {name!r} is neither known to TFDS nor prepared in --data_dir{hint}"
        ) from error
    except (ValueError, RuntimeError, AssertionError) as error:  # an unknown config or version
        raise DataError(f"dataset {name!r} cannot be had from TFDS ({_one_line(error)})") from error


def _keys(builder: Any) -> tuple[str, str]:
    """The names of the features that are the image and its class."""
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
        raise DataError(f"dataset {builder.name!r} has images of several sizes; set --image_size")
    return height, width, channels


def _read(builder: Any, split: str, keys: tuple[str, str], shape: tuple[int, int, int]) -> Split:
    """All images of a split of a prepared TFDS data set, always in the same order."""
    import tensorflow as tf
    import tensorflow_datasets as tfds

    from pdarts_tf.data import windows

    def pair(example: dict[str, Any]) -> tuple[Any, Any]:
        image = windows.resize(example[keys[0]], shape[:2])
        return tf.ensure_shape(image, shape), example[keys[1]]

    images, labels = [], []
    try:
        examples = builder.as_dataset(
            split=split,
            shuffle_files=False,
            read_config=tfds.ReadConfig(try_autocache=False),  # it is read only once
        )
        pairs = examples.map(pair, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
        for image_batch, label_batch in pairs.batch(_READ_BATCH).as_numpy_iterator():
            images.append(image_batch)
            labels.append(label_batch)
    except tf.errors.OpError as error:
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
) -> EncodedSplit:
    """The images of a split of a prepared TFDS data set, left in their TFRecord files."""
    import tensorflow as tf

    info = builder.info
    if info.file_format.value != "tfrecord":
        raise DataError(
            f"dataset {builder.name!r} must be prepared as tfrecord, since its images do not fit "
            f"into memory. Received: {info.file_format.value}; prepare it in another --data_dir"
        )
    files = [str(path) for path in info.splits[split].filepaths]
    try:
        file, offset, length, labels = record_index(
            files, keys[1], builder.data_path / f"pdarts_tf_{split}.npz"
        )
    except (OSError, tf.errors.OpError) as error:
        raise _unreadable(builder, error) from error
    contents = Records(files, keys[0], file, offset, length)
    return EncodedSplit(contents, labels, shape, centre)


def _unreadable(builder: Any, error: Exception) -> DataError:
    return DataError(
        f"dataset {builder.name!r} has files in {builder.data_path} that cannot be read "
        f"({_one_line(error)}): remove that directory and have it prepared again"
    )


def _prepare_tfds(builder: Any) -> None:
    """Downloads a TFDS data set, unless its archive is there, and converts it to TFDS' format."""
    from tensorflow_datasets.core.download import DownloadError, download_manager

    downloads = pathlib.Path(builder.data_dir_root) / "downloads"
    try:
        if builder.data_path.exists():
            raise FileNotFoundError("its dataset_info.json is missing, remove what is left of it")
        _check_manual(builder, downloads / "manual")
        if not _has_archive(builder, downloads):
            _check_reachable(builder)
        builder.download_and_prepare(download_dir=downloads)
    except (
        OSError,
        AssertionError,  # TFDS misses a file that it cannot download itself
        ImportError,  # of a package that this data set alone needs
        DownloadError,
        download_manager.NonMatchingChecksumError,
    ) as error:
        urls = builder.url_infos or {}
        archives = ", ".join(info.filename for info in urls.values() if info.filename)
        raise DataError(
            f"dataset {builder.name!r} is not prepared in {builder.data_path} and cannot be "
            f"downloaded ({_one_line(error)}): set data_dir to a TFDS directory that holds "
            f"{builder.info.full_name}, or put {archives or 'its archive'} into "
            f"{downloads / 'manual'}"
        ) from error


def _check_manual(builder: Any, directory: pathlib.Path) -> None:
    """Sees to it that files which people have to download themselves are there.

    Raises:
        DataError: none is.
    """
    instructions = builder.MANUAL_DOWNLOAD_INSTRUCTIONS
    if instructions and not (directory.is_dir() and any(directory.iterdir())):
        raise DataError(
            f"dataset {builder.name!r} has to be downloaded by hand into {directory}: "
            f"{' '.join(instructions.split())}"
        )


def _has_archive(builder: Any, downloads: pathlib.Path) -> bool:
    """Whether any archive of a TFDS data set was downloaded before, by TFDS or by hand."""
    from tensorflow_datasets.core.download import resource

    candidates = []
    for url, info in (builder.url_infos or {}).items():
        cached = resource.get_dl_fname(url, info.checksum)
        candidates += [downloads / builder.name / cached, downloads / cached]
        if info.filename:
            candidates.append(downloads / "manual" / info.filename)
    return any(path.exists() for path in candidates)


def _check_reachable(builder: Any) -> None:
    """Asks once for the head of the data set's first URL.

    Without a network TFDS itself gives up only after ten attempts, more than three minutes, or
    never if a firewall drops its packets.

    Raises:
        ConnectionError: if there is no answer, or only that the server is out of order.
    """
    import requests  # what TFDS downloads with, so it sees the same proxies and certificates

    url = next((url for url in builder.url_infos or {} if url.startswith("http")), None)
    if url is None:
        return
    try:
        answer = requests.head(url, timeout=_CONNECT_SECONDS, allow_redirects=True)
    except requests.RequestException as error:
        raise ConnectionError(f"no answer from {url}, {type(error).__name__}") from error
    if answer.status_code >= _SERVER_ERROR:
        raise ConnectionError(f"{url} answers with status {answer.status_code}")


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
