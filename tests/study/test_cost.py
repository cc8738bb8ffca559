"""What a study would cost, before it runs."""

import dataclasses

import pytest

from flags.command_line import recipe_path, recipe_settings
from flags.fields import default_settings
from flags.study_flags import RECIPES_OF_METHODS
from pdarts_tf.config import SearchConfig, TrainConfig
from pdarts_tf.data import sources
from pdarts_tf.study.cost import cost_text, search_cost
from pdarts_tf.study.methods import Method
from pdarts_tf.study.record import Record
from pdarts_tf.study.trials import Study, trials


@pytest.fixture(scope="module")
def digits():
    return sources.load("digits", None)


def config(name="darts", **values):
    recipe = RECIPES_OF_METHODS / f"{name}.flags"
    return default_settings(SearchConfig, recipe, batch_size=64, epochs=10, **values)


def test_an_alpha_step_costs_a_pass_in_first_order_and_four_in_second(digits):
    first, second = (search_cost(config(name), digits) for name in ("darts", "darts_second"))
    assert first.steps == second.steps == 10 * (716 // 64)
    assert second.macs == pytest.approx(first.macs * 5 / 2)


def test_epochs_of_warm_up_cost_a_pass_only(digits):
    whole, half = (search_cost(config(warmup_epochs=epochs), digits) for epochs in (0, 5))
    assert half.macs == pytest.approx(whole.macs * 3 / 4)


def test_random_search_costs_its_samples(digits):
    few, many = (search_cost(config("random", samples=n), digits) for n in (2, 4))
    assert many.steps == 2 * few.steps
    assert few.macs < many.macs < search_cost(config("darts"), digits).macs


@pytest.fixture(scope="module")
def study():
    methods = tuple(map(Method.parse, ("pdarts", "pdarts@stage1", "darts")))
    searches = {"pdarts": recipe_settings("search", "digits"), "darts": config()}
    training = default_settings(TrainConfig, recipe_path("train", "digits"), dataset="digits")
    return Study(methods, (0, 1), searches, training)


def test_every_trial_has_a_row_and_without_runs_no_time(study):
    text = cost_text(study, trials(study))
    rows = [line.split() for line in text.splitlines()[1:5]]
    assert [row[:2] for row in rows] == [
        ["0", "pdarts_seed0"],
        ["1", "darts_seed0"],
        ["2", "pdarts_seed1"],
        ["3", "darts_seed1"],
    ]
    assert {row[-1] for row in rows} == {"-"}
    assert "at most 6 cells" in text


def test_times_are_projected_from_the_runs_that_are_finished(study):
    todo = trials(study)
    empty = Record("digits", ("pdarts",), (0,), {}, {})
    times = {todo[0].directory: {"seconds": 100.0}}
    text = cost_text(study, todo, dataclasses.replace(empty, times=times))
    rows = text.splitlines()
    assert rows[1].endswith("took 1 min 40 s")
    assert rows[3].endswith("about 1 min 40 s")
