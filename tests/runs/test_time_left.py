"""The time left in a run: parts of epochs, scaled by what has been measured."""

import pytest

from pdarts_tf.config import SearchConfig, TrainConfig
from pdarts_tf.runs.run_directory import TIMINGS
from pdarts_tf.runs.state import RunState
from pdarts_tf.runs.time_left import (
    TimeLeft,
    compared_with_truth,
    measured_parts,
    search_parts,
    seconds_left,
    training_parts,
)
from tests.run_directories import ONE_STAGE

EPOCH = {"weights": 10.0, "graph_weights": 4.0, "evaluation": 2.0}


def test_parts_take_as_many_times_longer_as_those_measured():
    measured = {"weights": 20.0, "graph_weights": 12.0, "evaluation": 2.0}
    assert seconds_left([(EPOCH, measured)], [EPOCH, EPOCH]) == pytest.approx(2 * 34.0)


@pytest.mark.parametrize(
    ("part", "seconds"),
    [("alphas", 20.0), ("evaluation", 20.0), ("graph_alphas", 30.0), ("pause", 30.0)],
)
def test_what_was_not_measured_is_like_its_family(part, seconds):
    done = [({"weights": 10.0, "graph_weights": 4.0}, {"weights": 20.0, "graph_weights": 12.0})]
    assert seconds_left(done, [{part: 10.0}]) == pytest.approx(seconds)


def test_newer_epochs_count():
    slow, fast = ({"weights": 10.0}, {"weights": 90.0}), ({"weights": 10.0}, {"weights": 30.0})
    assert seconds_left([slow, fast, fast, fast], [{"weights": 10.0}]) == pytest.approx(30.0)


def test_before_any_step_was_measured_nothing_is_known():
    assert seconds_left([], [EPOCH]) is None
    assert seconds_left([(EPOCH, {"graph_weights": 5.0})], [EPOCH]) is None


def test_nothing_is_left_at_the_end():
    assert seconds_left([(EPOCH, {"weights": 20.0})], []) == 0.0


def test_the_parts_of_a_record():
    record = {"seconds": 33.0, "graph_seconds": 24.0, "setup_seconds": 2.0, "time": 1.7e9}
    record |= {"evaluation_seconds": 3.0, "evaluation_graph_seconds": 5.0}
    expected = {"alphas": 1.0, "graph_alphas": 1.0, "stage": 1.0}
    # The first of four steps, in 24 seconds, has built the graph; the others took three each.
    assert measured_parts(record, expected, steps=4) == {
        "alphas": 12.0,
        "graph_alphas": 21.0,
        "evaluation": 3.0,
        "evaluation_graph": 5.0,
        "stage": 2.0,
    }


def test_an_epoch_without_a_graph():
    record = {"seconds": 12.0, "graph_seconds": 0.0, "setup_seconds": 0.5}
    parts = measured_parts(record, {"weights": 1.0, "pause": 1.0}, steps=4)
    assert parts == {"weights": 12.0, "graph_weights": 0.0, "pause": 0.5}


def test_an_epoch_that_was_interrupted_gives_nothing():
    assert measured_parts({"seconds": 33.0, "time": 1.7e9}, {"weights": 1.0}, steps=4) == {}


def left(expected, seconds, steps=4):
    """The time left of a run whose first epochs took so many seconds."""
    records = [{"seconds": each, "graph_seconds": 0.0} for each in seconds]
    return TimeLeft(expected, RunState(steps, len(records), records={TIMINGS: records}))


def test_inside_an_epoch_its_own_steps_count():
    run = left([{"weights": 4.0}] * 3, [8.0])
    assert run.after_epoch(1) == pytest.approx(16.0)
    assert run.inside_epoch(1, 1, [2.0, 2.0]) == pytest.approx(12.0)
    assert run.inside_epoch(1, 3, [2.0] * 4) == pytest.approx(8.0)


def test_inside_an_epoch_its_evaluation_is_to_come():
    run = left([{"weights": 4.0, "evaluation": 1.0}], [])
    assert run.inside_epoch(0, 3, [2.0] * 4) == pytest.approx(2.0)


def test_the_graph_of_an_epoch_counts_for_those_to_come():
    first = {"weights": 4.0, "graph_weights": 10.0}
    run = left([first, {"weights": 4.0, "graph_alphas": 5.0}], [])
    # A step takes 1 second, so the graph took 20 of the first; another half as large is to come.
    assert run.inside_epoch(0, 3, [1.0] * 3, graph=21.0) == pytest.approx(14.0)


def test_a_resumed_run_knows_at_once():
    assert left([{"weights": 4.0}] * 3, [8.0, 8.0]).inside_epoch(2, 0, []) == pytest.approx(6.0)


def test_estimates_are_compared_with_the_truth():
    records = [{"seconds": 8.0, "graph_seconds": 0.0, "time": 100.0 + 10 * i} for i in range(3)]
    compared = compared_with_truth([{"weights": 4.0}] * 3, records, steps=4, end=125.0)
    # 2 and 1 epochs of 8 seconds against 25 and 15.
    assert compared == [
        (pytest.approx(16.0), 25.0, pytest.approx(-0.36)),
        (pytest.approx(8.0), 15.0, pytest.approx(-7 / 15)),
    ]


CONFIG = SearchConfig(epochs=4, warmup_epochs=2, validation_epochs=1, layers=(3, 4, 5))


def test_a_search_has_graphs_where_steps_change_and_validations_at_ends():
    parts = [set(each) for each in search_parts(CONFIG, steps=10, evaluated=5, begin=0)]
    assert len(parts) == 12
    assert parts[:4] == [
        {"weights", "graph_weights", "stage"},
        {"weights", "pause"},
        {"alphas", "graph_alphas", "pause"},
        {"alphas", "evaluation", "evaluation_graph", "pause"},
    ]
    assert parts[4:8] == parts[8:] == parts[:4]


def test_a_resumed_search_builds_its_graphs_again():
    fresh, resumed = (search_parts(CONFIG, 10, 5, begin) for begin in (0, 5))
    assert "graph_weights" in resumed[5]
    assert [a for a, b in zip(fresh, resumed, strict=True) if a != b] == [fresh[5]]


def test_later_stages_have_more_cells_of_fewer_candidates():
    paper = search_parts(SearchConfig(), steps=1, evaluated=1, begin=0)
    steps = [paper[25 * stage + 24]["alphas"] for stage in range(3)]
    # As benchmarks.supernet_step has measured: 1.72, 2.74 and 2.98 seconds.
    assert steps[1] / steps[0] == pytest.approx(2.74 / 1.72, rel=0.05)
    assert steps[2] / steps[0] == pytest.approx(2.98 / 1.72, rel=0.08)


def test_a_random_search_trains_weights_only():
    config = SearchConfig(**ONE_STAGE, samples=2, epochs=2, warmup_epochs=1, validation_epochs=1)
    kinds = [set(each) for each in search_parts(config, steps=10, evaluated=5, begin=0)]
    assert kinds[:2] == kinds[2:]
    assert kinds[1] == {"weights", "evaluation", "evaluation_graph", "pause"}


def test_a_training_builds_its_graphs_once_and_again_after_a_resume():
    parts = training_parts(TrainConfig(epochs=4), steps=10, evaluated=5, begin=2)
    graphs = ["graph_weights" in each and "evaluation_graph" in each for each in parts]
    assert graphs == [True, False, True, False]
