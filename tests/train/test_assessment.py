"""Accuracy per class, confusions, calibration and the worst mistakes, by hand."""

import copy
import json

import numpy as np
import pytest

from pdarts_tf.train import assessment
from pdarts_tf.train.assessment import BINS, Answers, Assessment

# Three classes; the answers are 0, 0, 1, 2, 0.
PROBABILITIES = np.array(
    [[0.9, 0.05, 0.05], [0.5, 0.3, 0.2], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6], [0.99, 0.0, 0.01]]
)
LABELS = np.array([0, 1, 1, 2, 2])


def assessed(probabilities=PROBABILITIES, labels=LABELS, batches=1):
    answers = Answers(probabilities.shape[1])
    for part in zip(
        np.array_split(probabilities, batches), np.array_split(labels, batches), strict=True
    ):
        answers.add(*part)
    return answers.assessment()


def test_images_and_correct_answers_are_counted_by_class():
    found = assessed()
    assert found.images == [1, 2, 2]
    assert found.correct == [1, 1, 1]


def test_confusion_is_by_class_and_answer():
    assert assessed().confusion == [[1, 0, 0], [1, 1, 0], [1, 0, 1]]


def test_wrong_answers_are_ranked_by_their_number():
    probabilities = np.eye(3)[[1, 1, 2, 0]]
    assert assessed(probabilities, np.array([0, 0, 0, 2])).confused == [
        (0, 1, 2), (0, 2, 1), (2, 0, 1),
    ]  # fmt: skip


def test_the_most_confident_mistakes_come_first():
    found = [(each.index, each.label, each.predicted) for each in assessed().mistakes]
    assert found == [(4, 2, 0), (1, 1, 0)]


def test_batches_do_not_matter():
    assert assessed(batches=3) == assessed()


def test_only_some_mistakes_are_kept(monkeypatch):
    monkeypatch.setattr(assessment, "MISTAKES", 1)
    assert [each.index for each in assessed(batches=5).mistakes] == [4]


def test_of_many_classes_no_matrix_is_kept(monkeypatch):
    monkeypatch.setattr(assessment, "MOST_CLASSES", 2)
    assert assessed().confusion is None
    assert assessed().confused == [(1, 0, 1), (2, 0, 1)]


def test_a_classifier_that_knows_how_sure_it_may_be_has_no_calibration_error():
    # Of ten answers with confidence 0.7, seven are right.
    probabilities = np.tile([0.7, 0.3], (10, 1))
    assert assessed(probabilities, np.array([0] * 7 + [1] * 3)).calibration_error < 1e-9


def test_calibration_error_is_the_mean_gap_over_images():
    # By hand: bins of 0.9 and 0.99, both 1/2 right, and single ones of 0.5, 0.8 and 0.6.
    gaps = [abs(0.9 - 1), abs(0.5 - 0), abs(0.8 - 1), abs(0.6 - 1), abs(0.99 - 0)]
    assert assessed().calibration_error == pytest.approx(sum(gaps) / 5)


@pytest.mark.parametrize(("confidence", "place"), [(1.0, BINS - 1), (0.5, 7), (0.6, 8)])
def test_bins_are_open_at_their_lower_end(confidence, place):
    found = assessed(np.array([[confidence, 1 - confidence]]), np.array([0]))
    assert [count for count, _, _ in found.calibration].index(1) == place
    assert found.calibration[place] == (1, pytest.approx(confidence), 1.0)


def test_without_images_nothing_is_divided_by_zero():
    found = Answers(2).assessment()
    assert found.calibration_error == 0.0
    assert found.mistakes == []


def record():
    """An assessment as its file has it."""
    return json.loads(json.dumps(assessed().to_record()))


def test_an_assessment_survives_json():
    assert Assessment.from_record(record(), 3).to_record() == assessed().to_record()


def test_classes_are_ranked_by_accuracy():
    assert assessed().by_accuracy == [(1, 0.5), (2, 0.5), (0, 1.0)]


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (["images"], [1, 2]),
        (["images"], [1, 2, -1]),
        (["correct"], [9, 9, 9]),
        (["confusion"], [[1, 0, 0]]),
        (["confusion", 0], [True, 0, 0]),
        (["confused"], [[0, 3, 1]]),
        (["calibration_error"], float("nan")),
        (["calibration"], [[1, 2.0, 0.5]]),
        (["mistakes", 0, "label"], 3),
        (["mistakes", 0, "thumbnail"], "javascript:alert(1)"),
        (["mistakes", 0, "image"], None),
        (["mistakes"], 7),
    ],
    ids=str,
)
def test_a_record_that_nobody_wrote_is_refused(place, value):
    damaged = copy.deepcopy(record())
    inside = damaged
    for key in place[:-1]:
        inside = inside[key]
    inside[place[-1]] = value
    with pytest.raises(ValueError, match=r"\S"):
        Assessment.from_record(damaged, 3)


def test_no_record_at_all_is_refused():
    nothing: tuple[object, ...] = (None, [], "text", {})
    for content in nothing:
        with pytest.raises(ValueError, match="no assessment of 3 classes"):
            Assessment.from_record(content, 3)
