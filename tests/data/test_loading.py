"""Loading by name: other names of TFDS, and the data of a run that goes on."""

import numpy as np
import pytest

from pdarts_tf.config import SearchConfig, TrainConfig
from pdarts_tf.data import sources
from pdarts_tf.data.images import DataError, EncodedSplit
from tests.image_files import load, pixels, write_folder, write_tfds

NAMES = ("x", "y", "z")


def splits(*names, num_images=30, shape=(8, 8, 1)):
    """{name: (images, labels)} of noise."""
    return {
        name: (pixels(num_images, shape, seed), np.arange(num_images) % 3)
        for seed, name in enumerate(names)
    }


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    """A TFDS directory with data sets of several kinds."""
    path = tmp_path_factory.mktemp("tfds")
    write_tfds(path, "both", splits("train", "test", "validation"), NAMES, (8, 8, 1))
    write_tfds(path, "alone", splits("train"), NAMES, (8, 8, 1))
    write_tfds(path, "untrained", splits("test"), NAMES, (8, 8, 1))
    unlabelled = splits("train", "validation", "test", shape=(8, 8, 3))
    write_tfds(path, "imagenet2012", unlabelled, NAMES, version="5.1.0", text="file_name")
    return path


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("folder"), splits("train", "test"), NAMES)


@pytest.mark.slow
def test_any_name_that_is_prepared_is_loaded(data_dir):
    data = load("both", data_dir)
    assert (data.class_names, data.image_shape, data.tested_on) == (
        NAMES,
        (8, 8, 1),
        "the test split",
    )
    train, _ = splits("train")["train"]
    np.testing.assert_allclose(data.mean, (train / 255).mean(), rtol=1e-12)
    np.testing.assert_allclose(data.std, (train / 255).std(), rtol=1e-12)


def test_without_a_split_to_test_on_a_tenth_is_held_out(data_dir):
    data = load("alone", data_dir)
    assert np.bincount(data.train.labels).tolist() == [9, 9, 9]
    assert np.bincount(data.test.labels).tolist() == [1, 1, 1]
    assert "held out" in data.tested_on


def test_a_data_set_without_train_says_what_it_has(data_dir):
    with pytest.raises(DataError, match=r"a split named train\. Received: test"):
        load("untrained", data_dir)


def test_imagenet_is_tested_on_validation_with_published_statistics(data_dir):
    config = TrainConfig(
        dataset="imagenet2012", image_size=4, augmentation="resized_crop", batch_size=4
    )
    data = sources.load_for(config, data_dir)
    assert isinstance(data.train, EncodedSplit)
    assert data.train.centre
    assert data.image_shape == (4, 4, 3)
    assert (data.tested_on, data.mean) == ("the validation split", (0.485, 0.456, 0.406))


def test_images_of_several_sizes_need_image_size(data_dir):
    with pytest.raises(DataError, match="'imagenet2012' has images of different sizes; set --im"):
        load("imagenet2012", data_dir)


def test_a_search_may_take_a_sample_of_every_class(data_dir):
    config = SearchConfig(dataset="both", train_images_per_class=4, seed=5)
    data = sources.load_for(config, data_dir)
    assert np.bincount(data.train.labels).tolist() == [4, 4, 4]
    assert data.test.num_images == 30


def test_mean_and_deviation_of_a_run_hold_when_it_goes_on(root):
    stored = load("folder", root).description() | {"mean": [0.1], "std": [0.2]}
    data = load("folder", root, stored=stored)
    assert (data.mean, data.std) == ((0.1,), (0.2,))


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("class_names", ["x", "y", "w"], "its class_names is ['x', 'y', 'z'], not ['x', 'y', 'w']"),
        ("num_train", 29, "its num_train is 30, not 29"),
        ("image_shape", [8, 8, 3], "its image_shape is [8, 8, 1], not [8, 8, 3]"),
    ],
)
def test_other_data_than_that_of_the_run_is_refused(key, value, message, root):
    stored = load("folder", root).description() | {key: value}
    with pytest.raises(DataError) as error:
        load("folder", root, stored=stored)
    assert message in str(error.value)


def test_a_run_from_before_tested_on_was_kept_goes_on(root):
    stored = load("folder", root).description()
    del stored["tested_on"]
    assert load("folder", root, stored=stored).num_classes == 3


def test_digits_are_resized():
    data = load("digits", image_size=12)
    assert data.train.images.shape == (1433, 12, 12, 1)
    assert data.test.image_shape == (12, 12, 1)


def test_images_that_would_not_fit_into_memory_are_not_resized(monkeypatch):
    pages = {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 1000}
    monkeypatch.setattr("os.sysconf", pages.__getitem__)
    with pytest.raises(DataError, match="--image_size must be smaller: to resize 1,797 images"):
        load("digits", image_size=64)


def test_the_description_is_of_what_is_trained_on(root):
    data = load("folder", root, images_per_class=2)
    assert data.description()["num_train"] == 6
