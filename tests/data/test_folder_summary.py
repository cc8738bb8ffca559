"""What is said about a folder of images, and duplicates between its splits."""

import pathlib

import numpy as np
import pytest
from PIL import Image

from pdarts_tf.data import folder_summary
from pdarts_tf.data.folder_summary import duplicates
from pdarts_tf.data.sources import load


def save(path, size=(8, 8), seed=0, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (*size, 3), np.uint8)
    Image.fromarray(pixels).save(path, **options)


@pytest.fixture
def folder(tmp_path):
    """Two classes of several formats and sizes, and test images."""
    for i in range(3):
        save(tmp_path / "train" / "cat" / f"{i}.png", (8 + 4 * i, 8), seed=i)
    save(tmp_path / "train" / "dog" / "3.jpg", (12, 20), seed=3)
    save(tmp_path / "test" / "cat" / "4.png", seed=4)
    save(tmp_path / "test" / "dog" / "5.png", seed=5)
    return tmp_path


def notes(folder):
    return load("folder", folder, image_size=8).notes


def test_images_formats_sizes_and_classes_are_counted(folder):
    assert notes(folder) == (
        f"read from {folder}: 6 images (5 PNG, 1 JPEG) of 8x8 to 12x20 pixels. 2 classes: cat 4, "
        "dog 2",
    )


def test_turned_images_are_counted(folder):
    exif = Image.Exif()
    exif[0x0112] = 6
    save(folder / "train" / "dog" / "6.jpg", exif=exif)
    assert "pixels; 1 are turned as their EXIF data says. " in notes(folder)[0]


def test_of_many_classes_the_largest_are_named():
    names = [f"class{i}" for i in range(15)]
    text = folder_summary.summary(
        "f", [(pathlib.Path("a.png"), _header(), "PNG")], names, list(range(15))
    )
    assert "15 classes: class14 14, class13 13, " in text
    assert text.endswith("class3 3, and 3 classes more")


def _header():
    from pdarts_tf.data.image_header import Header

    return Header(8, 8, 3)


def test_test_images_that_are_training_images_are_warned_of(folder):
    content = (folder / "train" / "cat" / "1.png").read_bytes()
    (folder / "test" / "dog" / "copy.png").write_bytes(content)
    assert notes(folder)[1] == (
        f"warning: 1 of 3 test images are training images too, such as {folder}/test/dog/copy.png, "
        f"which is {folder}/train/cat/1.png; test accuracies count them: remove them from one of "
        "both"
    )


def test_equal_sizes_alone_are_no_duplicates(tmp_path):
    for name, content in (("a", b"12"), ("b", b"13"), ("c", b"12")):
        (tmp_path / name).write_bytes(content)
    a, b, c = (tmp_path / name for name in "abc")
    assert duplicates([a], [b]) == []
    assert duplicates([a, b], [c]) == [(str(c), str(a))]
