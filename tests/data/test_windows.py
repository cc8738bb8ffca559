"""Windows of images: their sizes, places and shares."""

import numpy as np
import pytest
import tensorflow as tf

from pdarts_tf.data import windows


@pytest.fixture(scope="module")
def drawn():
    """1,000 random windows (top, left, height, width) of an image of 300x400 pixels."""
    shape = tf.constant([300, 400])
    draw = tf.function(lambda i: windows.random(shape, 1.0, tf.stack([i, 7])))
    return np.array([draw(tf.constant(i)) for i in range(1000)])


def test_random_windows_lie_within_the_image(drawn):
    assert (drawn >= [0, 0, 1, 1]).all()
    assert (drawn[:, :2] + drawn[:, 2:] <= [300, 400]).all()


def test_random_windows_have_8_to_100_percent_of_the_area(drawn):
    share = drawn[:, 2] * drawn[:, 3] / (300 * 400)
    assert share.min() == pytest.approx(0.08, abs=0.01)
    assert share.max() > 0.9
    assert 0.35 < share.mean() < 0.55


def test_random_windows_are_stretched_by_up_to_a_third(drawn):
    stretch = drawn[:, 3] / drawn[:, 2]
    assert stretch.min() == pytest.approx(3 / 4, abs=0.02)
    assert stretch.max() == pytest.approx(4 / 3, abs=0.02)


def test_random_windows_are_everywhere(drawn):
    free = np.array([300, 400]) - drawn[:, 2:]
    place = drawn[:, :2][free.min(1) > 20] / free[free.min(1) > 20]
    np.testing.assert_allclose(place.mean(0), 0.5, atol=0.05)
    assert place.min() == 0
    assert place.max() == 1


def test_where_no_draw_fits_the_middle_is_shown():
    window = windows.random(tf.constant([10, 1000]), 1.0, tf.constant([0, 0]))
    assert window.numpy().tolist() == [0, 493, 10, 13]


@pytest.mark.parametrize(
    ("shape", "aspect", "expected"),
    [
        ((256, 256), 1.0, [16, 16, 224, 224]),
        ((256, 512), 1.0, [16, 144, 224, 224]),
        ((512, 256), 1.0, [144, 16, 224, 224]),
        ((256, 512), 2.0, [16, 32, 224, 448]),
        ((1, 1), 1.0, [0, 0, 1, 1]),
    ],
)
def test_the_centre_is_seven_eighths_of_the_short_side(shape, aspect, expected):
    assert windows.centre(tf.constant(shape), aspect).numpy().tolist() == expected


def test_resizing_to_the_same_size_changes_nothing():
    images = tf.constant(np.arange(48, dtype=np.uint8).reshape(1, 4, 4, 3))
    assert windows.resize(images, (4, 4)) is images


def test_resizing_averages_over_what_a_pixel_covers():
    stripes = tf.constant(np.tile(np.array([0, 100], np.uint8), (8, 4)).reshape(8, 8, 1))
    assert windows.resize(stripes, (2, 2)).numpy().astype(int).ravel() == pytest.approx(50, abs=8)
