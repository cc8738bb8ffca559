"""The files of records: what they say is what a checkpoint says."""

import json
from types import SimpleNamespace

import pytest

from pdarts_tf.config import SearchConfig
from pdarts_tf.runs.journal import Journal
from pdarts_tf.runs.run_directory import METRICS, TIMINGS
from pdarts_tf.runs.state import RunState
from pdarts_tf.search_space import SearchSpace

NAMES = (TIMINGS, METRICS)


@pytest.fixture
def directory(tmp_path):
    """A run directory that notes what is written."""

    def write_records(name, records):
        text = "".join(json.dumps(each) + "\n" for each in records)
        (tmp_path / name).write_text(text)

    def write(name, text):
        (tmp_path / name).write_text(text)

    return SimpleNamespace(path=tmp_path, write=write, write_records=write_records)


def epoch(number):
    return {METRICS: {"epoch": number, "loss": 0.5}, TIMINGS: {"epoch": number, "seconds": 2.0}}


def test_a_new_run_has_empty_files(directory):
    Journal(directory, NAMES, RunState(2))
    assert (directory.path / METRICS).read_text() == (directory.path / TIMINGS).read_text() == ""


def test_the_files_follow_when_an_epoch_has_ended(directory):
    state = RunState(2)
    journal = Journal(directory, NAMES, state)
    state.finish_epoch(epoch(1))
    assert (directory.path / METRICS).read_text() == ""
    journal.end_epoch(state)
    assert (directory.path / METRICS).read_text() == '{"epoch": 1, "loss": 0.5}\n'
    assert json.loads((directory.path / TIMINGS).read_text()) == epoch(1)[TIMINGS]


def test_a_resumed_run_forgets_epochs_that_its_checkpoint_does_not_know(directory):
    state = RunState(2)
    journal = Journal(directory, NAMES, state)
    for number in (1, 2):
        state.finish_epoch(epoch(number))
        journal.end_epoch(state)
    older = RunState(2)
    older.finish_epoch(epoch(1))
    Journal(directory, NAMES, older)
    assert (directory.path / METRICS).read_text() == '{"epoch": 1, "loss": 0.5}\n'


def test_every_stage_has_a_file_of_its_candidates(directory):
    stage = SearchConfig().stages[1]
    Journal(directory, NAMES, RunState(2)).begin_stage(stage, SearchSpace.full(), RunState(2))
    text = (directory.path / "search_space_stage2.json").read_text()
    assert SearchSpace.from_json(text) == SearchSpace.full()
