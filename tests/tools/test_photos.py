"""The folder of photos that tools.photos makes of the pictures of scikit-image."""

import hashlib
import random
from collections import Counter

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageOps

from pdarts_tf.data.folder_source import read_folder
from pdarts_tf.errors import InputError
from tools import photos

SUBJECTS = {"dark": photos.Subject("a.png", 12, 6), "light": photos.Subject("b.png", 9, 6)}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Stands for the pictures of scikit-image: a grey one, and one in colours."""
    folder = tmp_path_factory.mktemp("pictures")
    grey = np.full((90, 120), 40, np.uint8)
    grey[:, 60:] = 180
    Image.fromarray(grey).save(folder / "a.png")
    rows = np.linspace(20, 200, 90).astype(np.uint8)[:, None, None]  # light at the bottom
    Image.fromarray(np.tile(rows, (1, 120, 3))).save(folder / "b.png")
    return folder


@pytest.fixture(scope="module")
def root(pictures, tmp_path_factory):
    """A folder of photos."""
    path = tmp_path_factory.mktemp("photos")
    assert photos.write_photos(path, 0, pictures, SUBJECTS) == 33
    return path


def digests(root):
    """{path below the root: digest of the file}."""
    files = [path for path in sorted(root.rglob("*")) if path.is_file()]
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


def shown(path):
    """The image of a file as people see it."""
    with Image.open(path) as image:
        return ImageOps.exif_transpose(image)


def test_there_are_740_training_images_not_equally_many_of_each_class():
    numbers = [subject.train for subject in photos.SUBJECTS.values()]
    assert (sum(numbers), min(numbers), max(numbers), len(numbers)) == (740, 40, 120, 10)


def test_the_pictures_come_with_scikit_image():
    there = {path.name for path in photos.find_pictures().iterdir()}
    assert {subject.picture for subject in photos.SUBJECTS.values()} <= there


def test_a_seed_gives_the_same_files(root, pictures, tmp_path):
    photos.write_photos(tmp_path / "again", 0, pictures, SUBJECTS)
    photos.write_photos(tmp_path / "other", 1, pictures, SUBJECTS)
    assert digests(tmp_path / "again") == digests(root)
    assert not set(digests(tmp_path / "other").values()) & set(digests(root).values())


def test_every_class_has_as_many_images_as_it_says(root):
    found = Counter(path.parent.relative_to(root).as_posix() for path in root.rglob("*.*"))
    assert found == {"train/dark": 12, "train/light": 9, "test/dark": 6, "test/light": 6}


def test_training_images_are_from_the_left_half_and_test_images_from_the_right(root):
    levels = {
        split: [np.asarray(shown(path)).mean() for path in (root / split / "dark").iterdir()]
        for split in ("train", "test")
    }
    assert max(levels["train"]) <= 40 * 1.4 + 1
    assert min(levels["test"]) >= 180 * 0.6 - 1


def test_images_that_exif_turns_are_shown_upright(root):
    turned = 0
    for path in root.rglob("light/*.*"):
        with Image.open(path) as image:
            turned += ExifTags.Base.Orientation in image.getexif()
        pixels = np.asarray(shown(path).convert("L"), np.float64)
        assert pixels[-20:].mean() > pixels[:20].mean()
    assert turned >= 1


def test_sizes_are_between_160_and_320_pixels_and_differ():
    draw, picture = random.Random(0), Image.new("L", (200, 300))
    sizes = [photos.crop(picture, draw).size for _ in range(50)]
    sides = [side for size in sizes for side in size]
    assert 160 <= min(sides) < 180
    assert 300 < max(sides) <= 320
    assert len(set(sizes)) > 25


def test_some_coloured_images_become_grey_and_grey_ones_stay_so():
    draw = random.Random(0)
    coloured = Counter(photos.crop(Image.new("RGB", (200, 200)), draw).mode for _ in range(30))
    assert coloured["L"] == pytest.approx(10, abs=5)
    assert photos.crop(Image.new("L", (200, 200)), draw).mode == "L"


def test_a_run_reads_what_it_writes(root):
    names, train, test, _, (said, *_) = read_folder(root, image_size=32, centre=False)
    assert test is not None
    assert (names, train.num_images, test.num_images) == (("dark", "light"), 21, 12)
    assert train.image_shape == (32, 32, 3)
    assert all(each in said for each in ("JPEG", "PNG", "WebP", "turned as their EXIF data says"))


@pytest.mark.parametrize("kind", ["file", "directory"])
def test_what_is_there_is_left_alone(tmp_path, pictures, kind):
    path = tmp_path / "photos"
    if kind == "directory":
        path.mkdir()
        (path / "mine.png").write_bytes(b"")
    else:
        path.write_bytes(b"")
    before = digests(tmp_path)
    with pytest.raises(InputError, match="--output_dir must be an empty directory, or not exist"):
        photos.write_photos(path, 0, pictures)
    assert digests(tmp_path) == before


def test_scikit_image_is_named_if_it_is_missing(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(photos.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SystemExit) as end:
        photos.main([f"--output_dir={tmp_path / 'photos'}"])
    assert end.value.code == 2
    message = "tools.photos needs scikit-image: pip install '.[photos]' in this checkout"
    assert capsys.readouterr().err == f"error: {message}\n"
