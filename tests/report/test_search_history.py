"""What a search did, stage by stage and operation by operation."""

import pytest

from pdarts_tf.alphas import chosen_operations
from pdarts_tf.genotype import PRIMITIVES
from pdarts_tf.report.run import read_run
from pdarts_tf.report.search_history import fates, summarize_stages
from tests.run_directories import write_search


@pytest.fixture
def run(tmp_path):
    return read_run(write_search(tmp_path))


def test_stages_are_summed_up(run):
    first, _, last = summarize_stages(run)
    assert (first.num_layers, first.num_candidates, first.epochs, first.seconds) == (3, 8, 4, 8)
    assert first.images_per_second == 101.5
    assert (last.accuracy, last.arch_accuracy, last.valid_accuracy) == (0.7, 0.6, None)
    assert first.parameters == 209_010  # what TensorFlow's supernet of the digits recipe has


def test_stages_that_have_not_begun_are_empty(tmp_path):
    run = read_run(write_search(tmp_path, epochs=5))
    _, second, third = summarize_stages(run)
    assert (second.epochs, third.epochs, third.accuracy, third.parameters) == (1, 0, None, None)


@pytest.mark.parametrize("cell", ["normal", "reduce"])
def test_every_operation_falls_once_or_stays(run, cell):
    for edge, row in enumerate(fates(run, cell)):
        fallen = [fate.stage for fate in row if fate.state == "dropped"]
        assert sorted(fallen) == [1, 1, 1, 2, 2]
        for operation, fate in enumerate(row):
            last = fate.stage or 3
            candidates = getattr(run.spaces[last], cell)
            assert candidates[edge, operation]
            grid = run.frames[last, 4].probabilities(cell)
            assert fate.probability == pytest.approx(grid[edge, operation])


def test_the_result_is_chosen(run):
    rows = fates(run, "normal")
    chosen = {(e, o) for e in range(14) for o in range(8) if rows[e][o].state == "chosen"}
    assert chosen == chosen_operations(run.genotype, "normal", PRIMITIVES)
    assert len(chosen) == 8


def test_the_last_derivation_is_the_result(run):
    assert run.frames[3, 4].derive(run.settings.max_skip_connects) == run.genotype
