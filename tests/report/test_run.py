"""Reading run directories: whole, going on, torn."""

import dataclasses
import json

import numpy as np
import pytest

from pdarts_tf.genotype import GENOTYPES
from pdarts_tf.report.run import read_run
from pdarts_tf.runs.run_directory import RunDirectoryError
from tests.run_directories import SEARCH, TRAINING, write_config, write_search, write_training


def test_a_finished_search_is_read_whole(tmp_path):
    run = read_run(write_search(tmp_path / "run"))
    assert (run.command, run.name, run.finished, run.problems) == ("search", "run", True, [])
    assert list(run.records) == list(run.frames) == [(s, e) for s in (1, 2, 3) for e in range(1, 5)]
    assert run.num_epochs == 12
    assert run.seconds == 24
    assert (
        run.genotype
        == run.genotypes[f"M={min(2, run.genotypes['unrestricted'].num_skip_connects)}"]
    )
    assert run.data["num_classes"] == 10


def test_probabilities_are_those_of_the_candidates_left(tmp_path):
    run = read_run(write_search(tmp_path))
    grid = run.frames[3, 1].probabilities("normal")
    assert (np.isnan(grid) == ~run.spaces[3].normal).all()
    assert np.nansum(grid, axis=1) == pytest.approx(np.ones(14))


def test_a_search_that_goes_on_has_no_result(tmp_path):
    run = read_run(write_search(tmp_path, epochs=5))
    assert (run.finished, run.problems, len(run.records)) == (False, [], 5)
    assert list(run.spaces) == [1, 2]


def test_a_run_that_has_only_begun_is_read(tmp_path):
    write_config(tmp_path, SEARCH)
    run = read_run(tmp_path)
    assert (run.finished, run.problems, run.records, run.frames) == (False, [], {}, {})


def test_a_training_is_read_with_its_genotype(tmp_path):
    run = read_run(write_training(tmp_path))
    assert (run.command, run.finished, run.problems) == ("train", True, [])
    assert run.genotype == GENOTYPES["DARTS_V2"]
    assert run.records[1, 5]["test_accuracy"] == pytest.approx(0.65)
    assert run.result is not None
    assert (run.result["last"]["epoch"], run.result["best"]["epoch"]) == (5, 4)


def test_best_weights_that_a_test_has_chosen_are_left_out(tmp_path):
    path = write_training(tmp_path, dataclasses.replace(TRAINING, validation_portion=0.0))
    result = json.loads((path / "result.json").read_text())
    (path / "result.json").write_text(json.dumps(result | {"best": result["last"]}))
    run = read_run(path)
    assert (run.result, run.problems) == (result, [])


@pytest.mark.parametrize(
    ("file", "tear", "problem"),
    [
        ("metrics.jsonl", lambda text: text[:-30], "metrics.jsonl is damaged in line 12"),
        ("metrics.jsonl", lambda text: "[1]\n" + text, "metrics.jsonl is damaged in line 1:"),
        ("metrics.jsonl", lambda text: '{"epoch": Infinity}\n' + text, "in line 1:"),
        ("metrics.jsonl", lambda text: '{"stage": 9, "epoch": 1}\n' + text, "in line 1:"),
        ("alphas.jsonl", lambda text: text[:-30], "alphas.jsonl is damaged in line 12"),
        ("alphas.jsonl", lambda text: text.replace('"normal"', '"n"', 1), "stage 1 epoch 1"),
        ("genotype.json", lambda text: text[:50], "genotype.json is damaged"),
        ("genotypes.json", lambda text: "[]", "genotypes.json is damaged"),
        ("search_space_stage2.json", lambda text: "{}", "search_space_stage2.json is damaged"),
        ("search_space_stage2.json", lambda text: text[:9], "alphas.jsonl does not fit"),
        ("search_space_stage2.json", lambda text: "[" * 10**5, "search_space_stage2.json is dam"),
    ],
)
def test_what_is_torn_is_left_out_and_said(tmp_path, file, tear, problem):
    write_search(tmp_path)
    path = tmp_path / file
    path.write_text(tear(path.read_text()))
    run = read_run(tmp_path)
    assert any(problem in each for each in run.problems), run.problems
    assert len(run.records) >= 11


def test_measurements_that_are_no_numbers_are_left_out(tmp_path):
    write_search(tmp_path, epochs=1)
    record = {"stage": 1, "epoch": 1, "loss": float("nan"), "accuracy": "<b>", "seconds": 10**400}
    (tmp_path / "metrics.jsonl").write_text(json.dumps({**record, "arch_loss": 1}) + "\n")
    (tmp_path / "timings.jsonl").unlink()
    assert read_run(tmp_path).records == {(1, 1): {"stage": 1, "epoch": 1, "arch_loss": 1}}


def test_files_that_are_no_text_are_a_problem(tmp_path):
    write_search(tmp_path)
    (tmp_path / "genotypes.json").write_bytes(b"\xff\xfe\x00")
    assert "genotypes.json cannot be read" in read_run(tmp_path).problems[0]


@pytest.mark.parametrize("data", [None, 3, {"name": 5, "image_shape": [8, -8, 1], "num_test": "x"}])
def test_odd_data_is_as_good_as_none(tmp_path, data):
    write_config(tmp_path, SEARCH, data)
    assert read_run(tmp_path).data == {}


@pytest.mark.parametrize("scores", [{}, {"best": {"test_accuracy": 1}}, [], {"best": 3, "last": 4}])
def test_an_odd_result_is_none(tmp_path, scores):
    write_training(tmp_path)
    (tmp_path / "result.json").write_text(json.dumps(scores))
    run = read_run(tmp_path)
    assert run.result is None
    assert "result.json is damaged" in run.problems[0]


def test_what_is_no_run_directory_is_refused(tmp_path):
    with pytest.raises(RunDirectoryError, match="expected a run directory"):
        read_run(tmp_path)
    (tmp_path / "config.json").write_text('{"config": {"genotype": "PDARTS"}}')
    with pytest.raises(RunDirectoryError, match="does not hold a TrainConfig"):
        read_run(tmp_path)
