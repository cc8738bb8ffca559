"""The files of a study."""

from pdarts_tf.genotype import Genotype
from pdarts_tf.study.outputs import outputs
from pdarts_tf.study.record import Record
from tests.study_records import EMPTY, FINISHED, SHARED

FILES = {"study.json", "study.html", "table.txt", "table.csv", "results.csv", "table.tex"}


def test_a_study_with_a_result_has_all_files():
    assert outputs(FINISHED).keys() == FILES | {"genotype.json"}


def test_the_record_comes_back():
    assert Record.from_json(outputs(FINISHED)["study.json"]) == FINISHED


def test_the_genotype_is_the_chosen_one():
    text = outputs(FINISHED)["genotype.json"]
    assert Genotype.from_json(text) == FINISHED.trainings[SHARED].genotype
    assert text.endswith("}\n")


def test_a_study_without_a_result_has_no_genotype():
    assert outputs(EMPTY).keys() == FILES
