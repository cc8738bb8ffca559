"""The tables of what operations own: complete, and right about the shapes they cost."""

import math

import pytest

from pdarts_tf.genotype import EVALUATION_PRIMITIVES
from pdarts_tf.layers.kernels import PARAMETERS, Kernel


def test_every_operation_of_a_network_has_its_parameters():
    assert set(PARAMETERS) == set(EVALUATION_PRIMITIVES)


@pytest.mark.parametrize("kind", ["depthwise", "pointwise", "half", "row", "column"])
def test_every_weight_is_used_once_per_output_pixel(kind):
    kernel = Kernel(kind, 3)
    assert kernel.num_weights(4) == math.prod(kernel.shape(4))
    assert kernel.macs(4, 10, stride=1) == 10 * kernel.num_weights(4)


def test_the_row_of_a_strided_pair_keeps_the_height():
    assert Kernel("row", 7).macs(4, 10, stride=2) == 2 * Kernel("column", 7).macs(4, 10, stride=2)
