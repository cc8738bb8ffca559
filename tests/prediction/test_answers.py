"""Answers about images: the table, JSON, CSV."""

import csv
import io
import json

import pytest

from pdarts_tf.prediction.answers import Answer, as_text

NAMES = ["cat", "dog", "émeu", "fox"]
SURE = Answer("a.png", [0.0, 0.1, 0.7, 0.2])
DAMAGED = Answer("b.png", problem="is damaged")
UNSURE = Answer("long/name.jpg", [0.25, 0.5, 0.125, 0.125])


def test_the_table_has_the_three_best_classes_in_columns():
    assert as_text([SURE, UNSURE], NAMES, "table").splitlines() == [
        "a.png          émeu 0.7000  fox 0.2000  dog 0.1000",
        "long/name.jpg  dog 0.5000   cat 0.2500  émeu 0.1250",
    ]


def test_the_table_says_which_images_have_no_answer():
    assert (
        as_text([SURE, DAMAGED], NAMES, "table").splitlines()[1] == "b.png  no answer: is damaged"
    )
    assert as_text([DAMAGED], NAMES, "table") == "b.png  no answer: is damaged"


def test_names_that_would_write_on_a_terminal_are_inert():
    text = as_text([Answer("\x1b[2J.png", [1.0])], ["\x1b[31m"], "table")
    assert "\x1b" not in text


def test_json_has_all_probabilities_unrounded():
    first, second = json.loads(as_text([SURE, DAMAGED], NAMES, "json"))
    assert first["class"] == "émeu"
    assert first["probabilities"] == dict(zip(NAMES, SURE.probabilities, strict=True))
    assert second == {"image": "b.png", "error": "is damaged"}


def test_csv_has_a_column_per_class():
    rows = list(csv.DictReader(io.StringIO(as_text([UNSURE, DAMAGED], NAMES, "csv"))))
    assert rows[0]["class"] == "dog"
    assert [float(rows[0][name]) for name in NAMES] == UNSURE.probabilities
    assert (rows[1]["class"], rows[1]["error"]) == ("", "is damaged")


@pytest.mark.parametrize("form", ["json", "csv"])
def test_every_image_is_there(form):
    text = as_text([SURE, DAMAGED, UNSURE], NAMES, form)
    assert all(each.image in text for each in (SURE, DAMAGED, UNSURE))
