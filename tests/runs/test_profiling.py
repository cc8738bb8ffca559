"""Traces of chosen steps: which are traced, and that the event file is still read whole."""

import logging

import pytest
import tensorflow as tf

from pdarts_tf.runs import profiling
from pdarts_tf.runs.profiling import Profiling
from pdarts_tf.runs.run_directory import TENSORBOARD
from tests.boards import write_board
from tests.interruptions import board
from tests.run_directories import SEARCH, write_search


class Profiler:
    """Stands for TensorFlow's profiler: notes what it is told."""

    def __init__(self):
        self.calls = []

    def start(self, directory):
        self.calls.append("start")

    def stop(self):
        self.calls.append("stop")

    def Trace(self, name, step_num, _r):
        profiler = self

        class Step:
            def __enter__(self):
                profiler.calls.append(step_num)

            def __exit__(self, *exception):
                profiler.calls.append(-step_num)

        return Step()


@pytest.fixture
def calls(monkeypatch):
    profiler = Profiler()
    monkeypatch.setattr(profiling.tf.profiler, "experimental", profiler)
    return profiler.calls


def take_steps(callback, count, fails_in=None):
    """Takes steps of two epochs, whose numbers in an epoch start anew."""
    for step in range(count):
        callback.on_train_batch_begin(step % 3)
        if step + 1 == fails_in:
            raise KeyboardInterrupt
        callback.on_train_batch_end(step % 3)


def test_only_the_chosen_steps_are_traced(calls, tmp_path):
    with Profiling(tmp_path, 3, 4) as callback:
        take_steps(callback, 6)
    assert calls == ["start", 3, -3, 4, -4, "stop"]


def test_one_step_can_be_traced(calls, tmp_path):
    with Profiling(tmp_path, 1, 1) as callback:
        take_steps(callback, 2)
    assert calls == ["start", 1, -1, "stop"]


def test_a_run_that_ends_before_the_last_step_keeps_its_trace(calls, tmp_path):
    with Profiling(tmp_path, 2, 9) as callback:
        take_steps(callback, 3)
    assert calls == ["start", 2, -2, 3, -3, "stop"]


def test_a_run_that_stops_inside_a_step_keeps_its_trace(calls, tmp_path):
    with pytest.raises(KeyboardInterrupt), Profiling(tmp_path, 2, 9) as callback:
        take_steps(callback, 5, fails_in=3)
    assert calls == ["start", 2, -2, 3, -3, "stop"]


def test_a_run_that_is_too_short_says_that_nothing_is_profiled(calls, tmp_path, caplog):
    with caplog.at_level(logging.WARNING), Profiling(tmp_path, 8, 9) as callback:
        take_steps(callback, 3)
    assert calls == []
    assert "--profile_steps=8,9: nothing is profiled" in caplog.text
    assert "has taken 3 steps" in caplog.text


def test_a_trace_lies_beside_an_event_file_that_is_read_whole(tmp_path):
    run = write_board(write_search(tmp_path / "search"))
    before = board(run)
    directory = run / TENSORBOARD
    with Profiling(directory, 1, 2) as callback:
        for step in range(2):
            callback.on_train_batch_begin(step)
            tf.reduce_sum(tf.ones(3))
            callback.on_train_batch_end(step)
    assert board(run) == before
    assert len(before["loss/weights"]) == len(SEARCH.stages) * SEARCH.epochs
    (trace,) = directory.glob("plugins/profile/*/*.xplane.pb")
    assert trace.stat().st_size > 0
    assert [each.is_file() for each in directory.iterdir()].count(True) == 1  # no empty event file
