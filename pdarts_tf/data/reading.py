"""From the numbers of images to batches of them, with what is made image by image."""

import os
from collections.abc import Callable, Sequence
from typing import TypeGuard

import tensorflow as tf

from pdarts_tf.data.augmentation import Augmentation
from pdarts_tf.data.decoding import image_reader
from pdarts_tf.data.images import AnySplit, Split

# Batches of images in memory are made on two threads of their own, which leaves those of the
# model's many small operations alone. On two cores they make more than 30,000 CIFAR images a
# second. What is made image by image takes as many threads as there are cores.
_THREADS = 2


def read_batches(
    split: AnySplit,
    places: tf.data.Dataset,
    batch_size: int,
    finish: Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tuple[tf.Tensor, ...]],
    augmentation: Augmentation,
    image_seed: Sequence[int] | tf.Tensor = (0, 0),
) -> tf.data.Dataset:
    """Batches of the images of a split at given places, in that order.

    Images in memory are gathered a batch at a time. Others, and those that are augmented image by
    image, are read one by one: they may differ in size until they are cropped and resized.

    Args:
        split: the images.
        places: pairs of a step and the (batch_size,) numbers of the images of its batch.
        batch_size: images per batch.
        finish: function (step, images, labels) -> batch.
        augmentation: what happens to each image, before `finish`.
        image_seed: of that.

    Returns:
        A dataset of what `finish` returns.
    """
    with tf.device("CPU"):
        labels = tf.constant(split.labels)
    if _at_once(split, augmentation):
        with tf.device("CPU"):
            images = tf.constant(split.images)
        return places.map(
            lambda step, place: finish(step, tf.gather(images, place), tf.gather(labels, place)),
            num_parallel_calls=_THREADS,
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
        num_parallel_calls=_THREADS,
        deterministic=True,
    )


def reading_threads(split: AnySplit, augmentation: Augmentation) -> int:
    """How many threads should read a split."""
    if _at_once(split, augmentation):
        return _THREADS
    return max(_THREADS, os.cpu_count() or 1)


def _at_once(split: AnySplit, augmentation: Augmentation) -> TypeGuard[Split]:
    """Whether a batch of images is read at once, not image by image."""
    return isinstance(split, Split) and not augmentation.one_by_one
