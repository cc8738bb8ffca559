"""Times of steps that a device computes in the background."""

import statistics
import time


def first_seconds(step, wait):
    """Returns the seconds of the first step, tracing and compilation included.

    Args:
        step: Function that takes a step.
        wait: Function that returns when the device has computed all that it was given.
    """
    return _seconds(step, wait, 1)


def step_seconds(step, wait, *, rounds, steps, warm_up=0):
    """Returns the median over some rounds of the seconds per step.

    Args:
        step, wait: See `first_seconds`.
        rounds: Number of rounds.
        steps: Steps of a round, which is waited for as a whole, as steps of a training follow each
            other without a pause.
        warm_up: Steps before the first round.
    """
    if warm_up:
        _seconds(step, wait, warm_up)
    return statistics.median(_seconds(step, wait, steps) / steps for _ in range(rounds))


def _seconds(step, wait, steps):
    start = time.perf_counter()
    for _ in range(steps):
        step()
    wait()
    return time.perf_counter() - start
