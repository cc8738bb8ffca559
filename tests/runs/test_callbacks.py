"""Callbacks that people add: called as `fit` would, made by functions that are named."""

import sys

import keras
import pytest

from pdarts_tf.errors import InputError
from pdarts_tf.runs.callbacks import OnceATraining, from_names


class Recorder(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.calls = []

    def on_train_begin(self, logs=None):
        self.calls.append(f"begin {self.model.name}")

    def on_epoch_begin(self, epoch, logs=None):
        self.calls.append(f"epoch {epoch} {self.model.name}")

    def on_train_batch_end(self, batch, logs=None):
        self.calls.append(f"step {batch} {logs['loss']}")

    def on_epoch_end(self, epoch, logs=None):
        self.calls.append(f"epoch {epoch} {sorted(logs)}")

    def on_train_end(self, logs=None):
        self.calls.append("end")


def test_stages_are_epochs_of_one_training():
    recorder = Recorder()
    adapter = OnceATraining(recorder)
    for epoch, name in enumerate(("one", "two")):
        stage = keras.callbacks.CallbackList([adapter], model=keras.Sequential(name=name))
        stage.on_epoch_begin(epoch)
        stage.on_train_batch_begin(0)
        adapter.on_train_batch_end(0, {"loss": 0.5})
        stage.on_epoch_end(epoch, {"loss": 0.5, "accuracy": 1.0})
    adapter.end()
    assert recorder.calls == [
        "begin one",
        "epoch 0 one",
        "step 0 0.5",
        "epoch 0 ['accuracy', 'loss']",
        "epoch 1 two",
        "step 0 0.5",
        "epoch 1 ['accuracy', 'loss']",
        "end",
    ]


def test_a_run_without_an_epoch_left_neither_begins_nor_ends():
    recorder = Recorder()
    OnceATraining(recorder).end()
    assert recorder.calls == []


@pytest.fixture
def trackers(tmp_path, monkeypatch):
    (tmp_path / "trackers.py").write_text(
        "import keras\n"
        "def one():\n    return keras.callbacks.Callback()\n"
        "def two():\n    return [one(), one()]\n"
        "def none():\n    return 7\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield
    sys.modules.pop("trackers", None)


def test_functions_in_the_working_directory_are_found(trackers):
    assert len(from_names(["trackers:one", "trackers:two"])) == 3


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("trackers", "must be a list of package.module:function. Received: 'trackers'"),
        ("trackers:none", "--callbacks=trackers:none must return Keras callbacks. Received: int"),
        ("trackers:three", "--callbacks=trackers:three cannot be imported"),
        ("no_such_module:one", "cannot be imported .No module named 'no_such_module'"),
    ],
)
def test_other_names_are_refused(name, expected, trackers):
    with pytest.raises(InputError, match=expected):
        from_names([name])
