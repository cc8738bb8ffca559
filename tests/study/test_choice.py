"""The genotype to take: best in validation, each distinct one once."""

import dataclasses

from pdarts_tf.study.choice import rank_genotypes
from tests.study_records import EMPTY, FINISHED, SHARED, with_scores


def order(record):
    return [each.directory[-1] for each in rank_genotypes(record)]


def test_the_best_validation_accuracy_is_first_and_the_lower_loss_breaks_ties():
    assert order(FINISHED) == list("bhcaefdg")


def test_what_is_equal_stays_in_the_order_of_the_record():
    record = with_scores(FINISHED, SHARED, valid_loss=0.35)
    assert order(record)[:2] == ["b", "h"]
    backwards = dataclasses.replace(record, results=record.results[::-1])
    assert order(backwards)[:2] == ["b", "h"]  # random search with seed 2 has found b too
    without = [result for result in record.results if result.training != SHARED]
    later = dataclasses.replace(record, results=[*without, record.results[1]])
    assert order(later)[:2] == ["h", "b"]


def test_a_genotype_that_was_found_twice_stands_once_with_all_who_found_it():
    first = rank_genotypes(FINISHED)[0]
    assert [(each.method, each.seed) for each in first.results] == [("pdarts", 1), ("random", 2)]
    assert first.found_by == "pdarts (seed 1), random (seed 2)"
    assert first.training == FINISHED.trainings[SHARED]


def test_seeds_of_one_method_are_gathered():
    result = dataclasses.replace(FINISHED.results[0], training=SHARED)
    record = dataclasses.replace(FINISHED, results=[result, *FINISHED.results[1:]])
    assert rank_genotypes(record)[0].found_by == "pdarts (seeds 0, 1), random (seed 2)"


def test_ranks_are_counted_from_1():
    assert [each.rank for each in rank_genotypes(FINISHED)] == list(range(1, 9))


def test_the_test_split_has_no_influence():
    for number, name in enumerate(FINISHED.trainings):
        changed = with_scores(FINISHED, name, test_accuracy=number / 10, test_loss=9.0 - number)
        assert order(changed) == order(FINISHED)


def test_the_last_weights_have_no_influence():
    old = FINISHED.trainings["trainings/g"]
    last = dataclasses.replace(old.last, valid_accuracy=1.0, valid_loss=0.0)
    trainings = {**FINISHED.trainings, "trainings/g": dataclasses.replace(old, last=last)}
    assert order(dataclasses.replace(FINISHED, trainings=trainings)) == order(FINISHED)


def test_nothing_is_ranked_before_anything_is_trained():
    assert rank_genotypes(EMPTY) == []
