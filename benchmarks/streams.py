"""Streams of the input pipeline, and how many images per second they deliver."""

import itertools
import time

import numpy as np

WARMUP_BATCHES = 5
CIFAR_IMAGES = 20_000


def rates(dataset, batches, images_per_batch):
    """Returns images per second, and per second of processor time, of a stream."""
    stream = iter(dataset)
    for _ in itertools.islice(stream, WARMUP_BATCHES):
        pass
    start, cpu_start = time.perf_counter(), time.process_time()
    count = sum(1 for _ in itertools.islice(stream, batches))
    seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - cpu_start
    images = count * images_per_batch
    return {
        "images_per_second": images / seconds,
        "images_per_core_second": images / cpu_seconds,
    }


def cifar_batches(batch_size, last_step, *, images=CIFAR_IMAGES):
    """Returns both halves of a search on random images of CIFAR's size, in memory.

    Args:
        batch_size: Images per batch, in each half.
        last_step: Number of steps.
        images: Images of each half.
    """
    from pdarts_tf.data.augmentation import Augmentation
    from pdarts_tf.data.images import Split
    from pdarts_tf.data.pipeline import bilevel_batches

    rng = np.random.default_rng(0)
    halves = [
        Split(rng.integers(0, 256, (images, 32, 32, 3), np.uint8), rng.integers(0, 10, images))
        for _ in range(2)
    ]
    return bilevel_batches(
        *halves,
        batch_size=batch_size,
        steps_per_epoch=images // batch_size,
        seed=(0, 0),
        first_step=0,
        last_step=last_step,
        augmentation=Augmentation(),
        mean=(0.5,) * 3,
        std=(0.25,) * 3,
    )
