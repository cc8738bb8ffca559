"""The record of a study, read from run directories."""

import json

import numpy as np
import pytest

from pdarts_tf.alphas import Alphas
from pdarts_tf.report.run import read_run
from pdarts_tf.search_space import SearchSpace
from pdarts_tf.study.collecting import cell_probability, cells_of, collect, read_finished
from pdarts_tf.study.methods import Method, StudyError
from pdarts_tf.study.trials import training_directory, trials
from tests.run_directories import SEARCH, write_search
from tests.study.test_trials import make_study

METHODS = ("pdarts", "pdarts@stage1", "pdarts_unrefined", "pdarts@M=0")


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """A finished search."""
    return write_search(tmp_path_factory.mktemp("search") / "run", seed=4)


@pytest.fixture(scope="module")
def cells(path):
    """The cells of several methods."""
    return cells_of(read_run(path), map(Method.parse, METHODS))


def test_result_is_the_genotype_that_the_search_names(path, cells):
    assert cells["pdarts"].genotype == read_run(path).genotype
    assert cells["pdarts"].stage == 3


def test_unrestricted_and_limited_cells_are_those_of_the_search(path, cells):
    genotypes = read_run(path).genotypes
    assert cells["pdarts_unrefined"].genotype == genotypes["unrestricted"]
    assert cells["pdarts@M=0"].genotype == genotypes["M=0"]


def test_cell_after_a_stage_is_derived_from_its_last_alphas(path, cells):
    alphas = read_run(path).frames[1, SEARCH.epochs]
    assert cells["pdarts@stage1"].genotype == alphas.derive(SEARCH.max_skip_connects)
    assert cells["pdarts@stage1"].stage == 1


def test_probability_is_the_geometric_mean_over_the_edges_kept():
    alphas = np.zeros((14, 8))
    alphas[:, 4] = np.log(7.0)  # sep_conv_3x3 has half of the probability
    found = Alphas(SearchSpace.full(), alphas, np.zeros((14, 8)))
    # 8 edges of the normal cell with 1/2, and 8 of the reduction cell with 1/8.
    expected = 0.25
    assert cell_probability(found, found.derive()) == pytest.approx(expected)


def test_unfinished_runs_are_not_in_the_record(tmp_path):
    study = make_study("pdarts", seeds=(0, 1))
    todo = trials(study)
    write_search(tmp_path / todo[0].directory, epochs=3)
    record = collect(study, todo, tmp_path)
    assert (record.searches, record.trainings, list(record.results)) == ({}, {}, [])
    assert not record.complete


def test_a_damaged_search_is_named(tmp_path):
    path = write_search(tmp_path / "run")
    (path / "alphas.jsonl").write_text("damaged\n")
    with pytest.raises(StudyError, match=r"run: alphas.jsonl is damaged.*remove the directory"):
        read_finished(path)


def test_a_damaged_training_is_named(tmp_path):
    study = make_study("pdarts", seeds=(0,))
    (trial,) = todo = trials(study)
    path = write_search(tmp_path / trial.directory, trial.config)
    records = [json.loads(line) for line in (path / "metrics.jsonl").read_text().splitlines()]
    lines = [json.dumps(record | {"entropy_reduce": 1.0}) + "\n" for record in records]
    (path / "metrics.jsonl").write_text("".join(lines))
    genotype = read_run(path).genotype
    assert genotype is not None
    training = tmp_path / training_directory(genotype)
    training.mkdir(parents=True)
    config = study.training.to_json().replace('"PDARTS"', json.dumps(str(genotype)))
    (training / "config.json").write_text(json.dumps({"config": json.loads(config)}))
    (training / "result.json").write_text("{}")
    with pytest.raises(StudyError, match=r"trainings/\w+"):
        collect(study, todo, tmp_path)
