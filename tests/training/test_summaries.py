"""What TensorBoard shows, read back by TensorBoard's own reader."""

import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

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

    def write(*records_at_steps):
        summaries = Summaries(tmp_path)
        for record, step in records_at_steps:
            summaries.write(record, step)
        summaries.close()
        return read(tmp_path)

    return write


def test_everything_that_a_search_is_judged_by_is_shown(write):
    shown = write((RECORD, 5))
    names = {tag.split("/")[1] for tag in shown}
    assert len(shown) == len(RECORD) - 3  # stage, epoch and seconds are the axes
    assert {"learning_rate", "skip_dropout_rate", "skip_connects", "entropy_normal"} <= names
    values = sorted(value for ((_, value),) in shown.values())
    expected = sorted(v for k, v in RECORD.items() if k not in ("stage", "epoch", "seconds"))
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


def test_a_resumed_run_adds_to_what_is_there(write):
    write((RECORD | {"learning_rate": 0.5}, 1))
    shown = write((RECORD | {"learning_rate": 0.25}, 2))
    assert shown["schedule/learning_rate"] == [(1, 0.5), (2, 0.25)]


def test_a_record_can_be_seen_before_the_run_ends(tmp_path):
    summaries = Summaries(tmp_path)
    summaries.write(RECORD, 1)
    assert read(tmp_path)["speed/images_per_second"] == [(1, 88.0)]
    summaries.close()
