"""The time left in a whole run, and the bar that shows it."""

import re

import pytest

from pdarts_tf.config import SearchConfig, TrainConfig
from pdarts_tf.runs import progress
from pdarts_tf.runs.progress import Clock, Progress, search_clock, train_clock
from pdarts_tf.runs.state import RunState


def test_steps_of_equal_cost():
    clock = Clock(costs=[1.0] * 6, steps=10, traced=set())
    clock.tick(0, seconds=2.0, first=True)
    # 9 more steps in this epoch and 50 in the others, of 2 seconds each.
    assert clock.seconds_left(0, 0) == pytest.approx(118.0)


def test_steps_of_other_epochs_take_as_long_as_they_cost():
    # 8 cells of stage 2 against 5 of stage 1, and warm-up at 60 %.
    clock = Clock(costs=[3.0, 5.0, 4.8, 8.0], steps=100, traced=set())
    for step in range(100):
        clock.tick(0, seconds=0.3, first=step == 0)
    # 0.1 seconds per unit of cost: 50 + 48 + 80 seconds.
    assert clock.seconds_left(0, 99) == pytest.approx(178.0)


def test_the_speed_is_the_mean_of_all_steps():
    clock = Clock(costs=[1.0, 3.0], steps=2, traced=set())
    clock.tick(0, seconds=1.0, first=True)
    clock.tick(0, seconds=1.0, first=False)
    clock.tick(1, seconds=8.0, first=True)
    # (1 + 1 + 8) seconds for a cost of 1 + 1 + 3, and a cost of 3 is left.
    assert clock.seconds_left(1, 0) == pytest.approx(6.0)


def test_traces_are_kept_apart_and_counted_for_the_epochs_to_come():
    clock = Clock(costs=[1.0] * 4, steps=2, traced={0, 1, 2})
    clock.tick(0, seconds=30.0, first=True)
    clock.tick(0, seconds=0.5, first=False)
    clock.tick(1, seconds=50.0, first=True)
    # 5 steps of 0.5 seconds, and one trace as long as the mean of those two.
    assert clock.seconds_left(1, 0) == pytest.approx(5 * 0.5 + 40.0)


def test_before_any_ordinary_step_only_traces_are_known():
    clock = Clock(costs=[1.0] * 4, steps=5, traced={0, 3})
    assert clock.seconds_left(0, 0) == 0.0
    clock.tick(0, seconds=20.0, first=True)
    assert clock.seconds_left(0, 0) == pytest.approx(20.0)


def test_nothing_is_left_after_the_last_step():
    clock = Clock(costs=[1.0, 2.0], steps=3, traced={0})
    clock.tick(0, seconds=9.0, first=True)
    clock.tick(1, seconds=1.0, first=False)
    assert clock.seconds_left(1, 2) == 0.0


def test_the_clock_of_a_search_knows_cost_and_traces_of_its_stages():
    config = SearchConfig(epochs=3, warmup_epochs=1)
    clock = search_clock(config, steps=4, state=RunState(4, epochs=5))
    first = 5 * 8 * 16
    assert clock.costs[:3] == [pytest.approx(0.6 * first), first, first]
    assert clock.costs[-1] == 17 * 3 * 16
    # Both functions of every stage, and that of the epoch which is resumed.
    assert clock.traced == {0, 1, 3, 4, 6, 7, 5}


def test_the_clock_of_a_training_knows_the_trace_of_a_resumed_epoch():
    clock = train_clock(TrainConfig(epochs=6), steps=4, state=RunState(4, epochs=2))
    assert (len(clock.costs), clock.traced) == (6, {0, 2})


def show_epoch(monkeypatch, seconds, **logs):
    """Runs the callback through the second epoch of three, with steps of so many seconds."""
    now = [100.0]
    monkeypatch.setattr(progress.time, "perf_counter", lambda: now[0])
    clock = Clock(costs=[1.0] * 3, steps=2, traced=set())
    bar = Progress(clock, steps=2, batch_size=32)
    bar.on_epoch_begin(1)
    for step in range(2):
        now[0] += seconds
        bar.on_train_batch_end(step, logs)
    return clock


def shown(text, name):
    """The number behind a name in the line of a bar."""
    found = re.search(rf"\b{re.escape(name)}: (\S+)", text)
    assert found, text
    return float(found.group(1))


def test_the_bar_shows_logs_speed_and_minutes_left(monkeypatch, capsys):
    show_epoch(monkeypatch, seconds=30.0, loss=2.25, accuracy=0.125)
    text = capsys.readouterr().out
    assert shown(text, "loss") == 2.25
    assert shown(text, "accuracy") == 0.125
    assert shown(text, "images/s") == pytest.approx(64 / 60, abs=1e-4)
    assert shown(text, "min_left") == 1.0  # the two steps of the last epoch


def test_away_from_a_terminal_an_epoch_is_one_line(monkeypatch, capsys):
    show_epoch(monkeypatch, seconds=1.0, loss=2.25)
    assert capsys.readouterr().out.count("\n") == 1


def test_gradient_norms_are_left_to_tensorboard(monkeypatch, capsys):
    show_epoch(monkeypatch, seconds=1.0, loss=2.25, weight_grad_norm=4.0)
    assert "norm" not in capsys.readouterr().out


def test_the_first_step_of_a_resumed_epoch_is_a_trace(monkeypatch, capsys):
    now = [100.0]
    monkeypatch.setattr(progress.time, "perf_counter", lambda: now[0])
    clock = Clock(costs=[1.0], steps=4, traced={0})
    bar = Progress(clock, steps=4, batch_size=32)
    bar.on_epoch_begin(0)
    for step, seconds in ((1, 60.0), (2, 4.0)):
        now[0] += seconds
        bar.on_train_batch_end(step, {})
    assert clock.seconds_left(0, 2) == pytest.approx(4.0)
    now[0] += 16.0
    bar.on_train_batch_end(3, {})
    # Three steps of 32 images in 80 seconds, the one before the resume left out.
    assert shown(capsys.readouterr().out, "images/s") == pytest.approx(1.2)


def test_the_callback_ticks_the_clock_in_epochs_of_the_whole_run(monkeypatch):
    clock = show_epoch(monkeypatch, seconds=4.0, loss=2.25)
    assert clock.seconds_left(1, 1) == pytest.approx(8.0)
    assert clock.seconds_left(0, 1) == pytest.approx(16.0)
