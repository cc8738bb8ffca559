"""Input pipeline: batches as stateless functions of the seed and the step.

Batch s of a stream is always the same, so a run that resumes at step s sees the batches that it
would have seen, without a saved iterator. The order of the images depends on (seed, epoch), their
augmentation on (seed, step); callers make anything else that matters, such as the stage, part of
the seed.

Every epoch visits the images in a new order and drops the remainder that does not fill a batch. The
remainder differs between epochs, so no image is lost for good, and the fixed batch size spares
TensorFlow a second trace.
"""

import hashlib
from collections.abc import Sequence

import tensorflow as tf

from pdarts_tf.data.augmentation import Augmentation, normalize
from pdarts_tf.data.images import AnySplit, DataError
from pdarts_tf.data.keras_augmentation import MixUp
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
    """Checks that there is at least one whole batch.

    Args:
        num_images: Number of images.
        batch_size: Images per batch.
        what: Name of the images for the message, such as "the first half of cifar10".

    Raises:
        DataError: If the batch size is less than 1 or greater than the number of images.
    """
    if not 1 <= batch_size <= num_images:
        raise DataError(
            f"--batch_size must be from 1 to {num_images}, the number of images in {what}. "
            f"Received: {batch_size}"
        )


def steps_per_epoch(num_images: int, batch_size: int, max_steps: int | None = None) -> int:
    """Returns the number of whole batches in an epoch, at most max_steps.

    >>> steps_per_epoch(25_000, 96)
    260
    """
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
    mixup: MixUp | None = None,
) -> tf.data.Dataset:
    """Returns the shuffled, augmented batches of the steps first_step .. last_step - 1.

    Step s belongs to epoch s // steps_per_epoch. Each epoch shuffles all images anew and uses the
    first steps_per_epoch batches.

    Args:
        split: The n images.
        batch_size: Images per batch.
        steps_per_epoch: Number of batches per epoch, at most floor(n / batch_size); see the
            function of this name.
        seed: Integers, such as (seed of the run, stage).
        first_step: First step, counted from the start of the stage.
        last_step: Last step, exclusive.
        augmentation: Augmentation of the images.
        mean: Mean per channel, for pixels scaled to [0, 1].
        std: Standard deviation per channel, for pixels scaled to [0, 1].
        mixup: Mixes the augmented images of a batch; None for no mixing.

    Returns:
        Dataset of pairs: images, float32 of shape (batch_size, height, width, channels), and
        labels, int64 of shape (batch_size,); with `mixup` the share of every class instead, float32
        of shape (batch_size, classes).

    Raises:
        DataError: If there are too few images for an epoch of this length.

    Example:

    >>> import numpy as np
    >>> from pdarts_tf.data.images import Split
    >>> split = Split(np.zeros((10, 8, 8, 1), np.uint8), np.arange(10))
    >>> batches = training_batches(
    ...     split, batch_size=4, steps_per_epoch=2, seed=(0,), first_step=0, last_step=2,
    ...     augmentation=Augmentation(padding=1), mean=[0.5], std=[0.5],
    ... )
    >>> [images.shape for images, labels in batches]
    [TensorShape([4, 8, 8, 1]), TensorShape([4, 8, 8, 1])]
    """
    steps = (first_step, last_step)
    batches = _stream(
        "train", split, batch_size, steps_per_epoch, seed, steps, augmentation, mean, std, mixup
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
    """Returns pairs of batches: one for the weights, one for the architecture parameters.

    The former are `training_batches(train, …)`. The latter are drawn from `valid` in the same way,
    but in epochs of their own, of floor(n / batch_size) steps.

    Args:
        train: Images for the weights.
        valid: Images for the architecture parameters.
        batch_size: Images per batch, in each of the two.
        steps_per_epoch: Number of steps per epoch of `train`; see `training_batches`.
        seed: See `training_batches`.
        first_step: See `training_batches`.
        last_step: See `training_batches`.
        augmentation: See `training_batches`.
        mean: See `training_batches`.
        std: See `training_batches`.

    Returns:
        Dataset of ((images, labels), (images, labels)), each as in `training_batches`.

    Raises:
        DataError: If either split has too few images.
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
    """Returns batches of all images, once, in order and without augmentation.

    The last batch is padded with copies of the last image at weight 0, so that all batches have the
    same shape.

    Args:
        split: The n images.
        batch_size: Images per batch; may be greater than n.
        mean: Mean per channel, for pixels scaled to [0, 1].
        std: Standard deviation per channel, for pixels scaled to [0, 1].

    Returns:
        Dataset of ceil(n / batch_size) triples: images, float32 of shape (batch_size, height,
        width, channels), labels, int64 of shape (batch_size,), and weights, 1 or 0, float32 of
        shape (batch_size,).

    Raises:
        DataError: If there are no images, or the batch size is less than 1.
    """
    if batch_size < 1 or not split.num_images:
        raise DataError(
            "--batch_size and the number of images must be at least 1. "
            f"Received: --batch_size={batch_size}, {split.num_images} images"
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
    mixup: MixUp | None = None,
) -> tf.data.Dataset:
    """Returns the batches of a stream; streams of different names are independent."""
    check_batch_size(split.num_images, batch_size, f"the {name} split")
    most_steps = split.num_images // batch_size
    if not 1 <= epoch_steps <= most_steps:
        raise DataError(
            f"steps_per_epoch must be from 1 to {most_steps}, the whole batches of {batch_size} in "
            f"{split.num_images} images. Received: steps_per_epoch={epoch_steps}"
        )
    transform_seed = _hash_seed(*seed, name, "transform")
    image_seed = _hash_seed(*seed, name, "image")
    mixup_seed = _hash_seed(*seed, name, "mixup")
    indices = _indices(
        split.num_images,
        batch_size,
        epoch_steps,
        _hash_seed(*seed, name, "order"),
        *steps,
    )

    def finish(step: tf.Tensor, images: tf.Tensor, labels: tf.Tensor) -> _Batch:
        images = augmentation(images, tf.random.fold_in(transform_seed, step), mean, std)
        if mixup is None:
            return images, labels
        return mixup(images, labels, tf.random.fold_in(mixup_seed, step))

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
    """Returns a dataset of the images' indices in the batch of each step, (batch_size,) int64.

    An epoch is sorted by random keys, once. `tf.random.experimental.index_shuffle` needs no
    sorting, but in TensorFlow 2.21 its permutations for different seeds are visibly correlated, and
    only 8 bits of each word of the seed matter below 65,536 images.
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
    """Prepares the next batches while the model works on the current one."""
    options = tf.data.Options()
    options.deterministic = True
    options.threading.private_threadpool_size = num_threads
    return batches.prefetch(_PREFETCH).with_options(options)


def _hash_seed(*parts: int | str) -> tf.Tensor:
    """Returns a seed, int64 of shape (2,), that is independent of the seeds of other parts."""
    text = repr([part if isinstance(part, str) else int(part) for part in parts])
    digest = hashlib.sha256(text.encode()).digest()
    return tf.constant([int.from_bytes(digest[:7]), int.from_bytes(digest[7:14])], tf.int64)
