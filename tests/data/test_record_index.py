"""TFRecord files that have changed or are damaged: read rightly, or refused."""

import os
import shutil

import numpy as np
import pytest

from pdarts_tf.data.images import DataError
from tests.image_files import load, pixels, write_tfds

NAMES = ("ant", "bee")
IMAGES = pixels(12, (6, 6, 3))
LABELS = np.arange(12) % 2


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A prepared data set, and one with the same images and other labels."""
    path = tmp_path_factory.mktemp("tfds")
    for name, labels in (("one", LABELS), ("other", 1 - LABELS)):
        splits = {"train": (IMAGES, labels), "val": (IMAGES[:4], labels[:4])}
        write_tfds(path / name, "beasts", splits, NAMES)
    return path


@pytest.fixture
def data_dir(prepared, tmp_path):
    """A copy of the first, to be damaged."""
    return shutil.copytree(prepared / "one", tmp_path / "data")


def records(data_dir):
    """The file of the training images."""
    (path,) = data_dir.rglob("beasts-train.tfrecord*")
    return path


def pairs(data):
    """{digest of an image: label} of the training images, wherever they are."""
    from pdarts_tf.data.decoding import in_memory

    split = in_memory(data.train)
    return {image.tobytes(): int(y) for image, y in zip(split.images, split.labels, strict=True)}


def in_files(data_dir):
    """Loads the data so that the images stay in their files, behind an index."""
    return load("beasts", data_dir, image_size=6, resized_crop=True)


def test_a_split_named_val_is_tested_on(data_dir):
    data = load("beasts", data_dir, image_size=6)
    assert (data.test.num_images, data.tested_on, data.notes) == (4, "the val split", ())


@pytest.mark.slow
def test_files_replaced_by_others_of_equal_size_are_read_anew(prepared, data_dir):
    path = records(data_dir)
    before = in_files(data_dir).train.labels.tolist()
    times = os.stat(path)
    content = records(prepared / "other").read_bytes()
    assert len(content) == path.stat().st_size
    path.write_bytes(content)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))  # as rsync and cp -p do
    assert in_files(data_dir).train.labels.tolist() == [1 - label for label in before]


@pytest.mark.parametrize("stay", [True, False])
@pytest.mark.parametrize("where", [0, 5, 11])
def test_files_that_end_within_the_next_length_are_refused(stay, where, data_dir):
    path = records(data_dir)
    content = path.read_bytes()
    lengths, place = [], 0
    while place < len(content):
        lengths.append(place)
        place += 16 + int.from_bytes(content[place : place + 8], "little")
    path.write_bytes(content[: lengths[9] + where])
    with pytest.raises(DataError) as error:
        in_files(data_dir) if stay else load("beasts", data_dir, image_size=6)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("stay", [True, pytest.param(False, marks=pytest.mark.slow)])
@pytest.mark.slow
def test_damages_are_refused_or_do_not_matter(stay, data_dir):
    path = records(data_dir)
    content = path.read_bytes()
    expected = {image.tobytes(): int(y) for image, y in zip(IMAGES, LABELS, strict=True)}
    random = np.random.default_rng(0)
    for _ in range(10):
        damaged = bytearray(content)
        damaged[random.integers(len(content))] ^= 1 << random.integers(8)
        path.write_bytes(damaged)
        try:
            data = in_files(data_dir) if stay else load("beasts", data_dir, image_size=6)
            found = data.train.labels if stay else pairs(data)
        except DataError:
            continue
        assert found == expected


@pytest.mark.parametrize("stay", [True, False])
@pytest.mark.parametrize("content", [b"\n\x90", b"\xff" * 9, b""])
def test_records_that_are_no_examples_are_refused(stay, content, data_dir):
    import tensorflow as tf

    path = records(data_dir)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for _ in range(12):
            writer.write(content)
    with pytest.raises(DataError, match=r"^dataset 'beasts' has files .* to have it prepared ag"):
        in_files(data_dir) if stay else load("beasts", data_dir, image_size=6)
