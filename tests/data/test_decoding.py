"""Images outside of memory: the same pixels as in memory, cropped while they are decoded."""

import io

import numpy as np
import pytest
import tensorflow as tf

from pdarts_tf.data import assembling, decoding, images, sources, windows
from pdarts_tf.data.augmentation import Augmentation
from pdarts_tf.data.images import DataError, EncodedSplit, Split
from pdarts_tf.data.pipeline import evaluation_batches, training_batches
from tests.image_files import load, pixels, write_folder, write_tfds

NAMES = ("ant", "bee")
SIZE = (24, 32, 3)
SPLITS = {
    "train": (pixels(12, SIZE), np.arange(12) % 2),
    "test": (pixels(4, SIZE, seed=1), np.arange(4) % 2),
}
MEAN, STD = (0.0,) * 3, (1 / 255,) * 3


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("folder"), SPLITS, NAMES)


@pytest.fixture(scope="module")
def tfds_dir(tmp_path_factory):
    return write_tfds(tmp_path_factory.mktemp("tfds"), "beasts", SPLITS, NAMES)


@pytest.fixture
def no_memory(monkeypatch):
    """Nothing fits into memory."""
    for module in (images, assembling, sources.read_tfds.__globals__):
        if isinstance(module, dict):
            monkeypatch.setitem(module, "MAX_BYTES_IN_MEMORY", 0)
        else:
            monkeypatch.setattr(module, "MAX_BYTES_IN_MEMORY", 0)


def stream(split, augmentation, first_step=0):
    return training_batches(
        split,
        batch_size=4,
        steps_per_epoch=3,
        seed=(0,),
        first_step=first_step,
        last_step=5,
        augmentation=augmentation,
        mean=MEAN,
        std=STD,
    )


def arrays(dataset):
    return [np.concatenate(part) for part in zip(*dataset.as_numpy_iterator(), strict=True)]


def jpeg(image):
    return tf.io.encode_jpeg(image, quality=100, chroma_downsampling=False)


def test_images_that_do_not_fit_into_memory_stay_outside(root, no_memory):
    data = load("folder", root)
    assert isinstance(data.train, EncodedSplit)
    assert isinstance(data.test, EncodedSplit)
    np.testing.assert_allclose(data.mean, (SPLITS["train"][0] / 255).mean((0, 1, 2)))
    np.testing.assert_allclose(data.std, (SPLITS["train"][0] / 255).std((0, 1, 2)))


@pytest.mark.parametrize("augmentation", [Augmentation(2, True, 4), Augmentation(0, False)])
def test_batches_from_outside_are_those_of_the_same_images_in_memory(augmentation, root, no_memory):
    outside = load("folder", root).train
    inside = decoding.in_memory(outside)
    assert isinstance(inside, Split)
    for one, other in zip(
        arrays(stream(outside, augmentation)), arrays(stream(inside, augmentation)), strict=True
    ):
        np.testing.assert_array_equal(one, other)


def test_records_of_tfds_are_read_in_any_order(tfds_dir, no_memory):
    data = load("beasts", tfds_dir, image_size=32)
    written = {
        windows.resize(image, (32, 32)).numpy().tobytes(): label
        for image, label in zip(*SPLITS["train"], strict=True)
    }
    seen, labels = arrays(stream(data.train, Augmentation(0, False)).take(3))
    found = [written.pop(image.astype(np.uint8).tobytes()) for image in np.rint(seen)]
    assert found == labels.tolist()
    assert not written


@pytest.mark.slow
def test_the_index_of_records_is_kept_and_made_again_when_files_change(tfds_dir):
    first = load("beasts", tfds_dir, image_size=16, resized_crop=True)
    (cache,) = tfds_dir.rglob("pdarts_tf_train.npz")
    made = cache.stat().st_mtime_ns
    again = load("beasts", tfds_dir, image_size=16, resized_crop=True)
    assert cache.stat().st_mtime_ns == made
    np.testing.assert_array_equal(again.train.labels, first.train.labels)
    cache.write_bytes(b"damaged")
    again = load("beasts", tfds_dir, image_size=16, resized_crop=True)
    np.testing.assert_array_equal(again.train.contents.offset, first.train.contents.offset)


@pytest.mark.slow
def test_resized_crops_resume_at_a_step(root):
    split = load("folder", root, image_size=16, resized_crop=True).train
    augmentation = Augmentation(resized_crop=True, color_jitter=(0.4, 0.4, 0.4, 0.2))
    whole = [*stream(split, augmentation).as_numpy_iterator()]
    rest = [*stream(split, augmentation, first_step=2).as_numpy_iterator()]
    assert len(rest) == 3
    for (one, ours), (other, theirs) in zip(rest, whole[2:], strict=True):
        np.testing.assert_array_equal(one, other)
        np.testing.assert_array_equal(ours, theirs)


def test_resized_crops_differ_between_epochs_and_images(root):
    split = load("folder", root, image_size=16, resized_crop=True).train
    one_image = split.take(np.zeros(12, int))
    seen, _ = arrays(stream(one_image, Augmentation(flip=False, resized_crop=True)))
    assert len({image.tobytes() for image in seen}) == 20


def test_images_in_memory_can_be_cropped_and_resized_too():
    split = Split(pixels(12, (16, 16, 1)), np.arange(12))
    augmentation = Augmentation(flip=False, resized_crop=True)
    seen, labels = arrays(
        training_batches(
            split,
            batch_size=4,
            steps_per_epoch=3,
            seed=(0,),
            first_step=0,
            last_step=3,
            augmentation=augmentation,
            mean=(0.0,),
            std=(1.0,),
        )
    )
    assert seen.shape == (12, 16, 16, 1)
    assert sorted(labels) == list(range(12))


def test_beside_resized_crops_tests_show_the_centre(root):
    split = load("folder", root, image_size=16, resized_crop=True).test
    seen, labels, _ = arrays(evaluation_batches(split, 4, MEAN, STD))
    place = int(np.flatnonzero(labels == 0)[0])
    assert place == 0
    expected = windows.resize(SPLITS["test"][0][0][1:22, 5:26], (16, 16))
    np.testing.assert_allclose(seen[0], expected, atol=1e-3)


def test_a_jpeg_is_decoded_in_part_as_it_is_whole():
    rng = np.random.default_rng(0)
    smooth = tf.image.resize(rng.uniform(0, 255, (5, 6, 3)), (40, 48))
    content = jpeg(tf.cast(smooth, tf.uint8))
    whole = tf.io.decode_jpeg(content).numpy().astype(int)
    part = decoding.decode(content, 3, lambda shape: tf.constant([7, 9, 20, 30])).numpy()
    assert part.shape == (20, 30, 3)
    np.testing.assert_allclose(part, whole[7:27, 9:39], atol=2)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_grey_jpeg_has_the_channels_asked_for(channels):
    image = np.arange(64, dtype=np.uint8).reshape(8, 8, 1)
    decoded = decoding.decode(jpeg(image), channels).numpy()
    np.testing.assert_allclose(decoded, np.repeat(image, channels, -1), atol=4)


def test_a_damaged_image_outside_of_memory_is_named_before_anything_is_trained(tmp_path, no_memory):
    root = write_folder(tmp_path, SPLITS, NAMES)
    path = root / "train" / "bee" / "0003.png"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(DataError, match=f"{path} is damaged"):
        load("folder", root)


def test_statistics_of_a_channel_that_never_changes():
    opaque = np.concatenate([pixels(3, (4, 4, 3)), np.full((3, 4, 4, 1), 255, np.uint8)], -1)
    mean, std = decoding.statistics(Split(opaque, np.arange(3)))
    assert (mean[3], std[3]) == (1.0, 1.0)


def test_pixels_of_png_files_written_by_others_are_exact():
    from PIL import Image

    buffer = io.BytesIO()
    image = pixels(1, (5, 4, 4))[0]
    Image.fromarray(image).save(buffer, "PNG")
    np.testing.assert_array_equal(decoding.decode(buffer.getvalue(), 4), image)


def test_a_coloured_image_becomes_grey_by_its_brightness():
    image = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255]]], np.uint8)
    grey = decoding.decode(tf.io.encode_png(image), 1)
    np.testing.assert_allclose(grey[0, :, 0], [76, 149, 29], atol=1)  # ITU-R BT.601


def test_reading_takes_little_memory_whatever_the_size_of_the_images():
    for shape in ((8, 8, 1), (32, 32, 3), (4000, 4000, 3), (10000, 10000, 3)):
        count = decoding.images_at_once(shape)
        assert count == 1 or count * np.prod(shape) <= 64 * 2**20


def test_too_little_memory_is_named_as_the_cause(root, monkeypatch):
    def fail(index):
        raise MemoryError

    def reader(split):
        return lambda index: tf.ensure_shape(
            tf.numpy_function(fail, [index], tf.uint8), split.image_shape
        )

    monkeypatch.setattr(decoding, "_checking_reader", reader)
    split = load("folder", root, resized_crop=True, stored={"mean": [0.0], "std": [1.0]}).train
    with pytest.raises(DataError, match="not enough memory to decode 12 images of 24x32x3"):
        next(decoding.decoded_batches(split))
