"""Commands to go on with a run: what goes along, and what a search is told that is no training."""

import dataclasses
import json
import shlex

import pytest

from flags.command_line import recipe_settings
from pdarts_tf.config import SearchConfig, TrainConfig
from pdarts_tf.config.settings import as_flag
from pdarts_tf.runs.next_commands import evaluate_line, read_training, train_line
from pdarts_tf.runs.options import RunOptions, recorded_options
from pdarts_tf.runs.run_directory import RunDirectory, RunDirectoryError
from tests.run_directories import DATA, SEARCH, TRAINING, write_search, write_training

FOLDER = SearchConfig(dataset="folder")
PHOTOS = RunOptions(data_dir="my photos", max_megapixels=100.0)


def write(path, config, data=DATA, options=()):
    """A run directory that has begun; returns its path."""
    with RunDirectory(path, config, data, dict(options)):
        return path


def flags_after(path, options=(), genotype="g"):
    """The flags, but the first two, of the command that trains a genotype."""
    command = train_line(path, genotype, recipe_settings, dict(options))
    words = shlex.split(command)
    assert words[:3] == ["python", "-m", "pdarts_tf.train"]
    assert words[3] == f"--genotype={genotype}"
    return words[5:]


def test_without_choices_the_recipe_trains(tmp_path):
    path = write(tmp_path / "run", recipe_settings("search", "digits"))
    command = train_line(path, "a b/g", recipe_settings, {})
    assert command == "python -m pdarts_tf.train '--genotype=a b/g' --dataset=digits"


def test_what_the_data_has_chosen_is_left_to_the_data_again(tmp_path):
    chosen = dataclasses.replace(FOLDER, augmentation="resized_crop", batch_size=8, flip=True)
    options = RunOptions(given=frozenset({"dataset", "flip", "epochs"})).to_record
    path = write(tmp_path / "run", chosen, options=options)
    assert flags_after(path) == ["--flip"]


@pytest.mark.parametrize(
    "choice",
    [
        {"image_size": 48},
        {"augmentation": "resized_crop"},
        {"color_jitter": (0.1, 0.1, 0.1, 0.0)},
        {"flip": False},
        {"crop_padding": 2},
        {"train_images_per_class": 7},
        {"seed": 3},
    ],
    ids=str,
)
def test_choices_about_the_data_go_along(tmp_path, choice):
    path = write(tmp_path / "run", dataclasses.replace(FOLDER, **choice))
    assert flags_after(path) == [as_flag(*next(iter(choice.items())))]


@pytest.mark.parametrize(
    "choice", [{"epochs": 30}, {"max_steps_per_epoch": 3}, {"init_channels": 8}, {"l2": 0.1}]
)
def test_choices_about_the_search_do_not(tmp_path, choice):
    assert flags_after(write(tmp_path / "run", dataclasses.replace(FOLDER, **choice))) == []


def test_what_the_recipe_of_the_search_says_is_no_choice(tmp_path):
    recipe = recipe_settings("search", "imagenet2012")
    data = DATA | {"num_train": 128_000, "class_names": [str(each) for each in range(1000)]}
    assert recipe.image_size == 224
    assert flags_after(write(tmp_path / "run", recipe, data)) == []
    larger = dataclasses.replace(recipe, image_size=256)
    assert flags_after(write(tmp_path / "larger", larger, data)) == ["--image_size=256"]


@pytest.mark.parametrize(("num_train", "flags"), [(200, []), (100, ["--batch_size=4"])])
def test_the_batch_goes_along_if_that_of_the_training_is_too_large(tmp_path, num_train, flags):
    config = dataclasses.replace(FOLDER, batch_size=4)
    path = write(tmp_path / "run", config, DATA | {"num_train": num_train})
    assert flags_after(path) == flags


def test_the_data_is_found_by_the_recorded_options_and_those_of_the_command(tmp_path):
    path = write(tmp_path / "run", FOLDER, options=PHOTOS.of_data)
    assert flags_after(path) == ["--data_dir=my photos", "--max_megapixels=100.0"]
    moved = flags_after(path, {"data_dir": "elsewhere"})
    assert moved == ["--data_dir=elsewhere", "--max_megapixels=100.0"]
    assert evaluate_line(path, {}) == (
        f"python -m pdarts_tf.train --evaluate_only --run_dir={path} '--data_dir=my photos' "
        "--max_megapixels=100.0"
    )


def test_what_was_imported_first_goes_along(tmp_path):
    options = RunOptions(plugins=("mine", "package.theirs"))
    path = write(tmp_path / "run", FOLDER, options=options.to_record)
    assert flags_after(path) == ["--plugins=mine,package.theirs"]


def test_a_relative_directory_is_recorded_as_an_absolute_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert PHOTOS.to_record == {"data_dir": f"{tmp_path}/my photos", "max_megapixels": 100.0}
    assert RunOptions(data_dir="gs://bucket/data").to_record == {"data_dir": "gs://bucket/data"}
    assert RunOptions().to_record == {}


def test_without_options_nothing_is_recorded(tmp_path):
    content = json.loads((write(tmp_path / "run", FOLDER) / "config.json").read_text())
    assert content.keys() == {"format", "config", "data", "versions"}


@pytest.mark.parametrize(
    "options",
    [None, [], "text", {"data_dir": 1}, {"data_dir": "a\nb"}, {"data_dir": "\x1b[2J"},
     {"max_megapixels": "1"}, {"max_megapixels": float("nan")}, {"max_megapixels": -1},
     {"plugins": "os"}, {"plugins": ["--help"]}, {"plugins": [1]}, {"dry_run": True}],
    ids=str,
)  # fmt: skip
def test_options_that_nobody_has_recorded_are_left_out(options):
    assert recorded_options({"options": options}) == {}


# A directory that is not that of a training.


def test_settings_of_a_training_are_read(tmp_path):
    assert read_training(write_training(tmp_path), recipe_settings) == TRAINING


def refused(path):
    with pytest.raises(RunDirectoryError) as error:
        read_training(path, recipe_settings)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_search_says_how_its_genotype_is_trained(tmp_path):
    path = write_search(tmp_path / "my run")
    command = train_line(path, path / "genotype.json", recipe_settings, {})
    assert refused(path).endswith(
        f"is a search, which has no weights to test; train its genotype first: {command}"
    )


def test_an_unfinished_search_is_to_be_finished(tmp_path):
    assert "is a search that is not finished" in refused(write(tmp_path / "run", SEARCH))


def test_a_genotype_alone_is_to_be_trained(tmp_path):
    (tmp_path / "genotype.json").write_text("{}")
    assert f"python -m pdarts_tf.train --genotype={tmp_path}/genotype.json" in refused(tmp_path)


def test_another_directory_is_no_run_directory(tmp_path):
    assert "expected a run directory" in refused(tmp_path)


def test_a_training_may_say_how_its_genotype_is_trained(tmp_path):
    config = TrainConfig(dataset="folder", image_size=20, epochs=3, validation_portion=0.2)
    assert flags_after(write(tmp_path / "run", config)) == ["--image_size=20"]
