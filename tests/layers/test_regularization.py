"""Dropout and drop-path: what is dropped, what is kept on average, and the seed."""

import numpy as np
import pytest
import tensorflow as tf

from pdarts_tf.layers.regularization import (
    drop_elements,
    drop_path,
    drop_path_factors,
    split_seed,
)

RATE = 0.25
SEED = (3, 4)
ONES = tf.ones((4000, 2, 2, 3))

both = pytest.mark.parametrize("drop", [drop_elements, drop_path])


def test_a_path_is_dropped_for_a_sample_as_a_whole():
    samples = drop_path(ONES, RATE, SEED).numpy().reshape(len(ONES), -1)
    assert np.all(samples == samples[:, :1])
    np.testing.assert_allclose(np.unique(samples), [0, 1 / (1 - RATE)])


def test_elements_are_dropped_one_by_one():
    samples = drop_elements(ONES[:100], RATE, SEED).numpy().reshape(100, -1)
    assert np.any(samples != samples[:, :1])


@both
def test_the_mean_is_kept(drop):
    assert np.mean(drop(ONES, RATE, SEED)) == pytest.approx(1, abs=0.03)


@both
def test_equal_seeds_drop_the_same(drop):
    x = ONES[:100]
    first = drop(x, RATE, SEED).numpy()
    np.testing.assert_array_equal(drop(x, RATE, SEED), first)
    assert np.any(drop(x, RATE, (3, 5)) != first)


@both
def test_a_rate_of_zero_keeps_everything(drop):
    np.testing.assert_array_equal(drop(ONES[:100], 0.0, SEED), ONES[:100])


@both
def test_what_is_dropped_gets_no_gradient(drop):
    x = ONES[:100]
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = drop(x, tf.constant(RATE), SEED)
    np.testing.assert_allclose(tape.gradient(y, x), y)


def test_seeds_that_come_from_one_all_differ():
    seeds = split_seed(SEED, 50).numpy()
    assert len(np.unique(seeds, axis=0)) == 50
    np.testing.assert_array_equal(seeds, split_seed(SEED, 50))


@both
@pytest.mark.parametrize("batch", [8, 3])  # whole blocks of random numbers, and parts of them
def test_images_of_a_global_batch_are_dropped_wherever_they_are_computed(drop, batch):
    images = ONES[:24, :, :1]
    whole = drop(images, RATE, SEED)
    parts = [
        drop(images[i : i + batch], RATE, SEED, first_image=tf.constant(i))
        for i in range(0, 24, batch)
    ]
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    assert any(np.any(part != parts[0]) for part in parts)


def test_the_masks_of_several_operations_are_those_of_each():
    seeds = tf.unstack(split_seed(SEED, 3))
    factors = drop_path_factors(ONES, RATE, seeds)
    for seed, factor in zip(seeds, factors, strict=True):
        np.testing.assert_array_equal(ONES * factor, drop_path(ONES, RATE, seed))


def test_masks_are_those_of_tensorflows_stateless_uniform_numbers():
    keep = tf.random.stateless_uniform((len(ONES), 1, 1, 1), SEED) >= RATE
    np.testing.assert_array_equal(
        drop_path(ONES, RATE, SEED) > 0, ONES * tf.cast(keep, tf.float32) > 0
    )
