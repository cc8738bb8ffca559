"""What the benchmarks have in common: what they compute, and how memory is measured."""

import resource

import numpy as np

from pdarts_tf.genotype import PRIMITIVES
from pdarts_tf.search_space import NUM_EDGES, SearchSpace

IMAGE_SIZE = 32


def random_space(num_candidates, seed=0):
    """Returns a space with so many candidates on every edge, drawn at random."""
    rng = np.random.default_rng(seed)
    masks = np.zeros((2, NUM_EDGES, len(PRIMITIVES)), bool)
    for row in masks.reshape(-1, len(PRIMITIVES)):
        row[rng.choice(len(PRIMITIVES), num_candidates, replace=False)] = True
    return SearchSpace(*masks)


def peak_memory_mb():
    """Returns the largest resident memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
