"""The loop: what it calls in which order, what it measures, what it refuses."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.ops import control_flow_util

from pdarts_tf.errors import RunError
from pdarts_tf.layers.device_kind import traced_for
from pdarts_tf.training.epoch_progress import EpochProgress
from pdarts_tf.training.loop import TrainingLoop
from pdarts_tf.training.step_logs import NonFiniteLossError


class Adder(keras.Model):
    """A model whose steps return running means of what they are given, and trace its `bonus`."""

    def __init__(self):
        super().__init__()
        self.loss_mean = keras.metrics.Mean(name="loss")
        self.count = self.add_weight(shape=(), initializer="zeros", name="count")
        self.bonus = 0.0
        self.traces = 0
        self.built = True

    @property
    def metrics(self):
        return [self.loss_mean]

    def train_step(self, data):
        self.traces += 1
        self.count.assign_add(1.0)
        self.loss_mean.update_state(data + self.bonus)
        return {"loss": self.loss_mean.result()}

    def test_step(self, data):
        self.loss_mean.update_state(data)
        return {"valid_loss": self.loss_mean.result()}


class Recorder(keras.callbacks.Callback):
    """Writes down what it is called with."""

    def __init__(self):
        super().__init__()
        self.events = []

    def on_epoch_begin(self, epoch, logs=None):
        self.events.append(("epoch", epoch))

    def on_train_batch_begin(self, batch, logs=None):
        self.events.append(("begin", batch))

    def on_train_batch_end(self, batch, logs=None):
        self.events.append(("end", batch, logs))

    def on_test_batch_begin(self, batch, logs=None):
        self.events.append(("test", batch))


@pytest.fixture
def model():
    return Adder()


def dataset(*values):
    return tf.data.Dataset.from_tensor_slices(np.array(values, np.float32))


def run_epoch(loop, epoch, batches, steps, progress=None):
    """Trains for an epoch; returns its means."""
    progress = progress or EpochProgress()
    loop.run_epoch(epoch, batches, steps, progress)
    return progress.logs


def test_callbacks_see_every_step_with_the_running_means_as_numbers(model):
    recorder = Recorder()
    run_epoch(TrainingLoop(model, [recorder]), 3, iter(dataset(2.0, 6.0)), steps=2)
    assert recorder.events == [
        ("epoch", 3),
        ("begin", 0),
        ("end", 0, {"loss": 2.0}),
        ("begin", 1),
        ("end", 1, {"loss": 4.0}),
    ]
    assert type(recorder.events[2][2]["loss"]) is float


def test_callbacks_know_the_model(model):
    recorder = Recorder()
    TrainingLoop(model, [recorder])
    assert recorder.model is model


def test_the_progress_has_steps_means_and_the_seconds_of_the_steps(model, monkeypatch):
    now = iter([100.0, 101.0, 107.0, 107.5, 200.0, 200.5, 300.0, 301.0])
    monkeypatch.setattr("pdarts_tf.training.loop.time.perf_counter", lambda: next(now))
    progress = EpochProgress()
    loop = TrainingLoop(model)
    run_epoch(loop, 0, iter(dataset(1.0, 2.0, 6.0)), 3, progress)
    assert progress == EpochProgress(steps=3, logs={"loss": 3.0}, seconds=9.0)
    assert loop.take_seconds() == {"graph": 6.0}


def test_callbacks_find_the_progress_up_to_date(model):
    progress, seen = EpochProgress(), []

    class Looker(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append((batch, progress.steps, progress.logs))

    run_epoch(TrainingLoop(model, [Looker()]), 0, iter(dataset(1.0, 2.0)), 2, progress)
    assert seen == [(0, 1, {"loss": 1.0}), (1, 2, {"loss": 1.5})]


def test_an_epoch_goes_on_inside_with_the_means_that_it_had(model):
    loop, progress, recorder = TrainingLoop(model), EpochProgress(), Recorder()
    run_epoch(loop, 0, iter(dataset(1.0, 3.0)), 2, progress)
    resumed = TrainingLoop(model, [recorder])  # as another process, which has restored the means
    assert run_epoch(resumed, 0, iter(dataset(8.0)), 3, progress) == {"loss": 4.0}
    assert [event[:2] for event in recorder.events] == [("epoch", 0), ("begin", 2), ("end", 2)]


def test_a_finished_epoch_has_no_steps_left(model):
    progress = EpochProgress(steps=2, logs={"loss": 1.5}, seconds=1.0)
    assert run_epoch(TrainingLoop(model), 0, iter(()), 2, progress) == {"loss": 1.5}


def test_every_epoch_begins_its_means_anew_and_goes_on_with_the_batches(model):
    loop = TrainingLoop(model)
    batches = iter(dataset(1.0, 3.0, 10.0, 20.0))
    epochs = [run_epoch(loop, epoch, batches, steps=2)["loss"] for epoch in range(2)]
    assert epochs == [2.0, 15.0]
    assert float(model.count.numpy()) == 4.0


def test_steps_are_traced_once(model):
    loop = TrainingLoop(model)
    for epoch in range(2):
        run_epoch(loop, epoch, iter(dataset(1.0, 2.0)), steps=2)
    assert model.traces == 1


def test_a_changed_step_is_seen_after_tracing_again(model):
    loop = TrainingLoop(model)
    before = run_epoch(loop, 0, iter(dataset(1.0)), steps=1)
    model.bonus = 5.0
    unseen = run_epoch(loop, 1, iter(dataset(1.0)), steps=1)
    loop.retrace()
    after = run_epoch(loop, 2, iter(dataset(1.0)), steps=1)
    assert [logs["loss"] for logs in (before, unseen, after)] == [1.0, 1.0, 6.0]


def steps_of(model, values, events):
    """A loop as on a GPU, and batches; `events` are what both do, in order."""
    with traced_for("GPU"):
        loop = TrainingLoop(model, part="stage 1")
    train = loop._train

    def noted(batch):
        events.append(("step", float(batch)))
        return train(batch)

    def batches():
        for value in values:
            events.append(("batch", value))
            yield tf.constant(value)

    loop._train = noted
    return loop, batches()


def test_a_gpu_gets_the_next_batch_while_it_computes(model):
    events: list[tuple[str, float]] = []
    loop, batches = steps_of(model, [1.0, 2.0, 3.0], events)
    run_epoch(loop, 0, batches, steps=3)
    assert events == [
        ("batch", 1.0),
        ("step", 1.0),
        ("batch", 2.0),
        ("step", 2.0),
        ("batch", 3.0),
        ("step", 3.0),
    ]


def test_an_epoch_takes_no_batch_of_the_next_one(model):
    loop, batches = steps_of(model, [1.0, 3.0, 10.0], [])
    assert run_epoch(loop, 0, batches, steps=2) == {"loss": 2.0}
    assert float(next(batches)) == 10.0


def test_a_gpu_is_asked_for_a_loss_when_it_has_the_next_step(model):
    events: list[tuple[str, float]] = []
    loop, batches = steps_of(model, [1.0, np.nan, 3.0, 4.0], events)
    with pytest.raises(NonFiniteLossError, match="in stage 1, epoch 1, step 2;"):
        run_epoch(loop, 0, batches, steps=4)
    assert [value for name, value in events if name == "step"][-1] == 3.0


def test_the_last_step_of_an_epoch_is_checked_at_once(model):
    loop, batches = steps_of(model, [1.0, np.nan], [])
    with pytest.raises(NonFiniteLossError, match="epoch 1, step 2;"):
        run_epoch(loop, 0, batches, steps=2)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_names_epoch_and_step(model, value):
    loop = TrainingLoop(model)
    with pytest.raises(NonFiniteLossError, match=f"loss became {value} in epoch 5, step 3;"):
        run_epoch(loop, 4, iter(dataset(1.0, 2.0, value, 4.0)), steps=4)


def test_a_loss_that_is_not_finite_names_the_part_of_the_run(model):
    loop = TrainingLoop(model, part="stage 2")
    with pytest.raises(NonFiniteLossError, match="in stage 2, epoch 1, step 1;"):
        run_epoch(loop, 0, iter(dataset(float("nan"))), steps=1)


def test_nothing_goes_on_after_a_loss_that_is_not_finite(model):
    recorder = Recorder()
    with pytest.raises(NonFiniteLossError):
        run_epoch(TrainingLoop(model, [recorder]), 0, iter(dataset(1.0, np.nan, 3.0)), steps=3)
    assert recorder.events[-1] == ("begin", 1)
    assert float(model.count.numpy()) == 2.0


def test_a_loss_that_is_not_finite_is_no_wrong_input():
    assert issubclass(NonFiniteLossError, RunError)


def test_evaluation_is_over_all_batches_and_begins_anew(model):
    loop = TrainingLoop(model)
    run_epoch(loop, 0, iter(dataset(100.0)), steps=1)
    assert loop.evaluate(dataset(1.0, 2.0, 6.0)) == {"valid_loss": 3.0}
    assert loop.evaluate(dataset(4.0)) == {"valid_loss": 4.0}


def test_evaluation_gives_the_means_other_names(model):
    names = {"valid_loss": "test_loss", "valid_accuracy": "test_accuracy"}
    assert TrainingLoop(model).evaluate(dataset(1.0, 2.0), names=names) == {"test_loss": 1.5}


def test_evaluation_asks_callbacks_before_every_batch(model):
    recorder = Recorder()
    TrainingLoop(model, [recorder]).evaluate(dataset(1.0, 2.0))
    assert recorder.events == [("test", 0), ("test", 1)]


def test_evaluation_trains_nothing(model):
    TrainingLoop(model).evaluate(dataset(1.0, 2.0))
    assert float(model.count.numpy()) == 0.0


def test_a_loss_that_is_not_finite_has_its_other_name(model):
    with pytest.raises(NonFiniteLossError, match="test_loss became nan in the evaluation after"):
        TrainingLoop(model).evaluate(dataset(np.nan), 2, names={"valid_loss": "test_loss"})


def test_a_test_loss_that_is_not_finite_stops_the_run_too(model):
    loop = TrainingLoop(model, part="stage 1")
    with pytest.raises(NonFiniteLossError, match="in stage 1, the evaluation after epoch 3;"):
        loop.evaluate(dataset(1.0, np.nan), epoch=2)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_xla_compiles_whole_steps_if_asked_to(model, jit_compile):
    compiled = []

    def train_step(data):
        compiled.append(
            control_flow_util.GraphOrParentsInXlaContext(tf.compat.v1.get_default_graph())
        )
        return {"loss": data}

    model.train_step = train_step
    logs = run_epoch(TrainingLoop(model, jit_compile=jit_compile), 0, iter(dataset(2.0)), steps=1)
    assert compiled == [jit_compile]
    assert logs == {"loss": 2.0}


def test_the_graph_of_a_step_is_announced_and_timed_once():
    announced: list[str] = []
    loop = TrainingLoop(Adder(), before_graph=announced.append)
    for epoch in range(2):
        loop.run_epoch(epoch, iter([1.0, 2.0]), 2, EpochProgress())
        loop.evaluate([1.0, 2.0])
        times = loop.take_seconds()
        assert (times.get("graph", 0.0) > 0) == (epoch == 0)
        assert (times["evaluation_graph"] > 0) == (epoch == 0)
        assert times["evaluation"] > 0
    assert announced == ["training", "evaluation"]
    loop.retrace()
    loop.run_epoch(2, iter([1.0, 2.0]), 2, EpochProgress())
    assert announced == ["training", "evaluation", "training"]
