"""Data sets from Python: arrays, or datasets of images and labels."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from pdarts_tf.data.assembling import assembled, resized_if_asked
from pdarts_tf.data.images import DataError, ImageData, Split

Examples: TypeAlias = Any
"""A pair of arrays (images, labels), or a `tf.data.Dataset` of such pairs."""

_WHITE = 255


def image_data(
    train: Examples,
    test: Examples | None = None,
    *,
    name: str = "arrays",
    class_names: Sequence[str] | None = None,
    image_size: int | None = None,
    images_per_class: int | None = None,
    seed: int = 0,
    stored: Mapping[str, Any] | None = None,
) -> ImageData:
    """Returns a data set of images in memory.

    Args:
        train: Training images, as a pair of images and labels or as a `tf.data.Dataset` of such
            pairs, batched or not, which is read once. Images have the shape (height, width,
            channels), or (height, width) if they are grey, equal for all, and values from 0 to
            255, which are rounded to integers. Labels are integers from 0.
        test: Test images, likewise; by default a tenth of the training images is held out.
        name: Name of the data set in files and on pages.
        class_names: Name of the class of each label; by default its number.
        image_size: Height and width to resize images to; None keeps their size.
        images_per_class: Number of training images per class to use, drawn by `seed`.
        seed: Random seed of the draw.
        stored: Description of the data of a run that is resumed, see `sources.load`.

    Raises:
        DataError: If the images or labels cannot be used.

    Example:

    >>> import numpy as np
    >>> images = np.zeros((40, 8, 8, 1), np.uint8)
    >>> data = image_data((images, np.arange(40) % 4))
    >>> data.image_shape, data.train.num_images, data.test.num_images
    ((8, 8, 1), 36, 4)
    """
    split = _split(train, "train")
    tested = None if test is None else _split(test, "test")
    if tested is not None and tested.num_images and tested.image_shape != split.image_shape:
        raise DataError(
            f"test images must have the shape of the training images, {split.image_shape}. "
            f"Received: {tested.image_shape}"
        )
    names = _names([split, *([] if tested is None else [tested])], class_names)
    split, *rest = resized_if_asked([split, *([] if tested is None else [tested])], image_size)
    tested = rest[0] if rest else None
    return assembled(
        name,
        names,
        split,
        tested,
        "test",
        images_per_class=images_per_class,
        seed=seed,
        stored=stored,
    )


def _names(splits: Sequence[Split], class_names: Sequence[str] | None) -> tuple[str, ...]:
    """Returns the names of the classes, by default their numbers."""
    largest = max(int(each.labels.max(initial=0)) for each in splits)
    names = tuple(class_names or (str(label) for label in range(largest + 1)))
    if largest >= len(names):
        raise DataError(
            f"labels must be from 0 to {len(names) - 1}, one for each of class_names. "
            f"Received: {largest}"
        )
    return names


def _split(examples: Examples, what: str) -> Split:
    pairs = _pairs(examples, what)
    images, labels = (np.asarray(each) for each in pairs)
    if images.ndim == 3:
        images = images[..., np.newaxis]
    if images.ndim != 4 or images.shape[-1] not in (1, 3, 4) or not len(images):
        raise DataError(
            f"the images of {what} must have the shape (n, height, width, channels), with 1, 3 or "
            f"4 channels. Received: {images.shape}"
        )
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]  # as Keras' own data sets have them
    if labels.shape != (len(images),) or labels.dtype.kind not in "iu" or labels.min() < 0:
        raise DataError(
            f"the labels of {what} must be one integer from 0 per image, of shape "
            f"({len(images)},). Received: {labels.dtype} of shape {labels.shape}; from one-hot "
            "labels they are labels.argmax(-1)"
        )
    return Split(_pixels(images, what), labels.astype(np.int64))


def _pairs(examples: Examples, what: str) -> tuple[Any, Any]:
    """Returns images and labels as arrays, from a pair of them or from a dataset of pairs."""
    spec = getattr(examples, "element_spec", None)
    if spec is None:
        if isinstance(examples, tuple | list) and len(examples) == 2:
            return examples[0], examples[1]
        raise DataError(
            f"{what} must be a pair (images, labels), a tf.data.Dataset of such pairs, or the name "
            f"of a data set. Received: {type(examples).__name__}"
        )
    if not isinstance(spec, tuple) or len(spec) != 2:
        raise DataError(f"{what} must be a dataset of pairs (image, label). Received: {spec}")
    batched = len(spec[1].shape) > 0
    dataset: Any = examples
    parts = list((dataset if batched else dataset.batch(500)).as_numpy_iterator())
    if not parts:
        raise DataError(f"{what} must have images. Received: an empty dataset")
    images, labels = zip(*parts, strict=True)
    return np.concatenate(images), np.concatenate(labels)


def _pixels(images: npt.NDArray[Any], what: str) -> npt.NDArray[np.uint8]:
    if images.dtype == np.uint8:
        return images
    least, most = float(images.min()), float(images.max())
    if images.dtype.kind not in "iuf" or not (0 <= least <= most <= _WHITE):
        raise DataError(
            f"the images of {what} must have values from 0 to 255. Received: {images.dtype} from "
            f"{least:g} to {most:g}"
        )
    if images.dtype.kind == "f" and most <= 1:
        raise DataError(
            f"the images of {what} must have values from 0 to 255. Received: {images.dtype} from "
            f"{least:g} to {most:g}; multiply them by 255"
        )
    return np.rint(images).astype(np.uint8)
