"""A search's loop on batches of the input pipeline: whether the device waits for them."""

import time
from collections.abc import Iterator
from typing import Any

from benchmarks.gpu import setup, steps
from benchmarks.gpu.cases import Case
from benchmarks.gpu.sizes import Sizes
from benchmarks.streams import WARMUP_BATCHES, cifar_batches, rates


class TimedBatches:
    """An iterator that adds up how long it is waited for.

    Args:
        batches: The iterator that it passes on.
    """

    def __init__(self, batches: Iterator[Any]) -> None:
        self._batches = batches
        self.seconds = 0.0

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        start = time.perf_counter()
        try:
            return next(self._batches)
        finally:
            self.seconds += time.perf_counter() - start


def measure(case: Case, sizes: Sizes) -> Iterator[dict[str, Any]]:
    """Yields the rate of the input pipeline alone, and then of the loop that it feeds.

    The loop's share of waiting is that of `next(batches)` in the time of its epochs after the
    first, which traces.
    """
    setup.configure(case)
    from pdarts_tf.training.epoch_progress import EpochProgress
    from pdarts_tf.training.loop import TrainingLoop

    size, batches = sizes.batch_size, sizes.stream_batches
    images = size * max(batches, WARMUP_BATCHES)
    stream = cifar_batches(size, batches + WARMUP_BATCHES, images=images)
    alone = rates(stream, batches, 2 * size)["images_per_second"]
    result: dict[str, Any] = {"batch": size, "pipeline_images_per_s": alone}
    yield result
    loop = TrainingLoop(steps.make_model(case, sizes))
    taken = sizes.loop_steps
    timed = TimedBatches(iter(cifar_batches(size, 1 + taken, images=images)))
    loop.run_epoch(0, timed, 1, EpochProgress())
    timed.seconds = 0.0
    start = time.perf_counter()
    loop.run_epoch(1, timed, taken, EpochProgress())
    seconds = time.perf_counter() - start
    consumed = 2 * size * taken / seconds
    result |= {
        "loop_images_per_s": consumed,
        "pipeline_to_loop": alone / consumed,
        "share_of_waiting": timed.seconds / seconds,
    }
    yield result
