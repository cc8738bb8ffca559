"""What TensorBoard shows, read back by TensorBoard's own reader."""

import pytest
import tensorflow as tf
from tensorboard.backend.event_processing import plugin_event_accumulator
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from pdarts_tf.training.files import WriteError
from pdarts_tf.training.summaries import Summaries

# Of the second epoch of the second stage, in a search with three epochs per stage.
RECORD = {
    "stage": 2,
    "epoch": 2,
    "loss": 1.5,
    "accuracy": 0.5,
    "weight_grad_norm": 4.0,
    "arch_loss": 1.625,
    "arch_accuracy": 0.375,
    "arch_grad_norm": 0.25,
    "valid_loss": 1.75,
    "valid_accuracy": 0.3125,
    "learning_rate": 0.0125,
    "skip_dropout_rate": 0.4,
    "entropy_normal": 1.5625,
    "entropy_reduce": 1.6,
    "skip_connects": 3,
    "seconds": 8.0,
    "images_per_second": 88.0,
    "time": 1.7e9,
}


def read(path):
    """{tag: [(step, value)]} of a directory of event files."""
    events = EventAccumulator(str(path)).Reload()
    return {
        tag: [
            (each.step, float(tf.make_ndarray(each.tensor_proto))) for each in events.Tensors(tag)
        ]
        for tag in events.Tags()["tensors"]
    }


@pytest.fixture
def write(tmp_path):
    """Writes records at steps, as one process; returns what TensorBoard then shows."""

    def write(*records_at_steps, earlier=()):
        summaries = Summaries(tmp_path, earlier)
        for record, step in records_at_steps:
            summaries.write(record, step)
        return read(tmp_path)

    return write


def test_everything_that_a_search_is_judged_by_is_shown(write):
    shown = write((RECORD, 5))
    names = {tag.split("/")[1] for tag in shown}
    assert len(shown) == len(RECORD) - 4  # the axes, see below
    assert {"learning_rate", "skip_dropout_rate", "skip_connects", "entropy_normal"} <= names
    values = sorted(value for ((_, value),) in shown.values())
    expected = sorted(
        v for k, v in RECORD.items() if k not in ("stage", "epoch", "seconds", "time")
    )
    assert values == pytest.approx(expected)


def test_values_stand_at_their_steps(write):
    shown = write((RECORD | {"skip_connects": 4}, 5), (RECORD | {"skip_connects": 2}, 6))
    assert shown["alphas/skip_connects"] == [(5, 4.0), (6, 2.0)]


def test_what_an_epoch_has_not_measured_is_left_out(write):
    warm_up = {name: v for name, v in RECORD.items() if not name.startswith(("arch_", "valid_"))}
    shown = write((warm_up, 1))
    assert not [tag for tag in shown if "validation" in tag]
    assert "gradient_norm/weights" in shown
    assert "gradient_norm/alphas" not in shown


def rates(*values):
    """One record per learning rate."""
    return [RECORD | {"learning_rate": value} for value in values]


TAG = "schedule/learning_rate"


def test_a_resumed_run_adds_to_what_it_remembers(write):
    first, second = rates(0.5, 0.25)
    write((first, 1))
    assert write((second, 2), earlier=[first])[TAG] == [(1, 0.5), (2, 0.25)]


def test_epochs_that_are_measured_again_are_not_shown_twice(write):
    first, second = rates(0.5, 0.25)
    write((first, 1), (second, 2))
    assert write((second, 2), earlier=[first])[TAG] == [(1, 0.5), (2, 0.25)]


def test_epochs_that_were_measured_but_not_shown_are_shown(write):
    assert write(earlier=rates(0.5, 0.25))[TAG] == [(1, 0.5), (2, 0.25)]


def test_a_torn_event_goes(write, tmp_path):
    first, second = rates(0.5, 0.25)
    write((first, 1), (second, 2))
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:-7])
    assert write((second, 2), earlier=[first])[TAG] == [(1, 0.5), (2, 0.25)]
    (file,) = tmp_path.iterdir()
    steps = [event.step for event in tf.compat.v1.train.summary_iterator(str(file))]
    assert steps == [0, 0, 1, 2]  # version, start, two epochs


def test_a_tensorboard_that_is_looking_shows_a_resumed_run_once(tmp_path):
    first, second, again = rates(0.5, 0.25, 0.125)
    before = Summaries(tmp_path, [first])
    # The reader of TensorBoard's server, which keeps what it has read; the other one is for files.
    looking = plugin_event_accumulator.EventAccumulator(str(tmp_path)).Reload()
    before.write(second, 2)
    looking.Reload()
    Summaries(tmp_path, [first]).write(again, 2)
    looking.Reload()
    shown = [(e.step, float(tf.make_ndarray(e.tensor_proto))) for e in looking.Tensors(TAG)]
    assert shown == [(1, 0.5), (2, 0.125)]


def test_events_have_the_time_of_their_measurement(tmp_path):
    Summaries(tmp_path, [RECORD])
    (event,) = EventAccumulator(str(tmp_path)).Reload().Tensors(TAG)
    assert event.wall_time == 1.7e9


def test_a_record_can_be_seen_before_the_run_ends(tmp_path):
    summaries = Summaries(tmp_path, [])
    summaries.write(RECORD, 1)
    assert read(tmp_path)["speed/images_per_second"] == [(1, 88.0)]


def test_a_file_that_cannot_be_written_ends_the_run(tmp_path):
    (tmp_path / "tensorboard").touch()
    with pytest.raises(WriteError, match="tensorboard cannot be written"):
        Summaries(tmp_path / "tensorboard", [])
