import numpy as np
import pytest
import tensorflow as tf

from pdarts_tf.training.equal_shapes import EqualShapes

SHAPES = [(2, 3), (4,), (2, 3), (), (4,), (2, 3)]


@pytest.fixture
def tensors():
    return [tf.constant(np.full(shape, i, np.float32)) for i, shape in enumerate(SHAPES)]


def test_tensors_of_one_shape_share_a_stack(tensors):
    stacks = EqualShapes(SHAPES).stack(tensors)
    assert [tuple(stack.shape) for stack in stacks] == [(3, 2, 3), (2, 4), ()]
    np.testing.assert_array_equal(stacks[0][:, 0, 0], [0, 2, 5])


def test_unstacking_gives_the_tensors_back_in_their_order(tensors):
    shapes = EqualShapes(SHAPES)
    for received, expected in zip(shapes.unstack(shapes.stack(tensors)), tensors, strict=True):
        np.testing.assert_array_equal(received, expected)


def test_no_tensors_have_no_stacks():
    shapes = EqualShapes([])
    assert shapes.stack([]) == shapes.unstack([]) == []
