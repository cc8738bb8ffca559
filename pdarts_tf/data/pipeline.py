"""Batches as stateless functions of the seed and the step.

Nothing here remembers where it is: batch s of a stream is always the same, so that a run which
resumes at step s sees what it would have seen, without a saved iterator. The order of the images
depends on (seed, epoch), their augmentation on (seed, step); callers put whatever else must make a
difference, such as the stage, into the seed.

Every epoch goes through the images in a new order, as many whole batches as there are; the
remainder is left out. It is another one in each epoch, so that no image is lost for good, and a
fixed batch size spares TensorFlow a second trace.
"""

import hashlib
from collections.abc import Sequence

import tensorflow as tf

from pdarts_tf.data.augmentation import Augmentation, normalize
from pdarts_tf.data.images import AnySplit, DataError
from pdarts_tf.data.reading import read_batches, reading_threads

__all__ = [
    "bilevel_batches",
    "check_batch_size",
    "evaluation_batches",
    "steps_per_epoch",
    "training_batches",
]

_PREFETCH = 4
_UNCHANGED = Augmentation(padding=0, flip=False)

_Batch = tuple[tf.Tensor, tf.Tensor]


def check_batch_size(num_images: int, batch_size: int, what: str) -> None:
    """Sees to it that there is at least one whole batch.

    Args:
        num_images: how many images there are.
        batch_size: images per batch.
        what: what the images are, for the message, such as "the first half of cifar10".

    Raises:
        DataError: if the batch size is less than 1, or more than there are images.
    """
    if not 1 <= batch_size <= num_images:
        raise DataError(
            f"batch_size must be from 1 to {num_images}, the number of images in {what}. "
            f"Received: batch_size={batch_size}"
        )


def steps_per_epoch(num_images: int, batch_size: int, max_steps: int | None = None) -> int:
    """The whole batches in an epoch, floor(num_images / batch_size), but no more than max_steps."""
    whole = num_images // batch_size
    return whole if max_steps is None else min(whole, max_steps)


def training_batches(
    split: AnySplit,
    *,
    batch_size: int,
    steps_per_epoch: int,
    seed: Sequence[int],
    first_step: int,
    last_step: int,
    augmentation: Augmentation,
    mean: Sequence[float],
    std: Sequence[float],
) -> tf.data.Dataset:
    """Shuffled and augmented batches of the steps from first_step up to last_step, exclusive.

    Step s belongs to epoch s // steps_per_epoch. Each epoch orders all images anew and takes the
    first steps_per_epoch batches.

    Args:
        split: the images, n of them.
        batch_size: images per batch.
        steps_per_epoch: at most floor(n / batch_size); see the function of this name.
        seed: integers, such as (seed of the run, stage).
        first_step: the step to begin with, counted from the beginning of the stage.
        last_step: the step to end before.
        augmentation: what happens to the images.
        mean: per channel, in units of pixels from 0 to 1.
        std: per channel, in the same unit.

    Returns:
        A dataset of last_step - first_step pairs: images (batch_size, height, width, channels)
        float32, labels (batch_size,) int64.

    Raises:
        DataError: if there are too few images for an epoch of this length.
    """
    steps = (first_step, last_step)
    batches = _stream(
        "train", split, batch_size, steps_per_epoch, seed, steps, augmentation, mean, std
    )
    return _in_background(batches, reading_threads(split, augmentation))


def bilevel_batches(
    train: AnySplit,
    valid: AnySplit,
    *,
    batch_size: int,
    steps_per_epoch: int,
    seed: Sequence[int],
    first_step: int,
    last_step: int,
    augmentation: Augmentation,
    mean: Sequence[float],
    std: Sequence[float],
) -> tf.data.Dataset:
    """Pairs of batches: one to train the weights with, one for the architecture parameters.

    The first are `training_batches(train, …)`. The second come from `valid` in the same way, but in
    epochs of their own, of floor(n / batch_size) steps, one after the other.

    Args:
        train: the images for the weights.
        valid: the images for the architecture parameters.
        batch_size: images per batch, in each of the two.
        steps_per_epoch: of the first; as in `training_batches`.
        seed: as in `training_batches`.
        first_step: as in `training_batches`.
        last_step: as in `training_batches`.
        augmentation: as in `training_batches`.
        mean: as in `training_batches`.
        std: as in `training_batches`.

    Returns:
        A dataset of ((images, labels), (images, labels)), each as in `training_batches`.

    Raises:
        DataError: if either has too few images.
    """
    check_batch_size(valid.num_images, batch_size, "the valid split")
    valid_steps = valid.num_images // batch_size
    rest = (seed, (first_step, last_step), augmentation, mean, std)
    batches = tf.data.Dataset.zip(
        _stream("train", train, batch_size, steps_per_epoch, *rest),
        _stream("valid", valid, batch_size, valid_steps, *rest),
    )
    return _in_background(batches, reading_threads(train, augmentation))


def evaluation_batches(
    split: AnySplit, batch_size: int, mean: Sequence[float], std: Sequence[float]
) -> tf.data.Dataset:
    """All images once, in order and without augmentation.

    The last batch is filled up with the last image, at weight 0, so that all have the same shape.

    Args:
        split: the images, n of them.
        batch_size: images per batch; may be more than n.
        mean: per channel, in units of pixels from 0 to 1.
        std: per channel, in the same unit.

    Returns:
        A dataset of ceil(n / batch_size) triples: images (batch_size, height, width, channels)
        float32, labels (batch_size,) int64, weights (batch_size,) float32, 1 or 0.

    Raises:
        DataError: if there are no images, or the batch size is less than 1.
    """
    if batch_size < 1 or not split.num_images:
        raise DataError(
            "batch_size and the number of images must be at least 1. "
            f"Received: batch_size={batch_size}, {split.num_images} images"
        )
    steps = tf.data.Dataset.range(-(-split.num_images // batch_size))

    def indices(step: tf.Tensor) -> tf.Tensor:
        return step * batch_size + tf.range(batch_size, dtype=tf.int64)

    def finish(step: tf.Tensor, images: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, ...]:
        weights = tf.cast(indices(step) < split.num_images, tf.float32)
        return normalize(images, mean, std), labels, weights

    places = steps.map(lambda step: tf.minimum(indices(step), split.num_images - 1))
    batches = read_batches(
        split, tf.data.Dataset.zip(steps, places), batch_size, finish, _UNCHANGED
    )
    return _in_background(batches, reading_threads(split, _UNCHANGED))


def _stream(
    name: str,
    split: AnySplit,
    batch_size: int,
    epoch_steps: int,
    seed: Sequence[int],
    steps: tuple[int, int],
    augmentation: Augmentation,
    mean: Sequence[float],
    std: Sequence[float],
) -> tf.data.Dataset:
    """The batches of one stream; streams of different names are independent of each other."""
    check_batch_size(split.num_images, batch_size, f"the {name} split")
    most_steps = split.num_images // batch_size
    if not 1 <= epoch_steps <= most_steps:
        raise DataError(
            f"steps_per_epoch must be from 1 to {most_steps}, the whole batches of {batch_size} in "
            f"{split.num_images} images. Received: steps_per_epoch={epoch_steps}"
        )
    transform_seed = _hash_seed(*seed, name, "transform")
    image_seed = _hash_seed(*seed, name, "image")
    indices = _indices(
        split.num_images,
        batch_size,
        epoch_steps,
        _hash_seed(*seed, name, "order"),
        *steps,
    )

    def finish(step: tf.Tensor, images: tf.Tensor, labels: tf.Tensor) -> _Batch:
        images = augmentation(images, tf.random.fold_in(transform_seed, step), mean, std)
        return images, labels

    numbered = tf.data.Dataset.zip(tf.data.Dataset.range(*steps), indices)
    return read_batches(split, numbered, batch_size, finish, augmentation, image_seed)


def _indices(
    num_images: int,
    batch_size: int,
    epoch_steps: int,
    seed: tf.Tensor,
    first_step: int,
    last_step: int,
) -> tf.data.Dataset:
    """Which images make up the batch of each step: a dataset of (batch_size,) int64.

    An epoch is sorted by random keys, once. `tf.random.experimental.index_shuffle` needs no
    sorting, but in TensorFlow 2.21 its permutations for different seeds are visibly correlated, and
    of each word of the seed only 8 bits matter below 65,536 images.
    """

    def epoch_indices(epoch: tf.Tensor) -> tf.data.Dataset:
        order = tf.random.experimental.stateless_shuffle(
            tf.range(num_images, dtype=tf.int64), tf.random.fold_in(seed, epoch)
        )
        start = tf.maximum(first_step - epoch * epoch_steps, 0)
        stop = tf.minimum(last_step - epoch * epoch_steps, epoch_steps)
        order = order[start * batch_size : stop * batch_size]
        return tf.data.Dataset.from_tensor_slices(tf.reshape(order, [-1, batch_size]))

    epochs = tf.data.Dataset.range(first_step // epoch_steps, -(-last_step // epoch_steps))
    return epochs.flat_map(epoch_indices).apply(
        tf.data.experimental.assert_cardinality(last_step - first_step)
    )


def _in_background(batches: tf.data.Dataset, num_threads: int) -> tf.data.Dataset:
    """Makes the next batches while the model works on the present one."""
    options = tf.data.Options()
    options.deterministic = True
    options.threading.private_threadpool_size = num_threads
    return batches.prefetch(_PREFETCH).with_options(options)


def _hash_seed(*parts: int | str) -> tf.Tensor:
    """(2,) int64: a seed that has nothing to do with that of any other parts."""
    text = repr([part if isinstance(part, str) else int(part) for part in parts])
    digest = hashlib.sha256(text.encode()).digest()
    return tf.constant([int.from_bytes(digest[:7]), int.from_bytes(digest[7:14])], tf.int64)
