"""Image folders: what is found, and every way in which a folder can be wrong."""

import io

import numpy as np
import pytest
from PIL import Image

from pdarts_tf.data.folder_source import read_folder
from pdarts_tf.data.images import DataError
from tests.image_files import load, pixels, save, write_folder

NAMES = ("ant", "bee", "cow")
SHAPE = (6, 4, 3)
TRAIN = (pixels(9, SHAPE), np.arange(9) // 3)
TEST = (pixels(3, SHAPE, seed=1), np.arange(3))


@pytest.fixture
def root(tmp_path):
    """Three images of each of three classes, and one of each to test."""
    return write_folder(tmp_path / "root", {"train": TRAIN, "test": TEST}, NAMES)


def refused(root, **options):
    """The line that says why a folder cannot be used."""
    with pytest.raises(DataError) as error:
        load("folder", root, **options)
    assert "\n" not in str(error.value)
    return str(error.value)


def jpeg(image, **options):
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", **options)
    return buffer.getvalue()


def test_classes_are_directories_and_labels_their_places(root):
    names, train, test, tested_on, _ = read_folder(root, None, False)
    assert names == NAMES
    assert train.labels.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert [train.contents.name(i)[-12:] for i in (0, 8)] == ["ant/0000.png", "cow/0008.png"]
    assert test is not None
    assert (test.num_images, tested_on) == (3, "test")
    assert train.image_shape == SHAPE


def test_images_are_loaded_with_their_labels(root):
    data = load("folder", root)
    for split, (images, labels) in ((data.train, TRAIN), (data.test, TEST)):
        written = {image.tobytes(): label for image, label in zip(images, labels, strict=True)}
        assert [written[image.tobytes()] for image in split.images] == split.labels.tolist()
    np.testing.assert_allclose(data.mean, (TRAIN[0] / 255).mean((0, 1, 2)))
    np.testing.assert_allclose(data.std, (TRAIN[0] / 255).std((0, 1, 2)))


def test_val_stands_in_for_test(root):
    (root / "test").rename(root / "val")
    data = load("folder", root)
    assert (data.test.num_images, data.tested_on) == (3, "the val split")


def test_without_test_images_a_tenth_of_each_class_is_held_out_whatever_the_seed(tmp_path):
    labels = np.repeat(np.arange(3), [30, 10, 2])
    root = write_folder(tmp_path, {"train": (pixels(42, SHAPE), labels)}, NAMES)
    data, again = (load("folder", root, seed=seed) for seed in (0, 1))
    assert np.bincount(data.test.labels).tolist() == [3, 1, 1]
    assert np.bincount(data.train.labels).tolist() == [27, 9, 1]
    assert data.tested_on == "10% of the training images of each class, held out"
    np.testing.assert_array_equal(data.test.images, again.test.images)


@pytest.mark.parametrize("suffix", ["bmp", "gif", "PNG"])
def test_lossless_formats_give_the_same_pixels(suffix, tmp_path):
    grey = np.broadcast_to(np.arange(24, dtype=np.uint8).reshape(6, 4, 1) * 10, SHAPE).copy()
    for i, name in enumerate(NAMES[:2]):
        for j in range(2):
            save(tmp_path / "train" / name / f"{j}.{suffix}", grey + np.uint8(i + j))
    data = load("folder", tmp_path)
    assert data.image_shape == SHAPE
    assert {int(image[0, 0, 0]) for image in data.train.images} <= {0, 1, 2}
    np.testing.assert_array_equal(data.train.images[0] - data.train.images[0, 0, 0], grey)


def test_of_a_gif_the_first_frame_counts(root):
    frames = [Image.new("RGB", SHAPE[1::-1], (value,) * 3) for value in (40, 200)]
    frames[0].save(root / "train/ant/0000.gif", save_all=True, append_images=frames[1:])
    (root / "train/ant/0000.png").unlink()
    data = load("folder", root)
    assert any((image == 40).all() for image in data.train.images)


@pytest.mark.parametrize("channels", [1, 4])
def test_grey_images_and_those_with_alpha_keep_their_channels(channels, tmp_path):
    images = pixels(9, (6, 4, channels))
    data = load("folder", write_folder(tmp_path, {"train": (images, TRAIN[1])}, NAMES))
    assert data.image_shape == (6, 4, channels)
    assert len(data.mean) == channels
    assert {i.tobytes() for i in data.train.images} <= {i.tobytes() for i in images}


@pytest.mark.parametrize("suffix", ["png", "bmp"])
def test_grey_images_among_coloured_ones_become_coloured(suffix, root):
    grey = pixels(1, (6, 4, 1), seed=2)[0]
    save(root / "train" / "ant" / f"9.{suffix}", grey)
    found = {image.tobytes() for image in load("folder", root).train.images}
    assert np.repeat(grey, 3, -1).tobytes() in found


def test_some_images_with_alpha_are_refused(root):
    save(root / "train" / "bee" / "x.png", pixels(1, (6, 4, 4))[0])
    assert "1 of 13 with one, such as" in refused(root)
    assert "bee/x.png; convert" in refused(root)


def test_several_sizes_need_image_size(root):
    save(root / "test" / "cow" / "x.png", pixels(1, (8, 8, 3))[0])
    message = refused(root)
    assert "different sizes" in message
    assert "has 6x4" in message
    assert "cow/x.png has 8x8; set --image_size" in message
    assert load("folder", root, image_size=8).image_shape == (8, 8, 3)


def test_files_that_are_hidden_are_left_out(root):
    (root / "train" / ".DS_Store").write_text("x")
    (root / "train" / "ant" / ".DS_Store").write_text("x")
    assert load("folder", root).train.num_images == 9


def test_a_directory_is_needed():
    assert "requires --data_dir" in refused(None)


def test_a_path_that_does_not_exist_is_named(tmp_path):
    assert refused(tmp_path / "no") == (
        f"--data_dir must be an existing directory. Received: {tmp_path / 'no'}"
    )


def test_a_directory_without_train_is_named(tmp_path):
    assert f"train/<class>. Received: {tmp_path}" in refused(tmp_path)


def test_an_empty_class_is_named(root):
    (root / "train" / "dog").mkdir()
    (root / "test" / "dog").mkdir()
    assert f"{root}/train/dog has no images" in refused(root)


def test_one_class_only_is_refused(tmp_path):
    root = write_folder(tmp_path, {"train": (TRAIN[0], TRAIN[1] * 0)}, NAMES)
    assert "at least 2 classes. Received: ant" in refused(root)


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_class_in_one_split_only_is_named(split, root):
    save(root / split / "dog" / "0.png", TRAIN[0][0])
    assert "'dog', which has no" in refused(root)


def test_a_class_of_one_image_cannot_be_held_out_from(tmp_path):
    root = write_folder(tmp_path, {"train": (TRAIN[0][:4], [0, 0, 1, 1])}, NAMES)
    save(root / "train" / "cow" / "0.png", TRAIN[0][0])
    assert "class 'cow' must have at least 2 images" in refused(root)


def test_a_truncated_jpeg_is_named_and_nothing_else_is_written(root, capfd):
    content = jpeg(np.asarray(pixels(1, (60, 40, 3))[0]))
    (root / "train/bee/x.jpg").write_bytes(content[: len(content) // 2])
    assert f"{root}/train/bee/x.jpg is damaged" in refused(root, image_size=8)
    assert "Premature end" not in capfd.readouterr().err


def test_a_truncated_png_is_named(root):
    path = root / "test" / "cow" / "0002.png"
    path.write_bytes(path.read_bytes()[:60])
    assert f"{path} is damaged" in refused(root)


def test_a_text_file_named_png_is_named(root):
    path = root / "train" / "ant" / "x.png"
    path.write_text("not an image")
    assert refused(root) == f"{path} is not a PNG, JPEG, BMP, GIF or WebP image"


def test_another_file_among_the_images_is_named(root):
    path = root / "train" / "ant" / "list.txt"
    path.write_text("x")
    assert f"{path} is not one of .png" in refused(root)


def test_16_bit_images_are_refused(root):
    path = root / "train" / "ant" / "x.png"
    Image.new("I;16", (4, 6)).save(path)
    assert refused(root) == f"{path} has 16 bits per channel, expected 8; convert it"


def test_cmyk_images_are_refused(root):
    path = root / "train" / "ant" / "x.jpg"
    Image.new("CMYK", (4, 6)).save(path)
    assert f"{path} has the 4 channels of CMYK" in refused(root)


@pytest.mark.parametrize("link", ["train/ant/x.png", "train/dog", "test"])
def test_links_out_of_the_root_are_refused(link, root, tmp_path):
    outside = write_folder(tmp_path / "outside", {"d": TEST}, NAMES) / "d"
    path = root / link
    if link == "test":
        path.rename(tmp_path / "moved")
    path.symlink_to(outside / "ant" / "0000.png" if link.endswith("png") else outside)
    assert f"{path} is a link that leads out of --data_dir" in refused(root)


def test_links_inside_the_root_are_followed(root):
    (root / "train" / "ant" / "x.png").symlink_to(root / "train" / "ant" / "0000.png")
    assert load("folder", root).train.num_images == 10
