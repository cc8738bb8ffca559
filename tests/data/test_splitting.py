"""Samples of classes, and the canonical order."""

from typing import Any

import numpy as np
import pytest

from pdarts_tf.data.images import DataError, Split
from pdarts_tf.data.splitting import (
    hold_out,
    hold_out_validation,
    in_canonical_order,
    sample_classes,
)
from tests.image_files import pixels

NAMES = ("a", "b", "c")
LABELS = np.repeat(np.arange(3), [50, 20, 10])


def split():
    return Split(pixels(80, (2, 2, 1)), LABELS)


def sample(count, seed=0) -> Any:
    return sample_classes(split(), NAMES, count, seed)


def test_so_many_images_of_every_class_are_sampled():
    assert np.bincount(sample(10).labels).tolist() == [10, 10, 10]


def test_a_sample_repeats_with_its_seed_and_differs_between_seeds():
    one, again, other = (sample(5, seed).images for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()


def test_a_sample_of_more_images_than_a_class_has_names_the_class():
    with pytest.raises(DataError, match=r"at most 10, the training images of class 'c'. Received"):
        sample_classes(split(), NAMES, 11, seed=0)


def test_what_is_held_out_is_not_trained_on():
    parts: Any = hold_out(split(), NAMES)
    train, test = parts
    assert np.bincount(test.labels).tolist() == [5, 2, 1]
    both = np.concatenate([train.images, test.images])
    assert sorted(x.tobytes() for x in both) == sorted(x.tobytes() for x in split().images)


def held_out(portion=0.1, seed=0) -> Any:
    """The images to train on, and those for validation."""
    return hold_out_validation(split(), NAMES, portion, seed)


@pytest.mark.parametrize(
    ("portion", "counts"), [(0.1, [5, 2, 1]), (0.01, [1, 1, 1]), (0.99, [49, 19, 9])]
)
def test_a_portion_of_every_class_is_for_validation_and_neither_part_lacks_one(portion, counts):
    train, valid = held_out(portion)
    assert np.bincount(valid.labels).tolist() == counts
    both = np.concatenate([train.images, valid.images])
    assert sorted(x.tobytes() for x in both) == sorted(x.tobytes() for x in split().images)


def test_images_for_validation_repeat_with_their_seed_and_differ_between_seeds():
    one, again, other = (held_out(seed=seed)[1].images for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()


def test_images_for_validation_are_not_those_of_a_test_or_a_sample():
    parts: Any = hold_out(split(), NAMES)
    drawn = [parts[1].images[:5], sample(5).images[:5]]
    assert all((held_out()[1].images[:5] != images).any() for images in drawn)


def test_a_class_of_one_image_has_none_for_validation():
    alone = Split(pixels(4, (2, 2, 1)), np.array([0, 0, 0, 2]))
    with pytest.raises(DataError) as error:
        hold_out_validation(alone, NAMES, 0.1, 0)
    assert str(error.value) == (
        "class 'c' must have at least 2 training images, since --validation_portion=0.1 holds at "
        "least one of them out. Received: 1; --validation_portion=0 trains on all images"
    )


def test_a_class_without_images_has_none_for_validation_either():
    two = Split(pixels(4, (2, 2, 1)), np.array([0, 0, 2, 2]))
    parts: Any = hold_out_validation(two, NAMES, 0.1, 0)
    assert [part.labels.tolist() for part in parts] == [[0, 2], [0, 2]]


def test_canonical_order_does_not_depend_on_the_order_before():
    shuffled = split().take(np.random.default_rng(0).permutation(80))
    one, other = in_canonical_order(split()), in_canonical_order(shuffled)
    np.testing.assert_array_equal(one.images, other.images)
    np.testing.assert_array_equal(one.labels, LABELS)
