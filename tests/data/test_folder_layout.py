"""Layouts of image folders: names of splits, classes at the root, what is skipped or refused."""

import os
import sys

import numpy as np
import pytest
from PIL import Image

from pdarts_tf.data.folder_source import read_folder
from pdarts_tf.data.images import DataError, check_classes
from tests.encoded_images import encoded, picture, with_orientation
from tests.image_files import load, pixels, save, write_folder

NAMES = ("ant", "bee")
SHAPE = (8, 8, 3)
TRAIN = (pixels(24, SHAPE), np.arange(24) // 12)
TEST = (pixels(4, SHAPE, seed=1), np.arange(4) // 2)


def written(root, train="train", test=None):
    """A folder with directories of these names."""
    return write_folder(root, {train: TRAIN} | ({test: TEST} if test else {}), NAMES)


def refused(root):
    """The line that says why a folder cannot be used."""
    with pytest.raises(DataError) as error:
        load("folder", root)
    message = str(error.value)
    assert message.isprintable()
    return message


@pytest.mark.parametrize("name", ["test", "Test", "testing", "val", "VAL", "valid", "validation"])
def test_test_images_are_found_by_any_usual_name(name, tmp_path):
    data = load("folder", written(tmp_path, test=name))
    assert (data.test.num_images, data.tested_on) == (4, f"the {name} split")
    assert data.train.num_images == 24
    assert len(data.notes) == 1  # the summary


@pytest.mark.parametrize("name", ["Train", "training"])
def test_so_are_training_images(name, tmp_path):
    assert load("folder", written(tmp_path, train=name, test="valid")).train.num_images == 24


def test_what_is_not_used_is_said(tmp_path):
    root = written(tmp_path, test="test")
    write_folder(root, {"valid": TEST}, NAMES)
    (root / "README.dataset.txt").write_text("x")
    data = load("folder", root)
    assert data.tested_on == "the test split"
    assert data.notes[1:] == (f"ignored in {root}: README.dataset.txt, valid",)


def test_that_a_tenth_is_held_out_is_said(tmp_path):
    _, note = load("folder", written(tmp_path)).notes
    assert "tested on 10% of the training images of each class, held out" in note


def test_classes_may_stand_at_the_root(tmp_path):
    for name in NAMES:
        (tmp_path / "flat" / name).parent.mkdir(exist_ok=True)
        written(tmp_path / "split")
        (tmp_path / "split" / "train" / name).rename(tmp_path / "flat" / name)
    (tmp_path / "flat" / "list.csv").write_text("x")
    data, again = (load("folder", tmp_path / "flat", seed=seed) for seed in (0, 1))
    assert data.class_names == NAMES
    assert (data.train.num_images, data.test.num_images) == (22, 2)
    np.testing.assert_array_equal(data.test.images, again.test.images)
    assert data.notes[1] == f"ignored in {tmp_path / 'flat'}: list.csv"


def test_test_images_alone_are_refused(tmp_path):
    assert "which has valid but no train" in refused(written(tmp_path, train="valid"))


@pytest.mark.parametrize("name", [".DS_Store", "Thumbs.db", "desktop.ini", "__MACOSX", "@eaDir"])
@pytest.mark.parametrize("place", ["train", "train/ant", "test/bee"])
def test_what_file_managers_leave_is_skipped(name, place, tmp_path):
    root = written(tmp_path, test="test")
    if name.startswith(("_", "@")):
        (root / place / name).mkdir()
    else:
        (root / place / name).write_text("x")
    data = load("folder", root)
    assert (data.train.num_images, data.test.num_images, data.class_names) == (24, 4, NAMES)


@pytest.mark.parametrize("place", ["train/ant/x.png", "train/dog", "test", "train"])
def test_a_link_to_itself_is_named(place, tmp_path):
    root = written(tmp_path / "data")
    link = root / place
    if link.is_dir():
        link.rename(tmp_path / "moved")
    link.symlink_to(link)
    assert refused(root) == f"{link} is a link that leads nowhere, or to itself; remove it"


def test_a_link_to_a_directory_around_it_is_refused(tmp_path):
    root = written(tmp_path)
    (root / "train" / "self").symlink_to(root / "train")
    assert f"{root}/train/self/ant is not one of .png" in refused(root)


@pytest.mark.parametrize(
    ("name", "shown"),
    [(b"caf\xe9", r"caf\udce9"), (b"two\nlines", r"two\nlines"), (b"a\x1b[2J", "")],
)
def test_names_that_no_file_can_hold_are_refused_before_anything_is_read(name, shown, tmp_path):
    root = written(tmp_path)
    os.mkdir(os.path.join(os.fsencode(root), b"train", name))
    message = refused(root)
    assert "must have classes with names in UTF-8" in message
    assert shown in message


def test_names_of_classes_may_have_any_letters(tmp_path):
    root = written(tmp_path)
    (root / "train" / "bee").rename(root / "train" / "naïve 日本 🦜")
    assert load("folder", root).class_names == ("ant", "naïve 日本 🦜")


def test_other_letters_need_a_locale_with_utf_8(tmp_path, monkeypatch):
    root = written(tmp_path)
    (root / "train" / "bee").rename(root / "train" / "café")
    monkeypatch.setattr(sys, "getfilesystemencoding", lambda: "iso8859-1")
    assert "need a locale with UTF-8. Received: iso8859-1; set LC_ALL=C.UTF-8" in refused(root)


@pytest.mark.parametrize("names", [["a", ""], ["a", "a"], ["a", "b\x85"], ["a", "b\u2028c"]])
def test_every_source_of_names_is_held_to_the_rule(names):
    with pytest.raises(DataError, match="must have classes"):
        check_classes("a data set", names)


def test_webp_and_grey_with_alpha_are_read(tmp_path):
    for kind, mode, suffix in (("WEBP", "RGB", "webp"), ("PNG", "LA", "png")):
        root = tmp_path / suffix
        for name in NAMES:
            for i in range(2):
                path = root / "train" / name / f"{i}.{suffix}"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(encoded(picture(mode, (8, 8), seed=i), kind))
        assert load("folder", root).image_shape == (8, 8, 3 if suffix == "webp" else 4)


def test_photographs_are_turned_in_memory_and_on_disk_alike(tmp_path):
    root = written(tmp_path)
    for name in NAMES:
        for path in (root / "train" / name).iterdir():
            path.write_bytes(with_orientation("PNG", 6))
    data = load("folder", root)
    assert data.image_shape == (30, 20, 3)
    upright = np.asarray(Image.open(path)).transpose(1, 0, 2)[:, ::-1]
    np.testing.assert_array_equal(data.train.images[0], upright)
    from pdarts_tf.data.pipeline import evaluation_batches

    _, split, _, _, _ = read_folder(root, None, False)
    images, _, _ = next(iter(evaluation_batches(split, 4, (0.0,) * 3, (1 / 255,) * 3)))
    np.testing.assert_allclose(images[0], upright, atol=1e-3)


def test_the_limit_of_pixels_names_the_file_and_the_flag(tmp_path):
    root = written(tmp_path)
    save(root / "train" / "ant" / "large.png", pixels(1, (20, 60, 3))[0])
    with pytest.raises(DataError) as error:
        load("folder", root, image_size=8, max_megapixels=0.001)
    assert f"{root}/train/ant/large.png has 20x60 pixels, more than --max_megapixels=0.001" in str(
        error.value
    )
