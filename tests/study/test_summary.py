"""Statistics of a study, against the examples of textbooks and R."""

import dataclasses
from typing import Any

import pytest

from pdarts_tf.study.measures import MEASURES, SEARCH_SECONDS, TEST_ACCURACY, VALID_ACCURACY
from pdarts_tf.study.record import MethodResult
from pdarts_tf.study.summary import (
    Summary,
    kendall,
    paired_differences,
    rank_correlations,
    summarize,
)
from tests.study_records import EMPTY, FINISHED, IN_PROGRESS, training

# R's `sleep`: extra hours of sleep of ten patients with two drugs (Student, 1908).
FIRST_DRUG = (0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0)
SECOND_DRUG = (1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4)


def summary_of(values: Any) -> Any:
    return summarize(values)


def differences(first: Any, second: Any) -> Any:
    """The difference of the test accuracies of a study of two methods."""
    [difference] = paired_differences(study_of_two(first, second), TEST_ACCURACY)
    return difference


def test_the_interval_is_that_of_r_for_one_sample():
    summary = summary_of(FIRST_DRUG)
    assert summary.mean == pytest.approx(0.75)
    assert summary.deviation == pytest.approx(1.789010)
    assert summary.interval == pytest.approx((-0.5297804, 2.0297804))  # t.test(extra[group == 1])


def test_one_value_has_no_interval():
    assert summarize([0.5]) == Summary(1, 0.5, None, None)
    assert summary_of([0.5]).interval is None


def test_no_values_have_no_summary():
    assert summarize([]) is None


def test_equal_values_have_an_interval_of_no_width():
    assert summarize([0.1, 0.1, 0.1]) == Summary(3, 0.1, 0.0, 0.0)


def study_of_two(first, second):
    """A study of two methods, whose test accuracies are given by seed; None is missing."""
    trainings, results = {}, []
    for method, values in (("one", first), ("other", second)):
        for seed, value in enumerate(values):
            if value is not None:
                trainings[f"{method}{seed}"] = training(0, 0.5, value)
                results.append(MethodResult(method, seed, "s", 1, None, f"{method}{seed}"))
    return dataclasses.replace(
        EMPTY, methods=("one", "other"), trainings=trainings, results=results
    )


def test_paired_differences_are_those_of_r():
    difference = differences(FIRST_DRUG, SECOND_DRUG)
    assert (difference.method, difference.baseline) == ("other", "one")
    assert difference.summary.mean == pytest.approx(1.58)
    # t.test(Pair(extra.2, extra.1) ~ 1, data = sleep2)
    assert difference.summary.interval == pytest.approx((0.7001142, 2.4598858))


def test_differences_are_over_the_seeds_that_both_have():
    difference = differences((0.1, None, 0.3, 0.4), (0.2, 0.9, None, 0.6))
    assert difference.seeds == (0, 3)
    assert difference.values == pytest.approx((0.1, 0.2))
    assert difference.summary.count == 2
    assert difference.summary.mean == pytest.approx(0.15)


def test_methods_without_a_common_seed_have_no_difference():
    difference = differences((0.1, None), (None, 0.2))
    assert (difference.seeds, difference.summary) == ((), None)


def test_one_method_differs_from_none():
    one = dataclasses.replace(EMPTY, methods=("one",))
    assert paired_differences(one, TEST_ACCURACY) == []
    assert paired_differences(dataclasses.replace(EMPTY, methods=()), TEST_ACCURACY) == []


@pytest.mark.parametrize(
    ("first", "second", "tau", "p_value"),
    [
        # Hollander & Wolfe (1973), p. 187: R's cor.test(x, y, method = "kendall").
        (
            (44.4, 45.9, 41.9, 53.3, 44.7, 44.1, 50.7, 45.2, 60.1),
            (2.6, 3.1, 2.5, 5.0, 3.6, 4.0, 5.2, 2.8, 3.8),
            0.4444444,
            0.1194,
        ),
        # SciPy's example, with ties.
        ((12, 2, 1, 12, 2), (1, 4, 7, 1, 0), -0.47140452079103173, 0.2827454599327748),
        ((1, 2), (1, 2), 1.0, 1.0),
    ],
)
def test_kendalls_tau_is_that_of_textbooks(first, second, tau, p_value):
    assert kendall(first, second) == (
        pytest.approx(tau, rel=1e-6),
        pytest.approx(p_value, rel=1e-3),
    )


@pytest.mark.parametrize(
    ("first", "second"), [((), ()), ((1,), (2,)), ((3, 3, 3), (1, 2, 3)), ((1, 2), (5, 5))]
)
def test_kendalls_tau_of_equal_values_is_undefined(first, second):
    assert kendall(first, second) == (None, None)


def test_cells_of_random_search_are_not_among_the_ranks():
    supernet, probability = rank_correlations(FINISHED)
    assert {method for method, *_ in supernet.points} == {"pdarts", "pdarts@stage1"}
    assert supernet.points[0] == ("pdarts", 0, 0.52, 0.930)
    assert supernet.points[4] == ("pdarts@stage1", 1, 0.63, 0.920)
    assert probability.points[0] == ("pdarts", 0, 0.41, 0.930)
    assert probability.tau == pytest.approx(13 / 15)


def test_a_stage_that_was_not_validated_is_left_out():
    name = "searches/pdarts_seed0"
    search = FINISHED.searches[name]
    stages = (*search.stages[:-1], dataclasses.replace(search.stages[-1], valid_accuracy=None))
    searches = {**FINISHED.searches, name: dataclasses.replace(search, stages=stages)}
    supernet, probability = rank_correlations(dataclasses.replace(FINISHED, searches=searches))
    assert (len(supernet.points), len(probability.points)) == (5, 6)


def test_an_empty_study_has_no_ranks():
    assert [(each.points, each.tau) for each in rank_correlations(EMPTY)] == [((), None)] * 2


def test_measures_of_a_result():
    values = [measure.of(FINISHED, FINISHED.results[0]) for measure in MEASURES]
    assert values == [0.930, 0.905, 1, 41_234, 2_345_678, 400.0]


def test_the_values_of_a_method_are_by_seed_and_missing_ones_are_left_out():
    assert VALID_ACCURACY.values(IN_PROGRESS, "random") == {0: 0.89, 2: 0.95}
    without = dataclasses.replace(FINISHED, times={})
    assert SEARCH_SECONDS.values(without, "pdarts") == {}
