"""Which files a command line names."""

import pytest

from pdarts_tf.errors import InputError
from pdarts_tf.prediction import image_files
from pdarts_tf.prediction.image_files import find_images, read_image


@pytest.fixture
def folder(tmp_path):
    """A folder with images in several places, and other files."""
    for name in ("b.png", "a/2.JPG", "a/1.webp", "a/notes.txt", ".hidden.png", ".trash/x.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"content")
    return tmp_path


def test_folders_are_searched_in_order_and_other_files_counted(folder):
    found = find_images([str(folder)])
    assert [path.removeprefix(f"{folder}/") for path in found.paths] == [
        "b.png", "a/1.webp", "a/2.JPG",
    ]  # fmt: skip
    assert found.ignored == 1


def test_files_are_taken_whatever_their_names(folder):
    assert find_images([f"{folder}/a/notes.txt"]).paths == (f"{folder}/a/notes.txt",)


def test_a_folder_without_images_is_an_error(folder):
    (folder / "empty").mkdir()
    with pytest.raises(InputError, match=r"expected images \(\.png.* in the folder.*/empty"):
        find_images([f"{folder}/empty"])


def test_content_is_read_as_it_is(folder):
    assert read_image(f"{folder}/b.png") == b"content"


def test_a_file_that_is_not_there_is_one_line(folder):
    with pytest.raises(InputError, match=r"^No such file or directory$"):
        read_image(f"{folder}/nothing.png")


def test_files_larger_than_any_image_are_refused(folder, monkeypatch):
    monkeypatch.setattr(image_files, "MOST_BYTES", 6)
    with pytest.raises(InputError, match="which no image has"):
        read_image(f"{folder}/b.png")
