"""Data sets by name, as arrays in memory.

TensorFlow, TensorFlow Datasets (TFDS) and scikit-learn are imported where they are needed, since
each takes seconds to import.
"""

import difflib
import os
from collections.abc import Callable, Mapping

import numpy as np

from pdarts_tf.data.images import DataError, ImageData, Split, resized, split_in_two, take
from pdarts_tf.data.tfds_source import load_tfds

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

_DIGITS_TEST_EVERY = 5
_DIGITS_WHITE = 16  # the largest value in scikit-learn's digits

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
    train = take(everything, np.flatnonzero(~is_test))
    pixels = train.images / 255
    return ImageData(
        name="digits",
        class_names=tuple(str(name) for name in digits.target_names),
        train=train,
        test=take(everything, np.flatnonzero(is_test)),
        mean=tuple(pixels.mean((0, 1, 2)).tolist()),
        std=tuple(pixels.std((0, 1, 2)).tolist()),
    )


def _load_cifar10(data_dir: str | os.PathLike[str] | None) -> ImageData:
    return load_tfds(
        "cifar10",
        data_dir,
        mean=(0.49139968, 0.48215827, 0.44653124),
        std=(0.24703233, 0.24348505, 0.26158768),
    )


def _load_cifar100(data_dir: str | os.PathLike[str] | None) -> ImageData:
    return load_tfds(
        "cifar100", data_dir, mean=(0.5071, 0.4867, 0.4408), std=(0.2675, 0.2565, 0.2761)
    )


_LOADERS: Mapping[str, _Loader] = {
    "cifar10": _load_cifar10,
    "cifar100": _load_cifar100,
    "digits": _load_digits,
}
