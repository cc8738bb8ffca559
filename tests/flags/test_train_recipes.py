"""The recipes of the training: valid, and those of the paper as published."""

import dataclasses

import pytest
from absl import flags

from flags.command_line import RECIPES, recipe_path
from flags.fields import default_settings, define_flags, read_flags
from pdarts_tf.config import TrainConfig
from pdarts_tf.config.settings import first_difference

NAMES = {
    "train_cifar10",
    "train_cifar10_large",
    "train_cifar100",
    "train_digits",
    "train_imagenet_mobile",
}


def settings(name, **values):
    return default_settings(TrainConfig, RECIPES / f"{name}.flags", **values)


def test_there_is_a_recipe_for_every_published_experiment():
    assert {path.stem for path in RECIPES.glob("train_*.flags")} == NAMES


@pytest.mark.parametrize("name", sorted(NAMES))
def test_header_names_command_cost_and_result(name):
    text = (RECIPES / f"{name}.flags").read_text("utf-8")
    for part in ("# Command:  ", "# Cost:     ", "# Result:   "):
        assert text.count(part) == 1


# The defaults are those of the paper on CIFAR-10, except that the stem follows the size of the
# images, and that other data has no protocol by which
# all training images train.
PAPER = TrainConfig(validation_portion=0.0, stem="cifar")


@pytest.mark.parametrize("name", ["train_cifar10", "train_cifar100"])
def test_cifar_has_the_settings_of_the_paper(name):
    assert settings(name) == PAPER


@pytest.mark.parametrize("name", sorted(NAMES - {"train_digits"}))
def test_published_experiments_train_on_all_training_images(name):
    assert settings(name).validation_portion == 0


def test_other_trainings_hold_images_out_for_validation():
    assert TrainConfig().validation_portion == settings("train_digits").validation_portion == 0.1


def test_the_large_network_comes_on_top_of_the_data_sets_recipe():
    values = flags.FlagValues()
    define_flags(TrainConfig, "train", values)
    recipes = [recipe_path("train", "cifar10"), RECIPES / "train_cifar10_large.flags"]
    values(["program", *(f"--flagfile={path}" for path in recipes)])
    large = read_flags(TrainConfig, values)
    assert first_difference(large, PAPER) == ("init_channels", 64, 36)
    assert dataclasses.replace(large, init_channels=36) == PAPER


def test_imagenet_has_the_mobile_setting_of_the_paper():
    mobile = settings("train_imagenet_mobile")
    assert (mobile.layers, mobile.init_channels, mobile.stem) == (14, 48, "imagenet")
    assert (mobile.epochs, mobile.batch_size, mobile.learning_rate) == (250, 1024, 0.5)
    assert (mobile.schedule, mobile.learning_rate_warmup_epochs) == ("linear", 5)
    assert (mobile.l2, mobile.label_smoothing) == (3e-5, 0.1)
    assert (mobile.image_size, mobile.augmentation, mobile.flip) == (224, "resized_crop", True)
    assert mobile.color_jitter == (0.4, 0.4, 0.4, 0.2)


def test_imagenet_finds_the_mobile_recipe():
    assert recipe_path("train", "imagenet2012") == RECIPES / "train_imagenet_mobile.flags"
