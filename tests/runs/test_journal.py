"""The records of epochs: in files, in TensorBoard, and apart from them the times."""

import json
from types import SimpleNamespace

import pytest

from pdarts_tf.config import TrainConfig
from pdarts_tf.runs import journal
from pdarts_tf.runs.journal import Journal, timing
from pdarts_tf.runs.run_directory import METRICS, TIMINGS
from pdarts_tf.tensorboard.board import TrainBoard
from tests.interruptions import events

TIMES = {"epoch": 1, "seconds": 2.0, "images_per_second": 8.0, "time": 1.7e9}


@pytest.fixture
def run(tmp_path):
    """A run directory that notes what is written."""

    def write_records(name, records):
        text = "".join(json.dumps(each) + "\n" for each in records)
        (tmp_path / name).write_text(text)

    return SimpleNamespace(path=tmp_path, writes=True, write_records=write_records)


def epoch(number, **measured):
    return {METRICS: {"epoch": number, **measured}, TIMINGS: TIMES | {"epoch": number}}


def test_times_of_an_epoch(monkeypatch):
    monkeypatch.setattr(journal.time, "time", lambda: 1.7e9)
    assert timing(images=16, seconds=2.0) == {k: v for k, v in TIMES.items() if k != "epoch"}


def test_a_new_run_has_empty_files(run):
    Journal(run, (TIMINGS, METRICS), {}, TrainBoard(TrainConfig()))
    assert (run.path / METRICS).read_text() == (run.path / TIMINGS).read_text() == ""


def test_the_files_follow_when_a_checkpoint_has_an_epoch(run):
    kept = Journal(run, (TIMINGS, METRICS), {}, TrainBoard(TrainConfig()))
    kept.add(epoch(1, loss=0.5))
    assert kept.content == {name: [record] for name, record in epoch(1, loss=0.5).items()}
    assert (run.path / METRICS).read_text() == ""
    kept.publish()
    assert (run.path / METRICS).read_text() == '{"epoch": 1, "loss": 0.5}\n'
    assert json.loads((run.path / TIMINGS).read_text()) == TIMES
    assert events(run.path) == {"loss/weights": [(1, 0.5)], "speed/images_per_second": [(1, 8.0)]}


def test_files_say_what_the_checkpoint_says(run):
    kept = Journal(run, (TIMINGS, METRICS), {}, TrainBoard(TrainConfig()))
    for number in (1, 2):
        kept.add(epoch(number, loss=0.5))
        kept.publish()
    content = json.loads(json.dumps({name: each[:1] for name, each in kept.content.items()}))
    Journal(run, (TIMINGS, METRICS), content, TrainBoard(TrainConfig()))
    assert (run.path / METRICS).read_text() == '{"epoch": 1, "loss": 0.5}\n'
    assert events(run.path)["loss/weights"] == [(1, 0.5)]
