"""The images that a training holds out, from every kind of source."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from pdarts_tf.config import TrainConfig
from pdarts_tf.data import sources
from pdarts_tf.data.images import DataError, EncodedSplit
from pdarts_tf.train.training_images import split_training_images
from tests.image_files import pixels, write_folder, write_tfds

NAMES = ("x", "y", "z")
COUNTS = [20, 10, 7]
SHAPE = (8, 8, 3)
LABELS = np.random.default_rng(0).permutation(np.repeat(np.arange(3), COUNTS))
SPLITS = {"train": (pixels(37, SHAPE), LABELS), "test": (pixels(6, SHAPE, 1), np.arange(6) % 3)}
SOURCES: dict[str, dict[str, Any]] = {
    "digits": {},
    "folder": {},
    "folder, encoded": {"augmentation": "resized_crop", "image_size": 8},
    "pictures": {},
    "pictures, encoded": {"augmentation": "resized_crop", "image_size": 8},
    "alone": {},
}


@pytest.fixture(scope="module")
def directories(tmp_path_factory):
    """{name of a data set: the directory of the data}."""
    tfds = tmp_path_factory.mktemp("tfds")
    write_tfds(tfds, "pictures", SPLITS, NAMES, SHAPE)
    write_tfds(tfds, "alone", {"train": SPLITS["train"]}, NAMES, SHAPE)
    folder = write_folder(tmp_path_factory.mktemp("folder"), SPLITS, NAMES)
    return {"digits": None, "folder": folder, "pictures": tfds, "alone": tfds}


@pytest.fixture(params=SOURCES)
def found(request, directories):
    """(settings, data) of a source."""
    name = request.param.split(",")[0]
    config = TrainConfig(dataset=name, batch_size=8, **SOURCES[request.param])
    return config, sources.load_for(config, directories[name])


def split(config, data) -> Any:
    """The images of a training; without a type, since a test knows whether it validates."""
    return split_training_images(config, data)


def identities(images):
    """What tells the images of a split apart."""
    if isinstance(images, EncodedSplit):
        return [images.contents.name(i) for i in range(images.num_images)]
    return [image.tobytes() for image in images.images]


def test_the_parts_are_disjoint_and_are_all_images(found):
    config, data = found
    images = split(config, data)
    both = identities(images.for_weights) + identities(images.for_validation)
    assert sorted(both) == sorted(identities(data.train))
    assert images.counts == (images.for_weights.num_images, images.for_validation.num_images)


def test_a_tenth_of_every_class_is_held_out(found):
    config, data = found
    images = split(config, data)
    expected = [round(0.1 * count) for count in np.bincount(data.train.labels)]
    assert np.bincount(images.for_validation.labels).tolist() == expected


def test_a_seed_always_holds_out_the_same_images(found):
    config, data = found
    one, again, other = (
        identities(split(each, data).for_validation)
        for each in (config, config, dataclasses.replace(config, seed=1))
    )
    assert one == again
    assert one != other


def test_what_is_in_memory_and_what_is_not_hold_out_the_same_number(directories):
    counts = []
    for name in ("folder", "folder, encoded"):
        config = TrainConfig(dataset="folder", batch_size=8, **SOURCES[name])
        data = sources.load_for(config, directories["folder"])
        counts.append(split(config, data).counts)
    assert counts == [(33, 4), (33, 4)]


def test_without_validation_all_images_train(found):
    config, data = found
    images = split(dataclasses.replace(config, validation_portion=0.0), data)
    assert images.for_weights is data.train
    assert (images.for_validation, images.counts) == (None, (data.train.num_images, 0))


def test_steps_are_those_of_the_images_that_train(directories):
    config = TrainConfig(dataset="folder", batch_size=8)
    data = sources.load_for(config, directories["folder"])
    assert split(config, data).steps == 33 // 8
    limited = dataclasses.replace(config, max_steps_per_epoch=2)
    assert split(limited, data).steps == 2


def test_a_batch_of_more_images_than_train_is_refused(directories):
    config = TrainConfig(dataset="folder", batch_size=34)
    data = sources.load_for(config, directories["folder"])
    with pytest.raises(DataError) as error:
        split(config, data)
    assert str(error.value) == (
        "--batch_size must be from 1 to 33, the number of images in folder to train, without the "
        "4 for validation. Received: 34"
    )
    unvalidated = dataclasses.replace(config, validation_portion=0.0)
    assert split(unvalidated, data).steps == 1
