"""Reading of images by index into batches, with the augmentation of single images."""

import os
from collections.abc import Callable, Sequence
from typing import TypeGuard

import tensorflow as tf

from pdarts_tf.data.augmentation import Augmentation
from pdarts_tf.data.decoding import image_reader
from pdarts_tf.data.images import AnySplit, Split

# Batches of images in memory are made on two threads of their own, which leaves alone the threads
# that run the model's many small operations. On two cores they make more than 30,000 CIFAR images
# per second. Images that are processed one by one use as many threads as there are cores, and so
# does RandAugment, which takes tenths of a millisecond per image.
_THREADS = 2


def read_batches(
    split: AnySplit,
    places: tf.data.Dataset,
    batch_size: int,
    finish: Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tuple[tf.Tensor, ...]],
    augmentation: Augmentation,
    image_seed: Sequence[int] | tf.Tensor = (0, 0),
) -> tf.data.Dataset:
    """Returns batches of the images of a split with the given indices, in that order.

    Images in memory are gathered a batch at a time. Images on disk, and those that are augmented
    singly, are read one by one: they may differ in size until they are cropped and resized.

    Args:
        split: The images.
        places: Dataset of pairs: a step, and the indices of its images, of shape (batch_size,).
        batch_size: Images per batch.
        finish: Function (step, images, labels) -> batch.
        augmentation: Augmentation of single images, before `finish`.
        image_seed: Seed of that augmentation.

    Returns:
        Dataset of the batches that `finish` returns.
    """
    with tf.device("CPU"):
        labels = tf.constant(split.labels)
    if _at_once(split, augmentation):
        with tf.device("CPU"):
            images = tf.constant(split.images)
        return places.map(
            lambda step, place: finish(step, tf.gather(images, place), tf.gather(labels, place)),
            num_parallel_calls=reading_threads(split, augmentation),
            deterministic=True,
        )
    read = image_reader(split, random_crop=augmentation.resized_crop)
    positions = tf.range(batch_size)

    def read_one(step: tf.Tensor, place: tf.Tensor, position: tf.Tensor) -> tuple[tf.Tensor, ...]:
        seed = tf.random.fold_in(tf.random.fold_in(image_seed, step), position)
        crop_seed, jitter_seed = tf.unstack(tf.random.split(seed, 2))
        image = augmentation.jitter(read(place, crop_seed), jitter_seed)
        return step, image, tf.gather(labels, place)

    singly = places.map(lambda step, place: (tf.repeat(step, batch_size), place, positions))
    batches = (
        singly.unbatch()
        .map(read_one, num_parallel_calls=reading_threads(split, augmentation), deterministic=True)
        .batch(batch_size, drop_remainder=True)
    )
    return batches.map(
        lambda steps, images, labels: finish(steps[0], images, labels),
        num_parallel_calls=_finishing_threads(augmentation),
        deterministic=True,
    )


def reading_threads(split: AnySplit, augmentation: Augmentation) -> int:
    """Returns the number of threads to read a split with."""
    if _at_once(split, augmentation):
        return _finishing_threads(augmentation)
    return _all_threads()


def _finishing_threads(augmentation: Augmentation) -> int:
    return _THREADS if augmentation.rand_augment is None else _all_threads()


def _all_threads() -> int:
    return max(_THREADS, os.cpu_count() or 1)


def _at_once(split: AnySplit, augmentation: Augmentation) -> TypeGuard[Split]:
    """Returns whether a batch of images is read at once, not image by image."""
    return isinstance(split, Split) and not augmentation.one_by_one
