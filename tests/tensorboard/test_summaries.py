"""The event file, read back by TensorBoard's own readers."""

import pytest
import tensorflow as tf
from tensorboard.backend.event_processing import plugin_event_accumulator
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.scalar.summary_v2 import scalar_pb

from pdarts_tf.runs.files import WriteError
from pdarts_tf.runs.run_directory import METRICS, TIMINGS
from pdarts_tf.runs.state import RunState
from pdarts_tf.tensorboard.summaries import Summaries, TensorBoard

TAG = "loss"


class Board:
    """Shows when a run has begun, and the loss of every epoch."""

    def start(self, time):
        return scalar_pb("begun", time)

    def epoch(self, records, step):
        return Summary(value=scalar_pb(TAG, records["metrics.jsonl"]["loss"]).value)


def epoch(loss, time=1.7e9):
    timing = {"seconds": 8.0, "time": time}
    return {"metrics.jsonl": {"loss": loss}, "timings.jsonl": timing}


def read(path, tag=TAG):
    """[(step, value)] of a curve in a directory of event files."""
    events = EventAccumulator(str(path)).Reload()
    return [(each.step, float(tf.make_ndarray(each.tensor_proto))) for each in events.Tensors(tag)]


@pytest.fixture
def write(tmp_path):
    """Writes epochs at steps, as one process; returns what TensorBoard then shows."""

    def write(*epochs_at_steps, earlier=()):
        summaries = Summaries(tmp_path, Board(), earlier)
        for records, step in epochs_at_steps:
            summaries.write(records, step)
        return read(tmp_path)

    return write


FIRST, SECOND = epoch(0.5), epoch(0.25)


def test_values_stand_at_their_steps(write):
    assert write((FIRST, 5), (SECOND, 6)) == [(5, 0.5), (6, 0.25)]


def test_a_resumed_run_adds_to_what_it_remembers(write):
    write((FIRST, 1))
    assert write((SECOND, 2), earlier=[FIRST]) == [(1, 0.5), (2, 0.25)]


def test_epochs_that_are_measured_again_are_not_shown_twice(write):
    write((FIRST, 1), (SECOND, 2))
    assert write((SECOND, 2), earlier=[FIRST]) == [(1, 0.5), (2, 0.25)]


def test_epochs_that_were_measured_but_not_shown_are_shown(write):
    assert write(earlier=[FIRST, SECOND]) == [(1, 0.5), (2, 0.25)]


def test_a_torn_event_goes(write, tmp_path):
    write((FIRST, 1), (SECOND, 2))
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:-7])
    assert write((SECOND, 2), earlier=[FIRST]) == [(1, 0.5), (2, 0.25)]
    (file,) = tmp_path.iterdir()
    steps = [event.step for event in tf.compat.v1.train.summary_iterator(str(file))]
    assert steps == [0, 0, 0, 1, 2]  # version, start of the file, start of the run, two epochs


def test_a_tensorboard_that_is_looking_shows_a_resumed_run_once(tmp_path):
    before = Summaries(tmp_path, Board(), [FIRST])
    # The reader of TensorBoard's server, which keeps what it has read; the other one is for files.
    looking = plugin_event_accumulator.EventAccumulator(str(tmp_path)).Reload()
    before.write(SECOND, 2)
    looking.Reload()
    Summaries(tmp_path, Board(), [FIRST]).write(epoch(0.125), 2)
    looking.Reload()
    shown = [(e.step, float(tf.make_ndarray(e.tensor_proto))) for e in looking.Tensors(TAG)]
    assert shown == [(1, 0.5), (2, 0.125)]


def test_events_have_the_time_of_their_measurement(tmp_path):
    Summaries(tmp_path, Board(), [FIRST])
    (event,) = EventAccumulator(str(tmp_path)).Reload().Tensors(TAG)
    assert event.wall_time == 1.7e9


def test_a_resumed_run_has_begun_when_its_first_epoch_began(tmp_path):
    Summaries(tmp_path, Board(), [epoch(0.5, time=108.0), epoch(0.25, time=200.0)])
    assert read(tmp_path, "begun") == [(0, 100.0)]


END = "_hparams_/session_end_info"


def test_the_row_of_the_table_ends_with_the_last_epoch_of_the_run(tmp_path):
    state = RunState(2, records={METRICS: [], TIMINGS: []})
    observer = TensorBoard(tmp_path, Board(), state)
    for records in (FIRST, epoch(0.25, time=1.8e9)):
        state.finish_epoch(records)
        observer.end_epoch(state)
    accumulated = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    assert END not in accumulated.Tags()["tensors"]
    observer.end(None)
    (event,) = accumulated.Reload().Tensors(END)
    assert (event.step, event.wall_time) == (2, 1.8e9)


def test_an_epoch_can_be_seen_before_the_run_ends(tmp_path):
    summaries = Summaries(tmp_path, Board(), [])
    summaries.write(FIRST, 1)
    assert read(tmp_path) == [(1, 0.5)]


def test_a_file_that_cannot_be_written_ends_the_run(tmp_path):
    (tmp_path / "tensorboard").touch()
    with pytest.raises(WriteError, match="tensorboard cannot be written"):
        Summaries(tmp_path / "tensorboard", Board(), [])
