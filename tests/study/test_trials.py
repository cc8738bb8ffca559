"""The trials of a study are a function of its settings."""

import dataclasses

import pytest

from pdarts_tf.config import SearchConfig, TrainConfig
from pdarts_tf.genotype import GENOTYPES
from pdarts_tf.study import trials as module
from pdarts_tf.study.methods import Method, StudyError
from pdarts_tf.study.trials import Study, training_directory, trials

DARTS = SearchConfig(
    layers=(8,), candidates=(8,), skip_dropout_rates=(0.0,), add_channels=(0,), warmup_epochs=0
)


def make_study(methods="pdarts,darts", seeds=(0, 1), **training):
    chosen = tuple(map(Method.parse, methods.split(",")))
    settings = {"pdarts": SearchConfig(), "darts": DARTS}
    searches = {method.recipe: settings[method.recipe] for method in chosen}
    config = TrainConfig(**{"validation_portion": 0.1, **training})
    return Study(chosen, seeds, searches, config)


def test_there_is_a_trial_per_recipe_and_seed_and_all_recipes_of_a_seed_come_first():
    found = [(trial.recipe, trial.config.seed) for trial in trials(make_study())]
    assert found == [("pdarts", 0), ("darts", 0), ("pdarts", 1), ("darts", 1)]


def test_methods_of_one_recipe_share_its_search():
    study = make_study("pdarts,pdarts@stage1,pdarts_unrefined,darts")
    first = trials(study)[0]
    assert [m.name for m in first.methods] == ["pdarts", "pdarts@stage1", "pdarts_unrefined"]
    assert len(trials(study)) == 4


def test_one_more_seed_or_method_leaves_the_other_runs_what_they_were():
    before = trials(make_study("pdarts", seeds=(0,)))
    after = trials(make_study("darts,pdarts", seeds=(5, 0)))
    assert {(t.directory, t.config) for t in before} <= {(t.directory, t.config) for t in after}


def test_runs_are_ordinary_commands_with_every_setting_as_a_flag(tmp_path):
    study = dataclasses.replace(make_study(), data_dir="/data")
    command = module.search_command(study, trials(study)[3], tmp_path)
    assert command[1:3] == ["-m", "pdarts_tf.search"]
    assert f"--output_dir={tmp_path}/searches/darts_seed1" in command
    assert {"--data_dir=/data", "--layers=8", "--seed=1", "--flip"} <= set(command)


def test_equal_genotypes_have_one_training():
    cell = GENOTYPES["PDARTS"]
    again = dataclasses.replace(cell)
    assert training_directory(cell) == training_directory(again)
    assert training_directory(cell) != training_directory(GENOTYPES["DARTS_V2"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"methods": "pdarts,pdarts"}, "--methods must be one or several, each once"),
        ({"seeds": ()}, "--seeds must be one or several, each once"),
        ({"seeds": (1, 1)}, r"each once\. Received: 1,1"),
        ({"validation_portion": 0.0}, "--validation_portion above 0"),
        ({"methods": "darts@stage2"}, "a stage from 1 to 1"),
    ],
)
def test_settings_that_do_not_fit_are_refused(change, message):
    with pytest.raises(StudyError, match=message):
        make_study(**change)
