"""Checkpoints: everything comes back, damage and strangers are refused."""

import io
import os
import random
import zipfile

import keras
import numpy as np
import pytest

from pdarts_tf.runs import checkpoint
from pdarts_tf.runs.checkpoint import CheckpointError

POSITION = {"stage": 2, "epoch": 3, "epochs": 28}


def model_with_optimizer(seed, units=2):
    """A model of two layers, a built optimizer, and {name: variable} of both."""
    random.seed(seed)
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
    checkpoint.save(tmp_path / "checkpoints", 28, model_with_optimizer(0), POSITION, 2)
    return tmp_path / "checkpoints" / "000000028.npz"


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


def save_several(directory, *indices, keep=2):
    for index in indices:
        checkpoint.save(directory, index, {"x": np.float32(index)}, {"epochs": index}, keep)


def names(directory):
    return sorted(each.name for each in directory.iterdir())


def test_the_two_newest_stay(tmp_path):
    save_several(tmp_path, 8, 9, 10, 11)
    assert names(tmp_path) == ["000000010.npz", "000000011.npz"]


@pytest.mark.parametrize(("keep", "kept"), [(1, [6]), (3, [4, 5, 6]), (9, [2, 3, 4, 5, 6])])
def test_as_many_stay_as_are_wanted(tmp_path, keep, kept):
    save_several(tmp_path, 2, 3, 4, 5, 6, keep=keep)
    assert names(tmp_path) == [f"{index:09d}.npz" for index in kept]


def test_what_is_ahead_of_the_run_goes(tmp_path):
    save_several(tmp_path, 8, 9, 11)
    save_several(tmp_path, 10)  # the run has gone back, since 11 was damaged
    assert names(tmp_path) == ["000000009.npz", "000000010.npz"]


def test_the_same_step_is_overwritten_and_the_one_before_stays(tmp_path):
    save_several(tmp_path, 8, 9, 9)
    assert names(tmp_path) == ["000000008.npz", "000000009.npz"]


def load_newest(directory):
    """(position, warnings): of the checkpoint that a run would go on from."""
    warnings: list[str] = []
    found = checkpoint.load_newest(directory, warnings.append)
    assert found is not None
    return found[1], warnings


def test_the_newest_is_loaded(tmp_path):
    save_several(tmp_path, 9, 10)
    assert load_newest(tmp_path) == ({"epochs": 10}, [])


def test_a_half_written_checkpoint_is_not_the_newest(saved):
    (saved.parent / ".000000029.npz.tmp").write_bytes(b"PK")
    assert load_newest(saved.parent) == (POSITION, [])


def test_before_the_first_checkpoint_there_is_no_newest(tmp_path):
    assert checkpoint.load_newest(tmp_path / "checkpoints", pytest.fail) is None


def test_the_directory_appears_together_with_the_first_checkpoint(tmp_path, monkeypatch):
    moves = []
    replace = checkpoint.os.replace

    def note(source, target):
        moves.append((source.name, target.name))
        assert target.name != "checkpoints" or names(source) == ["000000007.npz"]
        replace(source, target)

    monkeypatch.setattr(checkpoint.os, "replace", note)
    save_several(tmp_path / "checkpoints", 7)
    assert moves[-1] == (".checkpoints.tmp", "checkpoints")
    assert names(tmp_path) == ["checkpoints"]


def test_if_none_is_left_the_run_does_not_start_from_scratch(tmp_path):
    save_several(tmp_path / "checkpoints", 9)
    (tmp_path / "checkpoints" / "000000009.npz").unlink()
    with pytest.raises(CheckpointError, match=r"none of the 0 checkpoints in .* can be read"):
        checkpoint.load_newest(tmp_path / "checkpoints", pytest.fail)


@pytest.mark.parametrize("damage", ["cut", "empty", "flipped", "no_index"])
def test_from_a_damaged_one_the_run_goes_back_to_the_one_before_with_a_warning(tmp_path, damage):
    save_several(tmp_path, 9, 10)
    newest = tmp_path / "000000010.npz"
    newest.write_bytes(damaged(newest.read_bytes(), damage))
    position, (warning,) = load_newest(tmp_path)
    assert position == {"epochs": 9}
    assert warning.startswith(f"warning: {newest} is damaged (")
    assert warning.endswith("); trying the one before it")


def test_if_all_are_damaged_the_run_does_not_start_from_scratch(tmp_path):
    save_several(tmp_path, 9, 10)
    for path in tmp_path.iterdir():
        path.write_bytes(b"")
    with pytest.raises(CheckpointError, match=f"none of the 2 checkpoints in {tmp_path} can be"):
        checkpoint.load_newest(tmp_path, lambda _: None)


def test_the_means_of_an_epoch_are_named_and_come_back():
    class Measured:
        metrics = (keras.metrics.Mean(name="loss"), keras.metrics.Mean(name="accuracy"))

    loss, _ = Measured.metrics
    loss.update_state([1.0, 3.0])
    kept = values(checkpoint.metrics_of(Measured))
    assert sorted(kept) == [
        "metrics/accuracy/count",
        "metrics/accuracy/total",
        "metrics/loss/count",
        "metrics/loss/total",
    ]
    loss.reset_state()
    checkpoint.restore(checkpoint.metrics_of(Measured), kept)
    loss.update_state(5.0)
    assert float(loss.result()) == 3.0


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
            position = content.index(b"\x93NUMPY") + 129
            return content[:position] + bytes([content[position] ^ 1]) + content[position + 1 :]
        case "method":  # an unknown compression of the first array, in the directory at the end
            position = content.index(b"PK\x01\x02") + 10
            return content[:position] + b"\x63" + content[position + 1 :]
        case "no_index":  # the directory at the end is missing
            return content[: content.index(b"PK\x01\x02")]
    raise ValueError(damage)


@pytest.mark.parametrize("damage", ["cut", "empty", "text", "flipped", "method", "no_index"])
def test_a_damaged_file_is_refused(saved, damage):
    saved.write_bytes(damaged(saved.read_bytes(), damage))
    with pytest.raises(CheckpointError, match=f"{saved} is damaged "):
        checkpoint.load(saved)


@pytest.mark.parametrize("flip", [0x01, 0x80, 0xFF])
def test_no_byte_can_change_without_notice(tmp_path, flip):
    save_several(tmp_path, 1)
    path = tmp_path / "000000001.npz"
    content, (expected, position) = path.read_bytes(), checkpoint.load(path)
    for place in range(len(content)):
        changed = bytearray(content)
        changed[place] ^= flip
        path.write_bytes(changed)
        try:
            arrays, where = checkpoint.load(path)
        except CheckpointError:
            continue
        # Some bytes of an archive say nothing about what is in it, such as dates.
        assert where == position
        assert_equal(arrays, expected)


def test_an_archive_of_something_else_is_refused(tmp_path):
    np.savez(tmp_path / "000000001.npz", x=np.zeros(3))
    with pytest.raises(CheckpointError, match="is damaged"):
        checkpoint.load(tmp_path / "000000001.npz")


def test_pickled_objects_are_refused(tmp_path):
    np.savez(tmp_path / "000000001.npz", position=np.array([{"epochs": 1}], dtype=object))
    with pytest.raises(CheckpointError, match="is damaged"):
        checkpoint.load(tmp_path / "000000001.npz")


# What others put into the directory of the checkpoints


def test_only_the_names_of_checkpoints_are_read_and_removed(tmp_path):
    theirs = ["copy.npz", "000000008 (copy).npz", "best.npz", "1.npz", "notes.txt"]
    save_several(tmp_path, 8)
    for name in theirs:
        (tmp_path / name).write_bytes(b"precious")
    save_several(tmp_path, 9, 10, 11)
    assert names(tmp_path) == sorted(["000000010.npz", "000000011.npz", *theirs])
    assert load_newest(tmp_path) == ({"epochs": 11}, [])


def test_steps_of_ten_digits_are_newer_than_those_of_nine(tmp_path):
    save_several(tmp_path, 999_999_999, 1_000_000_000, keep=1)
    assert names(tmp_path) == ["1000000000.npz"]


def archive_of(**arrays):
    """Bytes of an archive of arrays."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def npy(header):
    """Bytes of an array file with a given header."""
    text = header.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


def zipped(method=zipfile.ZIP_STORED, **entries):
    """Bytes of an archive with some entries."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in entries.items():
            archive.writestr(f"{name}.npy", data)
    return buffer.getvalue()


POSITION_ARRAY = np.array('{"epochs": 1}')
HUGE = npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000000,), }")
ODD = {
    "an array": npy("{'descr': '<f4', 'fortran_order': False, 'shape': (0,), }"),
    "a position that is a list": archive_of(position=np.array("[1]")),
    "a position that is deep": archive_of(position=np.array("[" * 100_000)),
    "a position that is no text": archive_of(position=np.zeros(3)),
    "text for numbers": archive_of(position=POSITION_ARRAY, x=np.array(["1.0"])),
    "complex numbers": archive_of(position=POSITION_ARRAY, x=np.array([1j])),
    "times": archive_of(position=POSITION_ARRAY, x=np.array(["2020-01-01"], "M8[s]")),
    "more than there is": zipped(x=HUGE),
    "a header that is code": zipped(x=npy("__import__('os').abort()")),
    "a header that is deep": zipped(x=npy("(" * 100)),
    "a bomb": zipped(zipfile.ZIP_DEFLATED, x=bytes(10_000_000)),
    "an entry that is no array": zipped(x=b"text", position=b"text"),
    "an empty archive": zipped(),
}


@pytest.mark.parametrize("kind", ODD)
def test_from_an_odd_one_the_run_goes_back_to_the_one_before(tmp_path, kind):
    save_several(tmp_path, 9)
    (tmp_path / "000000010.npz").write_bytes(ODD[kind])
    position, (warning,) = load_newest(tmp_path)
    assert position == {"epochs": 9}
    assert len(warning.splitlines()) == 1


def test_a_directory_and_a_pipe_are_passed_over_and_stay(tmp_path):
    save_several(tmp_path, 7)
    (tmp_path / "000000008.npz").mkdir()
    os.mkfifo(tmp_path / "000000009.npz")
    (tmp_path / "000000010.npz").symlink_to(tmp_path / "nowhere")
    position, warnings = load_newest(tmp_path)
    assert (position, len(warnings)) == ({"epochs": 7}, 3)
    save_several(tmp_path, 11, 12)
    assert (tmp_path / "000000008.npz").is_dir()


def test_numbers_of_another_kind_are_not_of_the_model(saved):
    arrays, _ = checkpoint.load(saved)
    name = next(iter(arrays))
    variables = model_with_optimizer(1)
    with pytest.raises(CheckpointError, match=f"the first difference: {name}"):
        checkpoint.restore(variables, arrays | {name: arrays[name].astype(bool)})


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
    random.seed(0)
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
