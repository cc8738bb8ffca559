"""The bar of an epoch on a terminal, its line elsewhere, and what the log keeps of it."""

import logging

import pytest

from pdarts_tf.runs import progress
from pdarts_tf.runs.log import logger
from pdarts_tf.runs.progress import Progress
from pdarts_tf.runs.state import RunState
from pdarts_tf.runs.time_left import TimeLeft

STEPS = 2


class Lines(logging.Handler):
    """Keeps lines, with the names of their levels."""

    def __init__(self):
        super().__init__()
        self.lines: list[tuple[str, str]] = []

    def emit(self, record):
        self.lines.append((record.levelname, record.getMessage()))


@pytest.fixture
def log():
    """What the log is given."""
    handler = Lines()
    logger().addHandler(handler)
    yield handler.lines
    logger().removeHandler(handler)


@pytest.fixture
def now(monkeypatch):
    """A clock that stands still: [seconds]."""
    now = [100.0]
    monkeypatch.setattr(progress.time, "perf_counter", lambda: now[0])
    return now


@pytest.fixture
def terminal(monkeypatch):
    """Standard output is a terminal of so many columns."""

    def columns(number):
        monkeypatch.setattr("sys.stdout.isatty", lambda: True)
        monkeypatch.setenv("COLUMNS", str(number))

    return columns


def show_epoch(now, seconds, parts=("weights",), first=0, **logs):
    """Runs the callback through the second epoch of three, with steps of so many seconds."""
    expected = [{"weights": 1.0}, dict.fromkeys(parts, 1.0), {"weights": 1.0}]
    state = RunState(STEPS, epochs=1, records={"timings.jsonl": [{}]})
    callback = Progress(TimeLeft(expected, state), batch_size=32)
    callback.on_epoch_begin(1)
    for step in range(first, STEPS):
        now[0] += seconds
        callback.on_train_batch_end(step, logs)


def test_away_from_a_terminal_an_epoch_is_one_line(now, log, capsys):
    show_epoch(now, 30.0, loss=2.25, accuracy=0.125)
    # 2 steps of 30 seconds are left, those of the last epoch.
    line = "2 steps in 1 min 0 s: loss 2.2500, accuracy 0.1250, 1.07 images/s, 1 min 0 s left"
    assert log == [("INFO", line)]
    assert "\r" not in capsys.readouterr().out


def test_on_a_terminal_a_bar_moves_and_the_log_has_the_line(now, log, terminal, capsys):
    terminal(120)
    show_epoch(now, 30.0, loss=2.25)
    _, first, last = capsys.readouterr().out.split("\r")
    assert first == "1/2 [==========----------] 1 min 30 s left, 1.07 images/s, loss 2.2500\x1b[K"
    assert last.startswith("2 steps in 1 min 0 s: loss 2.2500, 1.07 images/s, 1 min 0 s left")
    assert last.endswith("\n")
    assert [level for level, _ in log] == ["DEBUG"]
    assert log[0][1] == last.removesuffix("\x1b[K\n")


def test_a_bar_stays_in_its_line(now, terminal, capsys):
    terminal(40)
    show_epoch(now, 30.0, loss=2.25)
    _, first, _ = capsys.readouterr().out.split("\r")
    assert first == "1/2 [==========----------] 1 min 30 s le\x1b[K"[:39] + "\x1b[K"


def test_a_bar_is_drawn_twice_a_second_at_most(now, terminal, capsys):
    terminal(120)
    show_epoch(now, 0.2, loss=2.25)
    assert capsys.readouterr().out.count("\r") == 2  # the first step and the last


def test_gradient_norms_are_left_to_tensorboard(now, log):
    show_epoch(now, 1.0, loss=2.25, weight_grad_norm=4.0)
    assert "norm" not in log[0][1]


def test_the_step_that_builds_a_graph_says_nothing_about_others(now, log):
    expected = [{"weights": 2.0, "graph_weights": 1.0}, {"weights": 2.0}]
    callback = Progress(TimeLeft(expected, RunState(STEPS)), batch_size=32)
    callback.on_epoch_begin(0)
    for step, seconds in enumerate((60.0, 4.0)):
        now[0] += seconds
        callback.on_train_batch_end(step, {})
    assert log[0][1].endswith(", 8 s left")


def test_without_a_measured_step_no_time_is_shown(now, log):
    show_epoch(now, 30.0, parts=("weights", "graph_weights"), first=1, loss=2.25)
    assert log == [("INFO", "1 step in 30 s: loss 2.2500, 1.07 images/s")]
