import pytest
import tensorflow as tf

from pdarts_tf.training.step_logs import NonFiniteLossError, StepLogs


class Scalar:
    """A value of which it is known how often it was fetched."""

    def __init__(self, value):
        self.value = value
        self.fetched = 0

    def __float__(self):
        self.fetched += 1
        return self.value


def test_nothing_is_fetched_before_it_is_read_and_then_once():
    loss = Scalar(0.5)
    logs = StepLogs({"loss": loss}, "epoch 1, step 1")
    assert (list(logs), len(logs), loss.fetched) == (["loss"], 1, 0)
    assert (logs["loss"], dict(logs), loss.fetched) == (0.5, {"loss": 0.5}, 1)


def test_numbers_are_python_numbers():
    assert type(StepLogs({"loss": tf.constant(2.0)}, "epoch 1, step 1")["loss"]) is float


def test_reading_another_number_finds_what_is_not_finite():
    logs = StepLogs({"accuracy": 1.0, "loss": float("nan")}, "epoch 2, step 7")
    with pytest.raises(NonFiniteLossError, match="loss became nan in epoch 2, step 7; the run"):
        logs["accuracy"]
