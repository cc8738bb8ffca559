"""Data sets of TensorFlow Datasets (TFDS), prepared, downloaded, or from archives already there."""

import os
import pathlib
from typing import Any

import numpy as np

from pdarts_tf.data.images import READ_BATCH, DataError, ImageData, Split

_CONNECT_SECONDS = 5
_SERVER_ERROR = 500


def load_tfds(
    name: str,
    data_dir: str | os.PathLike[str] | None,
    mean: tuple[float, ...],
    std: tuple[float, ...],
) -> ImageData:
    """A TFDS data set of images of one size, with the splits `train` and `test`.

    Args:
        name: its name in TFDS.
        data_dir: as in `load`.
        mean: as in `ImageData`.
        std: as in `ImageData`.

    Raises:
        DataError: if the data is neither in `data_dir` nor to be downloaded, or cannot be read.
    """
    import tensorflow_datasets as tfds

    # TFDS would take the ~ of a home directory for a name.
    builder = tfds.builder(name, data_dir=data_dir and os.path.expanduser(data_dir))
    # The same test as in builder.is_prepared(), which logs a warning if the answer is no.
    if not (builder.data_path / "dataset_info.json").exists():
        _prepare_tfds(builder)
    return ImageData(
        name=name,
        class_names=tuple(builder.info.features["label"].names),
        train=_read_tfds(builder, "train"),
        test=_read_tfds(builder, "test"),
        mean=mean,
        std=std,
    )


def _read_tfds(builder: Any, split: str) -> Split:
    """All images of a split of a prepared TFDS data set, always in the same order."""
    import tensorflow as tf
    import tensorflow_datasets as tfds

    images, labels = [], []
    try:
        examples = builder.as_dataset(
            split=split,
            shuffle_files=False,
            read_config=tfds.ReadConfig(try_autocache=False),  # it is read only once
        )
        pairs = examples.map(lambda example: (example["image"], example["label"]))
        for image_batch, label_batch in pairs.batch(READ_BATCH).as_numpy_iterator():
            images.append(image_batch)
            labels.append(label_batch)
    except tf.errors.OpError as error:
        raise DataError(
            f"dataset {builder.name!r} has files in {builder.data_path} that cannot be read "
            f"({_one_line(error)}): remove that directory and have it prepared again"
        ) from error
    return Split(np.concatenate(images), np.concatenate(labels).astype(np.int64))


def _prepare_tfds(builder: Any) -> None:
    """Downloads a TFDS data set, unless its archive is there, and converts it to TFDS' format."""
    from tensorflow_datasets.core.download import DownloadError, download_manager

    downloads = pathlib.Path(builder.data_dir_root) / "downloads"
    try:
        if builder.data_path.exists():
            raise FileNotFoundError("its dataset_info.json is missing, remove what is left of it")
        if not _has_archive(builder, downloads):
            _check_reachable(builder)
        builder.download_and_prepare(download_dir=downloads)
    except (OSError, DownloadError, download_manager.NonMatchingChecksumError) as error:
        urls = builder.url_infos or {}
        archives = ", ".join(info.filename for info in urls.values() if info.filename)
        raise DataError(
            f"dataset {builder.name!r} is not prepared in {builder.data_path} and cannot be "
            f"downloaded ({_one_line(error)}): set data_dir to a TFDS directory that holds "
            f"{builder.info.full_name}, or put {archives or 'its archive'} into "
            f"{downloads / 'manual'}"
        ) from error


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
