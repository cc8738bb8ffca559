"""The recipes of the search: valid, complete, and those of the paper as published."""

import dataclasses

import pytest
from absl import flags

from flags.command_line import RECIPES, recipe_path
from flags.fields import define_flags, read_flags
from pdarts_tf.config import SearchConfig
from pdarts_tf.config.settings import first_difference

PATHS = sorted(RECIPES.glob("search_*.flags"))


def dataset(path):
    """The data set of a recipe, search_<dataset>.flags."""
    return path.stem.removeprefix("search_")


def config_of(path):
    """The settings that a recipe gives."""
    values = flags.FlagValues()
    define_flags(SearchConfig, "search", values)
    values(["program", f"--flagfile={path}", f"--dataset={dataset(path)}"])
    return read_flags(SearchConfig, values)


def header(path):
    """The comments that a recipe begins with."""
    lines = path.read_text("utf-8").splitlines()
    return "\n".join(lines[: next(i for i, line in enumerate(lines) if line[:1] != "#")])


def test_there_are_recipes_for_the_digits_and_both_experiments_of_the_paper():
    assert {"digits", "cifar10", "cifar100"} <= {dataset(path) for path in PATHS}


@pytest.mark.parametrize("path", PATHS, ids=dataset)
def test_recipe_gives_valid_settings(path):
    assert config_of(path).dataset == dataset(path)


@pytest.mark.parametrize("path", PATHS, ids=dataset)
def test_recipe_is_found_by_its_data_set(path):
    assert recipe_path("search", dataset(path)) == path


@pytest.mark.parametrize("path", PATHS, ids=dataset)
def test_header_names_command_cost_and_result(path):
    for part in ("# Command:  ", "# Cost:     ", "# Result:   "):
        assert header(path).count(part) == 1


@pytest.mark.parametrize("path", PATHS, ids=dataset)
def test_recipe_sets_nothing_twice(path):
    names = [
        line.removeprefix("--").split("=")[0].removeprefix("no")
        for line in path.read_text("utf-8").splitlines()
        if line.startswith("--")
    ]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
def test_header_of_a_published_experiment_names_its_table(name):
    assert "paper (arXiv 1904.12760), table 1" in header(recipe_path("search", name))


def test_imagenet_is_searched_on_a_sample_of_every_class():
    path = recipe_path("search", "imagenet2012")
    config = config_of(path)
    weights = config.train_portion * config.train_images_per_class
    assert (weights, config.train_images_per_class - weights) == (128, 32)
    assert "arXiv 1907.05737" in header(path)


def test_imagenet_is_searched_as_pc_darts_does():
    config = config_of(recipe_path("search", "imagenet2012"))
    assert (config.image_size, config.stem, config.batch_size) == (224, "imagenet", 1024)
    assert (config.epochs, config.warmup_epochs) == (50, 35)
    assert (config.learning_rate, config.arch_learning_rate) == (0.5, 6e-3)
    assert (config.augmentation, config.color_jitter) == ("resized_crop", (0, 0, 0, 0))


@pytest.mark.parametrize("command", ["search", "train"])
def test_a_data_set_without_a_recipe_gets_the_defaults(command):
    assert recipe_path(command, "folder") is None


def test_cifar10_has_the_settings_of_the_paper():
    paper = SearchConfig(dataset="cifar10", stem="cifar")
    assert config_of(recipe_path("search", "cifar10")) == paper


def test_cifar100_differs_from_cifar10_in_the_dropout_after_skip_connects():
    cifar10, cifar100 = (config_of(recipe_path("search", n)) for n in ("cifar10", "cifar100"))
    assert cifar100.skip_dropout_rates == (0.1, 0.2, 0.3)
    changed = {"dataset": "cifar10", "skip_dropout_rates": cifar10.skip_dropout_rates}
    assert first_difference(dataclasses.replace(cifar100, **changed), cifar10) is None
