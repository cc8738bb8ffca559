"""Latencies of networks, predicted from a few that were measured."""

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from pdarts_tf.cost.candidates import SizedNetwork

Latency = Callable[[SizedNetwork], float]
"""Function of a network that returns its latency in milliseconds."""
_MOST_TRIES = 8


def probes(candidates: Sequence[SizedNetwork]) -> list[SizedNetwork]:
    """Returns the networks, at most four, whose latencies tell those of the others.

    They are the smallest and the middle one by size of those with the fewest, and of those with
    the most cells.

    Args:
        candidates: Networks, from the largest to the smallest.
    """
    depths = [each.layers for each in candidates]
    found = []
    for depth in (min(depths), max(depths)):
        of_depth = [each for each in candidates if each.layers == depth]
        found += [of_depth[-1], of_depth[(len(of_depth) - 1) // 2]]
    return list(dict.fromkeys(found))


def fitted(measured: Mapping[SizedNetwork, float]) -> Latency:
    """Returns the function a + b * cells + c * multiply-accumulates that is nearest to latencies.

    Args:
        measured: Latencies in milliseconds. Relative differences are what is made small; none of
            the three coefficients is negative.

    Example:

    >>> from pdarts_tf.cost.candidates import ImageSetting, candidates
    >>> from pdarts_tf.genotype import GENOTYPES
    >>> images = ImageSetting((8, 8, 1), 10, "cifar")
    >>> large, small = candidates({"": GENOTYPES["PDARTS"]}, images, (5,), (4, 8))
    >>> latency = fitted({small: 1.0, large: 2.0})
    >>> round(latency(small), 3), round(latency(large), 3)
    (1.0, 2.0)
    """
    from scipy.optimize import nnls  # which takes longer to import than all else of `describe`

    rows = np.array([[1.0, each.layers, each.macs / 1e6] for each in measured])
    latencies = np.array(list(measured.values()))
    base, per_cell, per_million = nnls(rows / latencies[:, np.newaxis], np.ones(len(rows)))[0]
    return lambda each: float(base + per_cell * each.layers + per_million * each.macs / 1e6)


def largest_within(
    candidates: Sequence[SizedNetwork], limit: float, measure: Latency
) -> tuple[SizedNetwork | None, dict[SizedNetwork, float]]:
    """Finds the largest network whose measured latency is within a limit.

    A few networks are measured, and predict the others. The largest one that is predicted to fit is
    measured too, which corrects the prediction, until one does fit.

    Args:
        candidates: Networks, from the largest to the smallest.
        limit: Milliseconds.
        measure: Measures a network.

    Returns:
        The network, or None if not even the smallest fits; and all that was measured.
    """
    smallest = candidates[-1]
    measured = {smallest: measure(smallest)}
    if measured[smallest] > limit:
        return None, measured
    measured |= {each: measure(each) for each in probes(candidates) if each not in measured}
    for _ in range(_MOST_TRIES):
        expected = fitted(measured)
        best = next(
            each
            for each in candidates
            if (measured[each] if each in measured else expected(each)) <= limit
        )
        if best in measured:
            break
        measured[best] = measure(best)
    within = [each for each in candidates if measured.get(each, math.inf) <= limit]
    return within[0], measured
