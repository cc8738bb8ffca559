"""Data sets by name, and splitting them."""

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pdarts_tf.data import sources
from pdarts_tf.data.sources import DataError, Split
from tests.image_files import load

CIFAR10_ARCHIVE = "cifar-10-binary.tar.gz"


def numbered_split(num_images):
    """Images whose one pixel is their number."""
    numbers = np.arange(num_images)
    return Split(numbers.astype(np.uint8).reshape(-1, 1, 1, 1), numbers.astype(np.int64))


@pytest.fixture(scope="module")
def digits():
    return load("digits")


@pytest.fixture(scope="module")
def cifar10_dir(tmp_path_factory):
    """A prepared TFDS directory with 12 training and 5 test images of noise."""
    import tensorflow as tf
    import tensorflow_datasets as tfds

    def split(num_images, seed):
        images = np.random.default_rng(seed).integers(0, 256, (num_images, 32, 32, 3), np.uint8)
        return tf.data.Dataset.from_tensor_slices(
            {
                "id": [f"image_{i}" for i in range(num_images)],
                "image": images,
                "label": np.arange(num_images, dtype=np.int64) % 10,
            }
        )

    data_dir = tmp_path_factory.mktemp("tfds")
    tfds.dataset_builders.store_as_tfds_dataset(
        name="cifar10",
        version="3.0.2",
        features=tfds.features.FeaturesDict(
            {
                "id": tfds.features.Text(),
                "image": tfds.features.Image(shape=(32, 32, 3)),
                "label": tfds.features.ClassLabel(names=[f"class_{i}" for i in range(10)]),
            }
        ),
        split_datasets={"train": split(12, 0), "test": split(5, 1)},
        data_dir=str(data_dir),
    )
    return data_dir


@pytest.fixture
def offline(monkeypatch):
    """No network, and none used."""
    import requests
    from tensorflow_datasets.core.download import downloader

    def head(url, **_):
        raise requests.ConnectionError(f"no route to {url}")

    def fail(*_, **__):
        raise AssertionError("TFDS would wait for minutes here")

    monkeypatch.setattr(requests, "head", head)
    monkeypatch.setattr(downloader, "_open_url", fail)


def one_line(error):
    message = str(error.value)
    assert "\n" not in message
    return message


def test_importing_sources_loads_neither_tensorflow_nor_scikit_learn():
    code = (
        "import sys, pdarts_tf.data.sources;"
        "print({'tensorflow', 'tensorflow_datasets', 'sklearn'} & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"


def test_unknown_name_lists_the_known_ones_and_suggests_the_closest():
    with pytest.raises(DataError) as error:
        load("cifar-10")
    assert one_line(error) == (
        "--dataset must be one of cifar10, cifar100, digits, folder, imagenet2012, or a name in "
        "TFDS. Received: 'cifar-10'; did you mean 'cifar10'?"
    )


def test_unknown_name_that_resembles_none_gets_no_suggestion():
    with pytest.raises(DataError, match=r"Received: '12-xyzzy'$"):
        load("12-xyzzy")


def test_a_name_that_tfds_does_not_know_is_an_error(tmp_path, offline):
    with pytest.raises(DataError) as error:
        load("mnis", tmp_path)
    assert one_line(error) == (
        "dataset 'mnis' is neither known to TFDS nor prepared in --data_dir; did you mean 'mnist'?"
    )


def test_data_to_download_by_hand_says_what_and_where_to(tmp_path, offline):
    with pytest.raises(DataError) as error:
        load("imagenet2012", tmp_path)
    message = one_line(error)
    assert f"'imagenet2012' has to be downloaded by hand into {tmp_path}/downloads/man" in message
    assert "ILSVRC2012_img_train.tar and ILSVRC2012_img_val.tar" in message


def test_digits_are_8x8_grey_images_of_10_classes(digits):
    assert digits.image_shape == (8, 8, 1)
    assert digits.num_classes == 10
    assert digits.class_names == tuple("0123456789")
    for split in (digits.train, digits.test):
        assert split.images.dtype == np.uint8
        assert split.labels.dtype == np.int64
        assert split.images.shape == (split.num_images, 8, 8, 1)
        assert split.labels.shape == (split.num_images,)


def test_digits_span_the_whole_range_of_grey(digits):
    assert digits.train.images.min() == 0
    assert digits.train.images.max() == 255


def test_digits_keep_every_image_in_one_of_the_splits(digits):
    from sklearn.datasets import load_digits

    expected = np.rint(load_digits().images * 255 / 16).astype(np.uint8)
    received = np.concatenate([digits.train.images, digits.test.images])[..., 0]
    assert sorted(x.tobytes() for x in received) == sorted(x.tobytes() for x in expected)


def test_a_fifth_of_each_class_of_digits_is_for_testing(digits):
    train, test = (np.bincount(split.labels) for split in (digits.train, digits.test))
    assert digits.test.num_images == pytest.approx(0.2 * 1797, abs=5)
    np.testing.assert_array_equal(test, np.ceil((train + test) / 5))


def test_digits_are_the_same_every_time(digits):
    again = load("digits", data_dir="/ignored")
    np.testing.assert_array_equal(again.train.images, digits.train.images)
    np.testing.assert_array_equal(again.test.labels, digits.test.labels)


def test_digits_mean_and_std_standardise_the_training_images(digits):
    pixels = (digits.train.images / 255 - digits.mean) / digits.std
    assert pixels.mean() == pytest.approx(0, abs=1e-9)
    assert pixels.std() == pytest.approx(1)


def test_tfds_data_is_read_without_a_network(cifar10_dir, offline):
    data = load("cifar10", cifar10_dir)
    assert data.name == "cifar10"
    assert data.class_names == tuple(f"class_{i}" for i in range(10))
    assert data.image_shape == (32, 32, 3)
    assert data.train.images.dtype == np.uint8
    assert data.train.labels.dtype == np.int64
    assert (data.train.num_images, data.test.num_images) == (12, 5)
    assert data.mean == (0.49139968, 0.48215827, 0.44653124)
    assert data.std == (0.24703233, 0.24348505, 0.26158768)


@pytest.mark.slow
def test_tfds_images_keep_their_labels_and_their_order(cifar10_dir):
    data = load("cifar10", str(cifar10_dir))
    for split, seed in ((data.train, 0), (data.test, 1)):
        images = np.random.default_rng(seed).integers(0, 256, split.images.shape, np.uint8)
        written = {image.tobytes(): i % 10 for i, image in enumerate(images)}
        assert [written[image.tobytes()] for image in split.images] == split.labels.tolist()
    again = load("cifar10", cifar10_dir)
    np.testing.assert_array_equal(again.train.images, data.train.images)


@pytest.mark.parametrize(
    ("name", "archive"), [("cifar10", CIFAR10_ARCHIVE), ("cifar100", "cifar-100-binary.tar.gz")]
)
def test_missing_data_without_a_network_says_where_it_belongs(name, archive, tmp_path, offline):
    with pytest.raises(DataError) as error:
        load(name, tmp_path)
    message = one_line(error)
    assert f"{name!r} is not prepared in {tmp_path / name}/3.0.2" in message
    assert f"no answer from https://www.cs.toronto.edu/~kriz/{archive}" in message
    assert f"put {archive} into {tmp_path}/downloads/manual" in message


def test_the_home_directory_may_be_written_as_a_tilde(tmp_path, offline, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(DataError, match=f"prepared in {tmp_path}/data/cifar10"):
        load("cifar10", "~/data")


def test_a_server_out_of_order_is_not_waited_for(tmp_path, offline, monkeypatch):
    import requests

    answer = requests.Response()
    answer.status_code = 503
    monkeypatch.setattr(requests, "head", lambda url, **_: answer)
    with pytest.raises(DataError, match="status 503"):
        load("cifar10", tmp_path)


def test_an_archive_put_there_by_hand_is_used_without_a_network(tmp_path, offline):
    archive = tmp_path / "downloads" / "manual" / CIFAR10_ARCHIVE
    archive.parent.mkdir(parents=True)
    archive.write_bytes(b"not the archive")
    with pytest.raises(DataError, match=f"{archive}, has wrong checksum") as error:
        load("cifar10", tmp_path)
    one_line(error)


def test_half_a_prepared_directory_is_named(tmp_path, offline):
    (tmp_path / "cifar10" / "3.0.2").mkdir(parents=True)
    with pytest.raises(DataError, match=r"dataset_info\.json is missing") as error:
        load("cifar10", tmp_path)
    one_line(error)


def test_damaged_data_is_an_error_that_names_the_directory(cifar10_dir, tmp_path):
    damaged = tmp_path / "cifar10" / "3.0.2"
    damaged.mkdir(parents=True)
    for path in (cifar10_dir / "cifar10" / "3.0.2").iterdir():
        content = path.read_bytes()
        (damaged / path.name).write_bytes(
            content[: len(content) // 2] if "train.tfrecord" in path.name else content
        )
    with pytest.raises(DataError, match=f"{damaged} that cannot be read") as error:
        load("cifar10", tmp_path)
    one_line(error)


@given(
    num_images=st.integers(2, 200), portion=st.floats(0.01, 0.99), seed=st.integers(0, 2**32 - 1)
)
def test_two_parts_hold_every_image_once(num_images, portion, seed):
    num_first = int(portion * num_images)
    if num_first == 0:
        with pytest.raises(DataError):
            sources.split_in_two(numbered_split(num_images), portion, seed)
        return
    parts: Any = sources.split_in_two(numbered_split(num_images), portion, seed)
    first, second = parts
    assert first.num_images == num_first
    np.testing.assert_array_equal(
        np.sort(np.concatenate([first.labels, second.labels])), np.arange(num_images)
    )
    for part in (first, second):
        np.testing.assert_array_equal(part.images.ravel(), part.labels)


def test_splitting_repeats_with_the_seed_and_differs_between_seeds():
    split = numbered_split(100)
    first, again, other = (sources.split_in_two(split, 0.5, seed)[0].labels for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert len(np.intersect1d(first, other)) < 40


def test_splitting_gives_the_halves_that_earlier_runs_had():
    first, _ = sources.split_in_two(numbered_split(10), 0.5, 0)
    assert first.labels.tolist() == [1, 2, 3, 6, 8]


def test_splitting_takes_several_integers_as_a_seed():
    split = numbered_split(100)
    one, other = (sources.split_in_two(split, 0.5, seed)[0].labels for seed in ((1, 2), (2, 1)))
    assert one.tolist() != other.tolist()


@pytest.mark.parametrize("portion", [-0.5, 0.0, 0.05, 1.0, 1.5])
def test_a_part_without_images_is_an_error(portion):
    with pytest.raises(DataError, match=f"10 images in either part. Received: portion={portion}"):
        sources.split_in_two(numbered_split(10), portion, 0)
