"""Random parts of a split, as functions of a seed.

The draws are the same in every version of NumPy: they use only the raw output of its bit
generators, for which alone NumPy promises stability.
"""

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from pdarts_tf.data.images import AnySplit, DataError, Split

HOLD_OUT_PORTION = 0.1
# Not the seed of the run: a search with one seed and a training with another hold out the same
# images, so that no image that was searched on is ever tested on.
_HOLD_OUT_SEED = 0
# Goes before the seed of a run, so that the draw is not that of `sample_classes`.
_VALIDATION = 1


def split_in_two(
    split: AnySplit, portion: float, seed: int | Sequence[int]
) -> tuple[AnySplit, AnySplit]:
    """Splits the images at random into `floor(portion * n)` and the others.

    Images keep their order within both parts.

    Args:
        split: The n images.
        portion: Portion of the first part, between 0 and 1.
        seed: One or several integers of at least 0.

    Raises:
        DataError: If either part would be empty.

    Example:

    >>> split = Split(np.zeros((10, 8, 8, 1), np.uint8), np.arange(10))
    >>> [part.num_images for part in split_in_two(split, 0.7, seed=0)]
    [7, 3]
    """
    num_images = split.num_images
    num_first = int(portion * num_images)
    if not 0 < num_first < num_images:
        raise DataError(
            f"portion must leave at least one of the {num_images} images in either part. "
            f"Received: portion={portion}"
        )
    order = _random_order(num_images, seed)
    return split.take(np.sort(order[:num_first])), split.take(np.sort(order[num_first:]))


def hold_out(split: AnySplit, class_names: Sequence[str]) -> tuple[AnySplit, AnySplit]:
    """Holds out a random tenth of the images of every class for testing.

    Every class has at least one image in both parts. The same images are held out in every run.

    Args:
        split: The images.
        class_names: Name of the class of each label.

    Returns:
        The other images, for training, and those held out.

    Raises:
        DataError: If a class has fewer than two images.
    """
    for name, found in _by_class(split, class_names):
        if len(found) < 2:
            raise DataError(
                f"class {name!r} must have at least 2 images, since without a test split one of "
                f"them is held out. Received: {len(found)}"
            )
    return _split_classes(split, class_names, HOLD_OUT_PORTION, (_HOLD_OUT_SEED,))


def hold_out_validation(
    split: AnySplit, class_names: Sequence[str], portion: float, seed: int
) -> tuple[AnySplit, AnySplit]:
    """Holds out a random portion of the training images of every class for validation.

    Every class has at least one image in both parts, except classes without images.

    Args:
        split: The training images.
        class_names: Name of the class of each label.
        portion: Portion to hold out, between 0 and 1.
        seed: Seed of the draw, at least 0.

    Returns:
        The other images, for training, and those held out.

    Raises:
        DataError: If a class has a single image.

    Example:

    >>> split = Split(np.zeros((30, 8, 8, 1), np.uint8), np.repeat([0, 1], [20, 10]))
    >>> _, valid = hold_out_validation(split, ("cat", "dog"), 0.1, seed=0)
    >>> valid.labels.tolist()
    [0, 0, 1]
    """
    for name, found in _by_class(split, class_names):
        if len(found) == 1:
            raise DataError(
                f"class {name!r} must have at least 2 training images, since "
                f"--validation_portion={portion:g} holds at least one of them out. Received: 1; "
                "--validation_portion=0 trains on all images"
            )
    return _split_classes(split, class_names, portion, (_VALIDATION, seed))


def _split_classes(
    split: AnySplit, class_names: Sequence[str], portion: float, seed: Sequence[int]
) -> tuple[AnySplit, AnySplit]:
    """Returns the images without a random portion of each class, and that portion.

    Both have at least one image of every class that has two.
    """
    chosen = np.zeros(split.num_images, bool)
    for label, (_, found) in enumerate(_by_class(split, class_names)):
        count = min(max(1, round(portion * len(found))), len(found) - 1)
        chosen[found[_random_order(len(found), (*seed, label))[: max(0, count)]]] = True
    return split.take(np.flatnonzero(~chosen)), split.take(np.flatnonzero(chosen))


def sample_classes(split: AnySplit, class_names: Sequence[str], count: int, seed: int) -> AnySplit:
    """Draws a number of images of every class at random; they keep their order.

    Raises:
        DataError: If a class has fewer images.
    """
    chosen = []
    for label, (name, found) in enumerate(_by_class(split, class_names)):
        if len(found) < count:
            raise DataError(
                f"--train_images_per_class must be at most {len(found)}, the training images of "
                f"class {name!r}. Received: {count}"
            )
        chosen.append(found[_random_order(len(found), (seed, label))[:count]])
    return split.take(np.sort(np.concatenate(chosen)))


def in_canonical_order(split: Split) -> Split:
    """Sorts the images by label, then by a digest of their pixels.

    The same images thus give the same batches, whatever container they came in and however it
    shuffled them.
    """
    digests = np.array([hashlib.sha256(image.data).digest() for image in split.images], "S32")
    return split.take(np.lexsort((digests, split.labels)))


def _by_class(
    split: AnySplit, class_names: Sequence[str]
) -> list[tuple[str, npt.NDArray[np.intp]]]:
    """Returns the name of every class and the indices of its images, in order."""
    order = np.argsort(split.labels, kind="stable")
    counts = np.bincount(split.labels, minlength=len(class_names))
    found = np.split(order, np.cumsum(counts)[:-1])
    return list(zip(class_names, found, strict=True))


def _random_order(count: int, seed: int | Sequence[int]) -> npt.NDArray[np.intp]:
    keys = np.random.PCG64(np.random.SeedSequence(seed)).random_raw(count)
    return np.argsort(keys, kind="stable")
