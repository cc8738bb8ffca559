"""Batches: which images, in which order, and the same again after a resumption."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from pdarts_tf.data.augmentation import Augmentation
from pdarts_tf.data.pipeline import (
    bilevel_batches,
    check_batch_size,
    evaluation_batches,
    steps_per_epoch,
    training_batches,
)
from pdarts_tf.data.sources import DataError, Split

PLAIN = Augmentation(padding=0, flip=False)
MEAN, STD = (0.5,), (0.25,)


def numbered(num_images, size=1):
    """A split whose labels are the images' numbers, and whose pixels are random."""
    images = np.random.default_rng(0).integers(0, 256, (num_images, size, size, 1), np.uint8)
    return Split(images, np.arange(num_images))


def stream(split, steps, *, first_step=0, last_step=None, seed=(0, 1), augmentation=PLAIN):
    """training_batches of 4 images, `steps` of them per epoch, two epochs unless told otherwise."""
    return training_batches(
        split,
        batch_size=4,
        steps_per_epoch=steps,
        seed=seed,
        first_step=first_step,
        last_step=2 * steps if last_step is None else last_step,
        augmentation=augmentation,
        mean=MEAN,
        std=STD,
    )


def bilevel(train, valid, *, first_step=0, last_step=6, seed=(0, 1), augmentation=PLAIN):
    """bilevel_batches of 4 images, with whole epochs."""
    return bilevel_batches(
        train,
        valid,
        batch_size=4,
        steps_per_epoch=train.num_images // 4,
        seed=seed,
        first_step=first_step,
        last_step=last_step,
        augmentation=augmentation,
        mean=MEAN,
        std=STD,
    )


def labels(dataset):
    """(steps, batch) the numbers of the images of each batch."""
    return np.array([y for _, y in dataset.as_numpy_iterator()])


def assert_same(one, other):
    one, other = (list(dataset.as_numpy_iterator()) for dataset in (one, other))
    assert len(one) == len(other)
    for a, b in zip(tf.nest.flatten(one), tf.nest.flatten(other), strict=True):
        np.testing.assert_array_equal(a, b)


def test_training_batches_have_a_fixed_shape():
    dataset = stream(numbered(12, size=3), 3)
    assert dataset.element_spec == (
        tf.TensorSpec([4, 3, 3, 1], tf.float32),
        tf.TensorSpec([4], tf.int64),
    )
    assert dataset.cardinality() == 6


def test_images_keep_their_labels_and_are_normalised():
    split = numbered(12, size=3)
    for images, numbers in stream(split, 3).as_numpy_iterator():
        np.testing.assert_allclose(
            images, (split.images[numbers] / 255 - 0.5) / 0.25, rtol=1e-5, atol=1e-6
        )


def test_every_epoch_has_every_image_once():
    epochs = labels(stream(numbered(12), 3, last_step=15)).reshape(5, 12)
    np.testing.assert_array_equal(np.sort(epochs), np.tile(np.arange(12), (5, 1)))


def test_the_remainder_is_left_out_and_differs_between_epochs():
    epochs = labels(stream(numbered(15), 3, last_step=30)).reshape(10, 12)
    assert all(len(set(epoch)) == 12 for epoch in epochs)
    assert set(epochs.flat) == set(range(15))


def test_a_shortened_epoch_draws_from_all_images():
    epochs = labels(stream(numbered(40), 2, last_step=40)).reshape(20, 8)
    assert all(len(set(epoch)) == 8 for epoch in epochs)
    assert set(epochs.flat) == set(range(40))


def test_the_order_is_another_one_in_every_epoch():
    epochs = labels(stream(numbered(80), 20, last_step=400)).reshape(20, 80)
    correlations = np.corrcoef(epochs)[np.triu_indices(20, 1)]
    assert np.abs(correlations).max() < 4.5 / np.sqrt(80)
    assert np.square(correlations).mean() == pytest.approx(1 / 80, rel=0.3)


@pytest.mark.parametrize("other", [(1, 1), (0, 2), (1, 0), (0, 1, 0), (0,)])
def test_the_order_depends_on_every_part_of_the_seed(other):
    split = numbered(80)
    assert (labels(stream(split, 20)) == labels(stream(split, 20, seed=other))).mean() < 0.1


def test_the_augmentation_depends_on_the_seed():
    split = Split(numbered(4, size=8).images[[0] * 40], np.zeros(40, np.int64))
    one, other = (
        np.array([x for x, _ in stream(split, 10, seed=seed, augmentation=Augmentation())])
        for seed in ((0, 1), (0, 2))
    )
    assert (one == other).all(axis=(2, 3, 4)).mean() < 0.1


def test_the_augmentation_depends_on_the_step():
    # One image only, so that the order makes no difference.
    split = Split(numbered(4, size=8).images[[0] * 4], np.zeros(4, np.int64))
    batches = [x for x, _ in stream(split, 1, last_step=10, augmentation=Augmentation())]
    for one, other in itertools.combinations(batches, 2):
        assert (one.numpy() != other.numpy()).any()


@pytest.mark.parametrize("first_step", [1, 2, 3, 5, 6, 8])
def test_beginning_at_a_step_is_the_same_as_skipping_to_it(first_step):
    split = numbered(14, size=8)
    augmentation = Augmentation(padding=2, cutout_length=2)
    whole = stream(split, 3, last_step=8, augmentation=augmentation)
    assert_same(
        stream(split, 3, first_step=first_step, last_step=8, augmentation=augmentation),
        whole.skip(first_step),
    )


def test_the_last_step_does_not_change_the_batches_before():
    split = numbered(12, size=8)
    assert_same(stream(split, 3, last_step=4), stream(split, 3, last_step=9).take(4))


def test_two_passes_over_a_dataset_are_the_same():
    dataset = stream(numbered(12, size=8), 3, augmentation=Augmentation())
    assert_same(dataset, dataset)


def test_the_first_bilevel_batches_are_the_training_batches():
    train, valid = numbered(12, size=8), numbered(8, size=8)
    both = bilevel(train, valid, augmentation=Augmentation())
    assert_same(both.map(lambda t, v: t), stream(train, 3, augmentation=Augmentation()))


def test_bilevel_streams_have_different_orders_and_augmentations():
    split = Split(numbered(1, size=8).images[[0] * 80], np.arange(80))
    pairs = list(bilevel(split, split, last_step=20, augmentation=Augmentation()))
    same_label = [(train[1] == valid[1]).numpy() for train, valid in pairs]
    same_image = [(train[0] == valid[0]).numpy().all(axis=(1, 2, 3)) for train, valid in pairs]
    assert np.mean(same_label) < 0.1
    assert np.mean(same_image) < 0.1


def test_valid_batches_come_in_epochs_of_their_own():
    valid = labels(bilevel(numbered(24), numbered(10), last_step=6).map(lambda t, v: v))
    epochs = valid.reshape(3, 8)
    assert all(len(set(epoch)) == 8 for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 3


@pytest.mark.parametrize("first_step", [1, 4, 5])
def test_bilevel_batches_resume_at_a_step(first_step):
    train, valid = numbered(12, size=8), numbered(9, size=8)
    assert_same(
        bilevel(train, valid, first_step=first_step, augmentation=Augmentation()),
        bilevel(train, valid, augmentation=Augmentation()).skip(first_step),
    )


@pytest.mark.parametrize("num_images", [1, 7, 8, 9])
def test_evaluation_has_every_image_once_in_order(num_images):
    split = numbered(num_images, size=2)
    batches = list(evaluation_batches(split, 4, MEAN, STD).as_numpy_iterator())
    assert {images.shape for images, _, _ in batches} == {(4, 2, 2, 1)}
    images, numbers, weights = (np.concatenate(parts) for parts in zip(*batches, strict=True))
    assert len(batches) == -(-num_images // 4)
    assert weights.dtype == np.float32
    np.testing.assert_array_equal(weights, np.arange(len(weights)) < num_images)
    counted = weights == 1
    np.testing.assert_array_equal(numbers[counted], np.arange(num_images))
    np.testing.assert_allclose(
        images[counted], (split.images / 255 - 0.5) / 0.25, rtol=1e-5, atol=1e-6
    )


def test_evaluation_batches_have_a_fixed_shape():
    assert evaluation_batches(numbered(5, size=3), 4, MEAN, STD).element_spec == (
        tf.TensorSpec([4, 3, 3, 1], tf.float32),
        tf.TensorSpec([4], tf.int64),
        tf.TensorSpec([4], tf.float32),
    )


@pytest.mark.parametrize(("num_images", "batch_size"), [(0, 4), (4, 0)])
def test_nothing_to_evaluate_is_an_error(num_images, batch_size):
    with pytest.raises(DataError, match=f"batch_size={batch_size}, {num_images} images"):
        evaluation_batches(numbered(num_images), batch_size, MEAN, STD)


def test_images_are_not_copied_into_the_graph():
    dataset = stream(Split(np.zeros((1000, 32, 32, 1), np.uint8), np.arange(1000)), 250)
    graphs = [function.function_def.ByteSize() for function in dataset._functions()]
    assert all(size < 100_000 for size in graphs)


@pytest.mark.parametrize(("max_steps", "expected"), [(None, 260), (300, 260), (260, 260), (10, 10)])
def test_steps_per_epoch_counts_whole_batches_up_to_a_maximum(max_steps, expected):
    assert steps_per_epoch(25_000, 96, max_steps) == expected


@pytest.mark.parametrize("batch_size", [0, 41])
def test_a_batch_that_does_not_fit_names_the_largest_that_does(batch_size):
    with pytest.raises(DataError) as error:
        check_batch_size(40, batch_size, "the first half of digits")
    assert str(error.value) == (
        "--batch_size must be from 1 to 40, the number of images in the first half of digits. "
        f"Received: {batch_size}"
    )


@pytest.mark.parametrize("batch_size", [1, 40])
def test_a_batch_that_fits_is_no_error(batch_size):
    check_batch_size(40, batch_size, "the first half of digits")


@pytest.mark.parametrize(("train", "valid", "what"), [(3, 8, "train"), (8, 3, "valid")])
def test_a_split_without_a_whole_batch_is_an_error(train, valid, what):
    with pytest.raises(DataError, match=f"from 1 to 3, the number of images in the {what} split"):
        bilevel(numbered(train), numbered(valid))


@pytest.mark.parametrize("steps", [0, 4])
def test_an_epoch_of_more_steps_than_there_are_batches_is_an_error(steps):
    with pytest.raises(DataError, match=f"from 1 to 3, .* Received: steps_per_epoch={steps}"):
        stream(numbered(15), steps, last_step=8)
