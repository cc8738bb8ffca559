"""Data sets of TensorFlow Datasets (TFDS): found by name, downloaded, or from existing archives."""

import difflib
import os
import pathlib
from typing import Any

from pdarts_tf.data.images import DataError

_CONNECT_SECONDS = 5
_SERVER_ERROR = 500


def find_builder(name: str, data_dir: str | os.PathLike[str] | None) -> Any:
    """Returns the builder of a TFDS data set, whether or not it has been prepared.

    Args:
        name: Name in TFDS, such as "mnist" or "svhn_cropped:3.1.0".
        data_dir: Directory in which TFDS keeps its data sets; None for its default.

    Raises:
        DataError: If TFDS does not know it, or cannot load it.
    """
    import tensorflow_datasets as tfds

    try:
        # TFDS would take ~ for the name of a directory.
        return tfds.builder(name, data_dir=data_dir and os.path.expanduser(data_dir))
    except tfds.core.registered.DatasetNotFoundError as error:
        known = tfds.list_builders(with_community_datasets=False)
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise DataError(
            f"dataset {name!r} is neither known to TFDS nor prepared in --data_dir{hint}"
        ) from error
    except (ValueError, RuntimeError, AssertionError) as error:  # an unknown config or version
        raise DataError(f"TFDS cannot load dataset {name!r} ({one_line(error)})") from error


def prepare(builder: Any) -> None:
    """Downloads a TFDS data set, unless its archive exists, and converts it to TFDS' format.

    Raises:
        DataError: If its data is not there and cannot be downloaded.
    """
    from tensorflow_datasets.core.download import DownloadError, download_manager

    downloads = pathlib.Path(builder.data_dir_root) / "downloads"
    try:
        if builder.data_path.exists():
            raise FileNotFoundError("its dataset_info.json is missing, remove that directory")
        _check_manual(builder, downloads / "manual")
        if not _has_archive(builder, downloads):
            _check_reachable(builder)
        builder.download_and_prepare(download_dir=downloads)
    except (
        OSError,
        AssertionError,  # TFDS lacks a file that it cannot download itself
        ImportError,  # of a package that only this data set needs
        DownloadError,
        download_manager.NonMatchingChecksumError,
    ) as error:
        urls = builder.url_infos or {}
        archives = ", ".join(info.filename for info in urls.values() if info.filename)
        raise DataError(
            f"dataset {builder.name!r} is not prepared in {builder.data_path} and cannot be "
            f"downloaded ({one_line(error)}): set --data_dir to a TFDS directory that holds "
            f"{builder.info.full_name}, or put {archives or 'its archive'} into "
            f"{downloads / 'manual'}"
        ) from error


def _check_manual(builder: Any, directory: pathlib.Path) -> None:
    """Checks that there are files if the data set has to be downloaded by hand.

    Raises:
        DataError: If there are none.
    """
    instructions = builder.MANUAL_DOWNLOAD_INSTRUCTIONS
    if instructions and not (directory.is_dir() and any(directory.iterdir())):
        raise DataError(
            f"dataset {builder.name!r} has to be downloaded by hand into {directory}: "
            f"{' '.join(instructions.split())}"
        )


def _has_archive(builder: Any, downloads: pathlib.Path) -> bool:
    """Returns whether any archive of a data set was downloaded before, by TFDS or by hand."""
    from tensorflow_datasets.core.download import resource

    candidates = []
    for url, info in (builder.url_infos or {}).items():
        cached = resource.get_dl_fname(url, info.checksum)
        candidates += [downloads / builder.name / cached, downloads / cached]
        if info.filename:
            candidates.append(downloads / "manual" / info.filename)
    return any(path.exists() for path in candidates)


def _check_reachable(builder: Any) -> None:
    """Sends a single HEAD request to the data set's first URL.

    Without a network, TFDS itself gives up only after ten attempts, more than three minutes, or
    never if a firewall drops its packets.

    Raises:
        ConnectionError: If there is no answer, or only a server error.
    """
    import requests  # TFDS downloads with it, so it uses the same proxies and certificates

    url = next((url for url in builder.url_infos or {} if url.startswith("http")), None)
    if url is None:
        return
    try:
        answer = requests.head(url, timeout=_CONNECT_SECONDS, allow_redirects=True)
    except requests.RequestException as error:
        raise ConnectionError(f"no answer from {url}, {type(error).__name__}") from error
    if answer.status_code >= _SERVER_ERROR:
        raise ConnectionError(f"{url} answers with status {answer.status_code}")


def one_line(error: Exception) -> str:
    """Returns the message of an error on one line, or its type if it has none."""
    return " ".join(str(error).split()) or type(error).__name__
