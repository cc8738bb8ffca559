"""The moving average of weights."""

import keras
import numpy as np
import pytest

from pdarts_tf.training.averaging import WeightAverage


@pytest.fixture
def weight():
    return keras.Variable(np.array([2.0], np.float32))


def test_the_first_average_is_the_weights(weight):
    average = WeightAverage({"w": weight}, 0.9)
    average.arrays = average.updated()
    np.testing.assert_array_equal(average.arrays["w"], [2.0])


def test_an_update_moves_by_one_minus_the_decay(weight):
    average = WeightAverage({"w": weight}, 0.9)
    average.arrays = average.updated()
    weight.assign([12.0])
    average.arrays = average.updated()
    np.testing.assert_allclose(average.arrays["w"], [3.0], rtol=1e-6)


def test_taking_weights_in_changes_nothing_yet(weight):
    average = WeightAverage({"w": weight}, 0.9)
    average.updated()
    assert average.arrays == {}


def test_the_average_is_in_place_only_inside_the_block(weight):
    average = WeightAverage({"w": weight}, 0.5)
    average.arrays = average.updated()
    weight.assign([4.0])
    with average.in_place(average.arrays):
        inside = weight.numpy()
    assert (inside, weight.numpy()) == ([2.0], [4.0])


def test_the_weights_come_back_after_an_error(weight):
    average = WeightAverage({"w": weight}, 0.5)
    average.arrays = average.updated()
    weight.assign([4.0])
    with pytest.raises(RuntimeError), average.in_place(average.arrays):
        raise RuntimeError
    assert weight.numpy() == [4.0]
