"""Handwritten digits that come with scikit-learn: images without a download."""

import os

import numpy as np

from pdarts_tf.data.images import Split

_DIGITS_TEST_EVERY = 5
_DIGITS_WHITE = 16  # the largest value in scikit-learn's digits


def read_digits(data_dir: str | os.PathLike[str] | None) -> tuple[tuple[str, ...], Split, Split]:
    """Returns the handwritten digits of 8x8 grey pixels that come with scikit-learn.

    Every fifth image of each class is a test image: 1,433 images for training, 364 for testing.
    """
    from sklearn.datasets import load_digits

    digits = load_digits()
    images = np.rint(digits.images * (255 / _DIGITS_WHITE)).astype(np.uint8)[..., np.newaxis]
    everything = Split(images, digits.target.astype(np.int64))
    by_class = [np.flatnonzero(everything.labels == label) for label in range(10)]
    is_test = np.zeros(everything.num_images, bool)
    is_test[np.concatenate([found[::_DIGITS_TEST_EVERY] for found in by_class])] = True
    return (
        tuple(str(name) for name in digits.target_names),
        everything.take(np.flatnonzero(~is_test)),
        everything.take(np.flatnonzero(is_test)),
    )
