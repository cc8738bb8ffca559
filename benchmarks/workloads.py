"""Workloads that the benchmarks share, and how memory is measured."""

import resource

IMAGE_SIZE = 32


def peak_memory_mb():
    """Returns the largest resident memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
