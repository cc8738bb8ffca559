"""Parts of a split, drawn at random by a seed.

The draws are the same with every version of NumPy, which promises that for the raw output of its
bit generators only.
"""

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from pdarts_tf.data.images import AnySplit, DataError, Split

HOLD_OUT_PORTION = 0.1
# Not the seed of the run: a search with one seed and a training with another hold the same images
# out, so that nothing that was searched on is ever tested on.
_HOLD_OUT_SEED = 0


def split_in_two(
    split: AnySplit, portion: float, seed: int | Sequence[int]
) -> tuple[AnySplit, AnySplit]:
    """Divides the images at random: `floor(portion * n)` of them, and the others.

    Within both parts the images keep their order.

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
    order = _random_order(num_images, seed)
    return split.take(np.sort(order[:num_first])), split.take(np.sort(order[num_first:]))


def hold_out(split: AnySplit, class_names: Sequence[str]) -> tuple[AnySplit, AnySplit]:
    """Divides the images of every class at random: for training, and a tenth to test on.

    A class has at least one image in both parts. The same images are held out in every run.

    Raises:
        DataError: if a class has fewer than two images.
    """
    is_test = np.zeros(split.num_images, bool)
    for label, (name, found) in enumerate(_by_class(split, class_names)):
        if len(found) < 2:
            raise DataError(
                f"class {name!r} must have at least 2 images, since without a test split one of "
                f"them is held out. Received: {len(found)}"
            )
        count = max(1, round(HOLD_OUT_PORTION * len(found)))
        is_test[found[_random_order(len(found), (_HOLD_OUT_SEED, label))[:count]]] = True
    return split.take(np.flatnonzero(~is_test)), split.take(np.flatnonzero(is_test))


def sample_classes(split: AnySplit, class_names: Sequence[str], count: int, seed: int) -> AnySplit:
    """So many images of every class, drawn at random; they keep their order.

    Raises:
        DataError: if a class has fewer.
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
    """The images sorted by label, then by a digest of their pixels.

    Whatever container the images came in and however it had shuffled them, the same images give
    the same batches.
    """
    digests = np.array([hashlib.sha256(image.data).digest() for image in split.images], "S32")
    return split.take(np.lexsort((digests, split.labels)))


def _by_class(
    split: AnySplit, class_names: Sequence[str]
) -> list[tuple[str, npt.NDArray[np.intp]]]:
    """The name of every class, and the indices of its images in order."""
    order = np.argsort(split.labels, kind="stable")
    counts = np.bincount(split.labels, minlength=len(class_names))
    found = np.split(order, np.cumsum(counts)[:-1])
    return list(zip(class_names, found, strict=True))


def _random_order(count: int, seed: int | Sequence[int]) -> npt.NDArray[np.intp]:
    keys = np.random.PCG64(np.random.SeedSequence(seed)).random_raw(count)
    return np.argsort(keys, kind="stable")
