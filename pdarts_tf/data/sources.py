"""Data sets as arrays in memory.

`load` gives a data set by name; `split_in_two` divides its training images between the weights and
the architecture parameters. TensorFlow, TensorFlow Datasets (TFDS) and scikit-learn are imported
where they are needed, since each takes seconds to import.
"""

import dataclasses
import difflib
import os
import pathlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pdarts_tf.errors import InputError

__all__ = [
    "DataError",
    "ImageData",
    "Split",
    "check_name",
    "dataset_names",
    "load",
    "resized",
    "split_in_two",
]

_READ_BATCH = 1000  # images per step of reading: enough to make the cost per step vanish
_CONNECT_SECONDS = 5
_SERVER_ERROR = 500
_DIGITS_TEST_EVERY = 5
_DIGITS_WHITE = 16  # the largest value in scikit-learn's digits


class DataError(InputError):
    """Data that cannot be had or used; one line says what was expected, received, and to do."""


@dataclass(frozen=True, eq=False)
class Split:
    """Images with their labels.

    Args:
        images: (n, height, width, channels) uint8.
        labels: (n,) int64.
    """

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]

    @property
    def num_images(self) -> int:
        """The number of images, n."""
        return len(self.images)


@dataclass(frozen=True, eq=False)
class ImageData:
    """A data set for image classification.

    Args:
        name: the name it was loaded by.
        class_names: the class that each label stands for.
        train: the training images.
        test: the test images.
        mean: per channel, the mean of the training images, in units of pixels from 0 to 1.
        std: per channel, their standard deviation, in the same unit.
    """

    name: str
    class_names: tuple[str, ...]
    train: Split
    test: Split
    mean: tuple[float, ...]
    std: tuple[float, ...]

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """The (height, width, channels) of every image."""
        _, height, width, channels = self.train.images.shape
        return height, width, channels

    @property
    def num_classes(self) -> int:
        """The number of classes."""
        return len(self.class_names)

    def description(self) -> dict[str, Any]:
        """What a run has to remember of its data, as values for JSON."""
        return {
            "name": self.name,
            "class_names": list(self.class_names),
            "image_shape": list(self.image_shape),
            "num_train": self.train.num_images,
            "num_test": self.test.num_images,
            "mean": list(self.mean),
            "std": list(self.std),
        }


_Loader = Callable[[str | os.PathLike[str] | None], ImageData]


def load(name: str, data_dir: str | os.PathLike[str] | None = None) -> ImageData:
    """The data set of that name.

    Args:
        name: one of `dataset_names()`.
        data_dir: where TFDS keeps its data sets, by default `~/tensorflow_datasets`. TFDS downloads
            and prepares there what it does not find. `digits` needs no directory and ignores it.

    Raises:
        DataError: if there is no such name, or if its data is neither there nor to be downloaded.
    """
    check_name(name)
    return _LOADERS[name](data_dir)


def check_name(name: str) -> None:
    """Sees to it that there is a data set of that name.

    Raises:
        DataError: if there is none.
    """
    if name not in _LOADERS:
        close = difflib.get_close_matches(name, _LOADERS, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise DataError(
            f"dataset must be one of {', '.join(dataset_names())}. Received: {name!r}{hint}"
        )


def dataset_names() -> tuple[str, ...]:
    """The names that `load` knows, in alphabetical order."""
    return tuple(sorted(_LOADERS))


def resized(data: ImageData, size: int | None) -> ImageData:
    """The data with images of another size.

    Args:
        data: the images as they are.
        size: their new height and width in pixels; None leaves them as they are.
    """
    if size is None or data.image_shape[:2] == (size, size):
        return data
    import tensorflow as tf

    def resize(split: Split) -> Split:
        parts = [
            tf.image.resize(split.images[i : i + _READ_BATCH], (size, size), antialias=True)
            for i in range(0, split.num_images, _READ_BATCH)
        ]
        images = tf.cast(tf.round(tf.concat(parts, 0)), tf.uint8)
        return Split(images.numpy(), split.labels)

    return dataclasses.replace(data, train=resize(data.train), test=resize(data.test))


def split_in_two(split: Split, portion: float, seed: int | Sequence[int]) -> tuple[Split, Split]:
    """Divides the images at random: `floor(portion * n)` of them, and the others.

    Within both parts the images keep their order. The same arguments give the same parts with every
    version of NumPy, which promises that for the raw output of its bit generators only.

    Args:
        split: n images.
        portion: the share of the first part, between 0 and 1.
        seed: one or several integers of at least 0.

    Raises:
        DataError: if either part were empty.
    """
    num_images = split.num_images
    num_first = int(portion * num_images)
    if not 0 < num_first < num_images:
        raise DataError(
            f"portion must leave at least one of the {num_images} images on either side. "
            f"Received: portion={portion}"
        )
    keys = np.random.PCG64(np.random.SeedSequence(seed)).random_raw(num_images)
    order = np.argsort(keys, kind="stable")
    return _take(split, np.sort(order[:num_first])), _take(split, np.sort(order[num_first:]))


def _take(split: Split, indices: npt.NDArray[np.intp]) -> Split:
    return Split(split.images[indices], split.labels[indices])


def _load_digits(data_dir: str | os.PathLike[str] | None) -> ImageData:
    """Handwritten digits of 8x8 grey pixels, which come with scikit-learn.

    Every fifth image of each class is a test image: 1,433 images to train on, 364 to test.
    """
    del data_dir
    from sklearn.datasets import load_digits

    digits = load_digits()
    images = np.rint(digits.images * (255 / _DIGITS_WHITE)).astype(np.uint8)[..., np.newaxis]
    everything = Split(images, digits.target.astype(np.int64))
    by_class = [np.flatnonzero(everything.labels == label) for label in range(10)]
    is_test = np.zeros(everything.num_images, bool)
    is_test[np.concatenate([found[::_DIGITS_TEST_EVERY] for found in by_class])] = True
    train = _take(everything, np.flatnonzero(~is_test))
    pixels = train.images / 255
    return ImageData(
        name="digits",
        class_names=tuple(str(name) for name in digits.target_names),
        train=train,
        test=_take(everything, np.flatnonzero(is_test)),
        mean=tuple(pixels.mean((0, 1, 2)).tolist()),
        std=tuple(pixels.std((0, 1, 2)).tolist()),
    )


def _load_cifar10(data_dir: str | os.PathLike[str] | None) -> ImageData:
    return _load_tfds(
        "cifar10",
        data_dir,
        mean=(0.49139968, 0.48215827, 0.44653124),
        std=(0.24703233, 0.24348505, 0.26158768),
    )


def _load_cifar100(data_dir: str | os.PathLike[str] | None) -> ImageData:
    return _load_tfds(
        "cifar100", data_dir, mean=(0.5071, 0.4867, 0.4408), std=(0.2675, 0.2565, 0.2761)
    )


_LOADERS: Mapping[str, _Loader] = {
    "cifar10": _load_cifar10,
    "cifar100": _load_cifar100,
    "digits": _load_digits,
}


def _load_tfds(
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
        for image_batch, label_batch in pairs.batch(_READ_BATCH).as_numpy_iterator():
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
