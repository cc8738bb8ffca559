"""The lines that runs print."""

from types import SimpleNamespace

import numpy as np
import pytest

import pdarts_tf as pd
from pdarts_tf.config import SearchConfig, TrainConfig
from pdarts_tf.genotype import PRIMITIVES
from pdarts_tf.report import console
from pdarts_tf.report.console import (
    RandomSearchConsole,
    SearchConsole,
    TrainConsole,
    genotype_list,
    kept_operations,
)
from pdarts_tf.runs.observers import EpochStart
from pdarts_tf.runs.run_directory import METRICS, TIMINGS
from pdarts_tf.runs.state import RunState
from pdarts_tf.training.epoch_progress import EpochProgress
from tests.run_directories import ONE_STAGE


def test_kept_operations_are_listed_edge_by_edge():
    masks = np.zeros((2, 14, 8), dtype=bool)
    masks[:, :, [0, 3]] = True
    masks[1, 13] = [name in ("sep_conv_3x3", "dil_conv_5x5") for name in PRIMITIVES]
    space = pd.SearchSpace(*masks)
    normal = kept_operations(space, "normal").splitlines()
    assert normal[:2] == ["normal cell keeps", "  0 -> 2  none, skip_connect"]
    assert len(normal) == 15
    reduce = kept_operations(space, "reduce").splitlines()
    assert reduce[-1] == "  4 -> 5  sep_conv_3x3, dil_conv_5x5"


def test_genotypes_are_listed_in_the_official_notation():
    genotype = pd.GENOTYPES["PDARTS"]
    lines = genotype_list({"unrestricted": genotype, "M=2": genotype}).splitlines()
    assert lines[0].startswith("unrestricted (2 skip-connects): Genotype(normal=[('skip_connect',")
    title, _, notation = lines[1].partition(": ")
    assert title == "M=2 (2 skip-connects)"
    assert pd.Genotype.parse(notation) == genotype


@pytest.fixture
def printed(monkeypatch):
    """Lines that were printed."""
    lines: list[str] = []
    monkeypatch.setattr(console, "logger", lambda: SimpleNamespace(info=lines.append))
    return lines


def state(epochs, steps=0):
    return RunState(10, epochs=epochs, progress=EpochProgress(steps))


def test_a_new_search_begins_with_its_plan(printed):
    SearchConsole(SearchConfig(), "the plan", "the devices", state(0))
    assert printed == ["the plan", "the devices"]


@pytest.mark.parametrize(
    ("begun", "line"),
    [
        (state(2, 3), "Resuming after epoch 2, step 3 of the next one"),
        (state(3), "Resuming after epoch 3"),
    ],
)
def test_resuming_says_where(printed, begun, line):
    SearchConsole(SearchConfig(), "the plan", "the devices", begun)
    assert printed == ["the plan", "the devices", line]


@pytest.mark.parametrize(("begun", "lines"), [(state(25), 32), (state(25, 1), 0), (state(26), 0)])
def test_what_a_stage_keeps_is_said_when_the_next_one_begins(printed, begun, lines):
    shown = SearchConsole(SearchConfig(), "", "the devices", begun)
    printed.clear()
    shown.begin_stage(SearchConfig().stages[1], pd.SearchSpace.full(), begun)
    assert sum(line.count("\n") + 1 for line in printed) == lines


def test_the_first_stage_keeps_everything_and_says_nothing(printed):
    shown = SearchConsole(SearchConfig(), "", "the devices", state(0))
    printed.clear()
    shown.begin_stage(SearchConfig().stages[0], pd.SearchSpace.full(), state(0))
    assert printed == []


@pytest.mark.parametrize(("epoch", "what"), [(9, "weights only"), (10, "weights and alphas")])
def test_an_epoch_begins_with_its_rates(printed, epoch, what):
    rates = {"learning_rate": 0.0125, "skip_dropout_rate": 0.25}
    shown = SearchConsole(SearchConfig(), "", "the devices", state(0))
    shown.begin_epoch(EpochStart(epoch, {"stage": 2, "epoch": epoch + 1}, rates))
    assert printed[-1] == (
        f"Stage 2/3, epoch {epoch + 1}/25: learning rate 0.0125, skip dropout 0.250, {what}"
    )


def timed(epochs, **seconds):
    """A state after so many epochs, each with such times."""
    return RunState(10, epochs=epochs, records={TIMINGS: [seconds] * epochs})


@pytest.mark.parametrize(
    ("step", "after", "line"),
    [
        ("training", timed(0), "stage 1 for weights only …"),
        ("training", timed(10, graph_seconds=0.0), "stage 1 for weights and alphas …"),
        (
            "training",
            timed(25, graph_seconds=24.2),
            "stage 2 for weights only (that of stage 1 took 24 s) …",
        ),
        (
            "training",
            timed(3, graph_seconds=24.2),
            "stage 1 for weights only (it took 24 s before) …",
        ),
        ("evaluation", timed(20, graph_seconds=24.2), "stage 1 for validation …"),
        (
            "evaluation",
            timed(46, evaluation_graph_seconds=6.2),
            "stage 2 for validation (it took 6 s before) …",
        ),
    ],
)
def test_before_a_graph_is_built_a_line_says_so(printed, step, after, line):
    SearchConsole(SearchConfig(), "", "the devices", state(0)).begin_graph(step, after)
    assert printed[-1] == f"Building the graph of {line}"


def test_the_graphs_of_a_training_and_of_samples(printed):
    TrainConsole(TrainConfig(), "", "the devices", state(0)).begin_graph("training", timed(0))
    assert printed[-1] == "Building the graph of the network for training …"
    config = SearchConfig(**ONE_STAGE, samples=4)
    shown = RandomSearchConsole(config, "", "the devices", state(0))
    shown.begin_graph("training", timed(25, graph_seconds=5.0))
    assert printed[-1] == (
        "Building the graph of sample 2 for training (that of sample 1 took 5 s) …"
    )


def test_a_random_search_counts_samples(printed):
    shown = RandomSearchConsole(SearchConfig(**ONE_STAGE, samples=4), "", "the devices", state(0))
    printed.clear()
    shown.begin_stage(shown.config.stages[1], pd.SearchSpace.full(), state(25))
    rates = {"learning_rate": 0.0125, "skip_dropout_rate": 0.0}
    shown.begin_epoch(EpochStart(0, {"stage": 2, "epoch": 1}, rates))
    assert printed == ["Sample 2/4, epoch 1/25: learning rate 0.0125"]


def test_validations_are_shown(printed):
    shown, after = SearchConsole(SearchConfig(), "", "the devices", state(0)), state(0)
    after.finish_epoch({METRICS: {"valid_loss": 1.5, "valid_accuracy": 0.25}})
    shown.end_epoch(after)
    assert printed[-1] == "validation: loss 1.5000, accuracy 0.2500"


def test_a_training_shows_validation_and_test(printed):
    shown, after = TrainConsole(TrainConfig(), "", "the devices", state(0)), state(0)
    valid = {"valid_loss": 0.5, "valid_accuracy": 0.75, "valid_top5": 1.0}
    test = {"test_loss": 1.5, "test_accuracy": 0.25, "test_top5": 0.875}
    after.finish_epoch({METRICS: valid | test})
    shown.end_epoch(after)
    assert printed[-2:] == [
        "validation: loss 0.5000, top-1 0.7500, top-5 1.0000",
        "test: loss 1.5000, top-1 0.2500, top-5 0.8750",
    ]


def test_a_training_without_validation_shows_the_test(printed):
    shown, after = TrainConsole(TrainConfig(), "the plan", "the devices", state(0)), state(0)
    after.finish_epoch({METRICS: {"test_loss": 1.5, "test_accuracy": 0.25, "test_top5": 0.875}})
    shown.end_epoch(after)
    assert printed == ["the plan", "the devices", "test: loss 1.5000, top-1 0.2500, top-5 0.8750"]


def outcome(last, best):
    return SimpleNamespace(last={"epoch": last}, best={"epoch": best})


def test_a_training_that_ends_early_says_why(printed):
    config = TrainConfig(epochs=20, early_stopping_epochs=5)
    TrainConsole(config, "the plan", "the devices", state(0)).end(outcome(12, 7))
    assert printed[-1] == (
        "Ended after epoch 12 of 20: the best validation score is that of epoch 7, "
        "--early_stopping_epochs=5"
    )


def test_a_training_of_all_epochs_ends_without_a_reason(printed):
    config = TrainConfig(epochs=20, early_stopping_epochs=5)
    TrainConsole(config, "the plan", "the devices", state(0)).end(outcome(20, 15))
    assert printed == ["the plan", "the devices"]
