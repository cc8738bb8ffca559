"""Checkpoints: everything comes back, damage and strangers are refused."""

import keras
import numpy as np
import pytest

from pdarts_tf.training import checkpoint
from pdarts_tf.training.checkpoint import CheckpointError

POSITION = {"stage": 2, "epoch": 3, "epochs": 28}


def model_with_optimizer(seed, units=2):
    """A model of two layers, a built optimizer, and {name: variable} of both."""
    keras.utils.set_random_seed(seed)
    model = keras.Sequential(
        [
            keras.layers.Dense(units, name="first"),
            keras.layers.BatchNormalization(name="norm"),
        ],
        name="network",
    )
    model.build((None, 3))
    optimizer = keras.optimizers.SGD(0.1 * (seed + 1), momentum=0.9, name="optimizer")
    optimizer.build(model.trainable_variables)
    optimizer.apply([seed + variable for variable in model.trainable_variables])
    return checkpoint.variables_of(model, optimizer)


def values(variables):
    return {name: np.asarray(variable).copy() for name, variable in variables.items()}


def assert_equal(arrays, others):
    assert arrays.keys() == others.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, others[name], err_msg=name)


@pytest.fixture
def saved(tmp_path):
    """The path of a checkpoint of `model_with_optimizer(0)`."""
    checkpoint.save(tmp_path / "checkpoints", 28, model_with_optimizer(0), POSITION)
    return tmp_path / "checkpoints" / "000028.npz"


def test_weights_statistics_momentum_and_steps_are_named():
    names = " ".join(model_with_optimizer(0))
    for part in ("first/kernel", "norm/moving_variance", "momentum", "iteration", "learning_rate"):
        assert part in names


def test_everything_comes_back(saved):
    arrays, position = checkpoint.load(saved)
    variables = model_with_optimizer(1)
    checkpoint.restore(variables, arrays)
    assert_equal(values(variables), values(model_with_optimizer(0)))
    assert position == POSITION


def test_types_come_back(saved):
    arrays, _ = checkpoint.load(saved)
    expected = {name: array.dtype for name, array in values(model_with_optimizer(0)).items()}
    assert {name: array.dtype for name, array in arrays.items()} == expected


def test_the_two_newest_stay(tmp_path):
    for index in (8, 9, 10, 11):
        checkpoint.save(tmp_path, index, {"x": np.float32(index)}, {"epochs": index})
    assert sorted(each.name for each in tmp_path.iterdir()) == ["000010.npz", "000011.npz"]


def test_the_newest_is_found(tmp_path):
    for index in (9, 10):
        checkpoint.save(tmp_path, index, {"x": np.float32(index)}, {"epochs": index})
    path = checkpoint.newest(tmp_path)
    assert path == tmp_path / "000010.npz"
    assert checkpoint.load(path)[1] == {"epochs": 10}


def test_a_half_written_checkpoint_is_not_the_newest(saved):
    (saved.parent / ".000029.npz.tmp").write_bytes(b"PK")
    assert checkpoint.newest(saved.parent) == saved


@pytest.mark.parametrize("exists", [True, False])
def test_without_checkpoints_there_is_no_newest(tmp_path, exists):
    directory = tmp_path if exists else tmp_path / "checkpoints"
    assert checkpoint.newest(directory) is None


def damaged(content, damage):
    """The bytes of a checkpoint after an accident."""
    match damage:
        case "cut":
            return content[: len(content) // 2]
        case "empty":
            return b""
        case "text":
            return b"a text instead of an archive"
        case "flipped":  # one bit of the first array
            position = content.index(b"\x93NUMPY") + 140
            return content[:position] + bytes([content[position] ^ 1]) + content[position + 1 :]
        case "method":  # an unknown compression of the first array, in the directory at the end
            position = content.index(b"PK\x01\x02") + 10
            return content[:position] + b"\x63" + content[position + 1 :]
    raise ValueError(damage)


@pytest.mark.parametrize("damage", ["cut", "empty", "text", "flipped", "method"])
def test_a_damaged_file_is_refused(saved, damage):
    saved.write_bytes(damaged(saved.read_bytes(), damage))
    with pytest.raises(CheckpointError, match=f"{saved} is damaged .* to use the one before it"):
        checkpoint.load(saved)


def test_an_archive_of_something_else_is_refused(tmp_path):
    np.savez(tmp_path / "000001.npz", x=np.zeros(3))
    with pytest.raises(CheckpointError, match="is damaged"):
        checkpoint.load(tmp_path / "000001.npz")


def test_pickled_objects_are_refused(tmp_path):
    np.savez(tmp_path / "000001.npz", position=np.array([{"epochs": 1}], dtype=object))
    with pytest.raises(CheckpointError, match="is damaged"):
        checkpoint.load(tmp_path / "000001.npz")


def other_model(kind, arrays):
    """Arrays that do not belong to the model, and the name of the first difference."""
    name = next(iter(arrays))
    match kind:
        case "shape":
            return arrays | {name: np.zeros((7, 7), np.float32)}, name
        case "missing":
            return {each: array for each, array in arrays.items() if each != name}, name
        case "more":
            return arrays | {"model/third/kernel": np.zeros(2)}, "model/third/kernel"
    raise ValueError(kind)


@pytest.mark.parametrize("kind", ["shape", "missing", "more"])
def test_another_model_is_refused_and_nothing_is_changed(saved, kind):
    arrays, name = other_model(kind, checkpoint.load(saved)[0])
    variables = model_with_optimizer(1)
    before = values(variables)
    with pytest.raises(CheckpointError, match=f"not of this model; the first difference: {name}"):
        checkpoint.restore(variables, arrays)
    assert_equal(values(variables), before)


def test_variables_of_equal_names_are_refused():
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Dense(2, name="same"), keras.layers.Dense(2, name="same")]

    class Twice(keras.Model):
        def __init__(self):
            super().__init__()
            self.layers_by_name = layers

        def call(self, inputs):
            return layers[0](inputs) + layers[1](inputs)

    model = Twice()
    model(np.zeros((1, 2), np.float32))
    with pytest.raises(CheckpointError, match="Two variables have the same name"):
        checkpoint.variables_of(model)
