"""The recipes of methods: valid on top of every data set's recipe, and what their papers say."""

import pytest

from flags.command_line import recipe_path
from flags.fields import default_settings
from flags.study_flags import RECIPES_OF_METHODS
from pdarts_tf.config import SearchConfig
from pdarts_tf.config.settings import first_difference

PATHS = sorted(RECIPES_OF_METHODS.glob("*.flags"))
NAMES = {"darts", "darts_second", "pdarts_no_dropout", "pdarts_unrefined", "random"}


def settings(name, dataset="cifar10"):
    files = [recipe_path("search", dataset), RECIPES_OF_METHODS / f"{name}.flags"]
    return default_settings(SearchConfig, *files, dataset=dataset)


def differing(name):
    """The settings that a method changes in the recipe for CIFAR-10."""
    mine, theirs = settings(name), SearchConfig(dataset="cifar10", stem="cifar")
    return {key: value for key, value in vars(mine).items() if value != getattr(theirs, key)}


def test_there_is_a_recipe_for_every_method():
    assert {path.stem for path in PATHS} == NAMES


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_header_names_source_command_cost_and_result(path):
    text = path.read_text("utf-8")
    for part in ("# Command:  ", "# Cost:     ", "# Result:   "):
        assert text.count(part) == 1
    assert "arXiv" in text


@pytest.mark.parametrize("dataset", ["cifar10", "cifar100", "digits", "imagenet2012"])
@pytest.mark.parametrize("name", sorted(NAMES))
def test_recipe_is_valid_on_top_of_that_of_a_data_set(name, dataset):
    assert settings(name, dataset).dataset == dataset


def test_darts_has_one_stage_of_8_cells_and_no_regularization():
    darts = settings("darts")
    (stage,) = darts.stages
    assert (stage.num_layers, stage.num_candidates, stage.skip_dropout_rate) == (8, 8, 0)
    assert (darts.warmup_epochs, darts.arch_order) == (0, "first")
    assert darts.max_skip_connects == 8  # as many as a cell has edges


def test_second_order_differs_from_first_order_in_nothing_else():
    difference = first_difference(settings("darts_second"), settings("darts"))
    assert difference == ("arch_order", "second", "first")


def test_random_search_is_restricted_as_pdarts_is():
    assert settings("random").strategy == "random"
    assert settings("random").max_skip_connects == 2


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("pdarts_no_dropout", {"skip_dropout_rates": (0.0, 0.0, 0.0)}),
        ("pdarts_unrefined", {"max_skip_connects": 8}),
    ],
)
def test_ablations_of_pdarts_change_one_setting(name, changes):
    assert differing(name) == changes
