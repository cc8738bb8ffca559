"""Data sets from arrays and from tf.data: the same images as given, or one line."""

import numpy as np
import pytest
import tensorflow as tf

from pdarts_tf.data.array_source import image_data
from pdarts_tf.data.images import DataError, Split

IMAGES = np.random.default_rng(0).integers(0, 256, (20, 8, 8, 3), np.uint8)
LABELS = np.arange(20) % 4


def contents(split):
    assert isinstance(split, Split)
    return split.images, split.labels


def pairs(images, labels):
    return tf.data.Dataset.from_tensor_slices((images, labels))


def test_arrays_are_taken_as_they_are():
    data = image_data((IMAGES, LABELS), (IMAGES[:4], LABELS[:4]), class_names="abcd")
    for found, expected in zip(contents(data.train), (IMAGES, LABELS), strict=True):
        np.testing.assert_array_equal(found, expected)
    assert (data.class_names, data.test.num_images) == (("a", "b", "c", "d"), 4)
    np.testing.assert_allclose(data.mean, IMAGES.mean((0, 1, 2)) / 255, rtol=1e-5)


@pytest.mark.parametrize(
    "examples",
    [
        pairs(IMAGES, LABELS),
        pairs(IMAGES, LABELS).batch(7),
        pairs(np.minimum(IMAGES + np.float32(0.25), 255), LABELS[:, np.newaxis]).batch(6),
        (IMAGES.tolist(), LABELS.tolist()),
        (IMAGES.astype(np.int32), LABELS[:, np.newaxis].astype(np.uint8)),
    ],
    ids=["dataset", "batched", "floats", "lists", "labels as Keras has them"],
)
def test_other_forms_give_the_same(examples):
    data = image_data(examples, (IMAGES, LABELS))
    for found, expected in zip(contents(data.train), (IMAGES, LABELS), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_grey_images_need_no_channels():
    assert image_data((IMAGES[..., 0], LABELS)).image_shape == (8, 8, 1)


def test_a_tenth_is_held_out_without_test_images():
    data = image_data((IMAGES, LABELS))
    assert (data.train.num_images, data.test.num_images) == (16, 4)
    assert data.notes


def test_images_are_resized_and_drawn_as_those_of_names_are():
    data = image_data((IMAGES, LABELS), (IMAGES, LABELS), image_size=4, images_per_class=2)
    assert data.image_shape == (4, 4, 3)
    assert np.bincount(data.train.labels).tolist() == [2, 2, 2, 2]


@pytest.mark.parametrize(
    ("train", "expected"),
    [
        ((IMAGES / 255, LABELS), "from 0 to 1; multiply them by 255"),
        ((IMAGES * -1.0, LABELS), "values from 0 to 255. Received: float64 from -255"),
        ((np.where(IMAGES > 9, np.nan, IMAGES), LABELS), "Received: float64 from nan to nan"),
        ((IMAGES, np.eye(4)[LABELS]), r"Received: float64 of shape \(20, 4\); from one-hot"),
        ((IMAGES, LABELS[:5]), r"of shape \(20,\). Received: int64 of shape \(5,\)"),
        ((IMAGES, LABELS - 1), "one integer from 0 per image"),
        ((IMAGES[..., :2], LABELS), "with 1, 3 or 4 channels"),
        ((IMAGES[:0], LABELS[:0]), r"Received: \(0, 8, 8, 3\)"),
        ((IMAGES, LABELS, LABELS), "must be a pair"),
        (pairs(IMAGES, LABELS).map(lambda x, y: x), "must be a dataset of pairs"),
        (pairs(IMAGES, LABELS).take(0), "Received: an empty dataset"),
        (7, "or the name of a data set. Received: int"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line(train, expected):
    with pytest.raises(DataError, match=expected) as error:
        image_data(train)
    assert "\n" not in str(error.value)


def test_labels_have_names():
    with pytest.raises(DataError, match="labels must be from 0 to 1, one for each of class_names"):
        image_data((IMAGES, LABELS), class_names=["cat", "dog"])


def test_test_images_have_the_shape_of_training_images():
    with pytest.raises(DataError, match=r"must have the shape of the training images, \(8, 8, 3\)"):
        image_data((IMAGES, LABELS), (IMAGES[:, :4], LABELS))


def test_other_data_than_that_of_a_run_is_refused():
    stored = image_data((IMAGES, LABELS)).description()
    with pytest.raises(DataError, match="the data is not that of the run: its num_train"):
        image_data((IMAGES[:16], LABELS[:16]), stored=stored)
