"""Colour jitter beside the definitions of torchvision, in NumPy."""

import colorsys

import numpy as np
import pytest
import tensorflow as tf

from pdarts_tf.data.color import changed, color_jitter

ALL = (0.4, 0.4, 0.4, 0.2)
GREY = np.array([0.299, 0.587, 0.114])


def images(num_images=1, channels=3, size=4):
    rng = np.random.default_rng(0)
    return rng.uniform(0, 1, (num_images, size, size, channels)).astype(np.float32)


def jittered(batch, strengths, seed=0):
    """A batch whose images have the seeds (seed, 0), (seed, 1), …"""
    jitter = tf.function(lambda image, key: color_jitter(image, key, strengths))
    return np.array([jitter(tf.constant(x), tf.constant([seed, i])) for i, x in enumerate(batch)])


def reference(image, which, amount):
    """What torchvision does: adjust_brightness, _contrast, _saturation, _hue."""
    if which == 3:
        turned = [
            colorsys.hsv_to_rgb((h + amount) % 1, s, v)
            for h, s, v in (colorsys.rgb_to_hsv(*pixel) for pixel in image.reshape(-1, 3))
        ]
        return np.reshape(turned, image.shape)
    grey = (image @ GREY)[..., np.newaxis]
    other = [0.0, grey.mean(), grey][which]
    return np.clip(amount * image + (1 - amount) * other, 0, 1)


@pytest.mark.parametrize(
    ("which", "amount"),
    [(0, 0.6), (0, 1.4), (1, 0.6), (1, 1.4), (2, 0.6), (2, 1.4), (3, -0.2), (3, 0.13)],
)
def test_each_change_is_that_of_torchvision(which, amount):
    image = images()[0]
    amounts = [1.0, 1.0, 1.0, 0.0]
    amounts[which] = amount
    result = changed(
        tf.constant(image), tf.range(4), tf.constant(amounts), [i == which for i in range(4)]
    )
    np.testing.assert_allclose(result, reference(image, which, amount), atol=1e-5)


def test_the_changes_are_made_in_the_order_given():
    image, amounts = images()[0], [1.3, 0.7, 1.4, 0.1]
    for order in ([0, 1, 2, 3], [3, 1, 0, 2]):
        expected = image
        for which in order:
            expected = reference(expected, which, amounts[which])
        result = changed(tf.constant(image), tf.constant(order), tf.constant(amounts), [True] * 4)
        np.testing.assert_allclose(result, expected, atol=1e-5)


def test_images_of_a_batch_are_changed_differently_and_repeatably():
    batch = np.repeat(images(), 8, 0)
    first, again, other = (jittered(batch, ALL, seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert len({image.tobytes() for image in [*first, *other]}) == 16


def test_factors_reach_from_one_minus_to_one_plus_the_strength():
    batch = np.full((400, 1, 1, 3), 0.5, np.float32)
    factors = jittered(batch, (0.4, 0.0, 0.0, 0.0))[:, 0, 0, 0] / 0.5
    assert factors.min() == pytest.approx(0.6, abs=0.02)
    assert factors.max() == pytest.approx(1.4, abs=0.02)
    assert factors.mean() == pytest.approx(1.0, abs=0.04)


def test_without_strength_nothing_changes():
    batch = images(2)
    np.testing.assert_array_equal(jittered(batch, (0, 0, 0, 0)), batch)


def test_grey_images_change_in_brightness_and_contrast():
    batch = images(2, channels=1)
    assert (jittered(batch, ALL) != batch).any()
    np.testing.assert_array_equal(jittered(batch, (0.0, 0.0, 0.4, 0.2)), batch)


def test_alpha_stays_as_it_is():
    batch = images(2, channels=4)
    result = jittered(batch, ALL)
    np.testing.assert_array_equal(result[..., 3], batch[..., 3])
    assert (result[..., :3] != batch[..., :3]).any()
