"""Files that torch.save writes: every number right, or one line; nothing in them is run."""

import io
import random
import zipfile

import numpy as np
import pytest
import tensorflow as tf

from pdarts_tf.errors import InputError
from pdarts_tf.interop.stored_tensors import StoredTensor, TorchFileError, UnreadTensor
from pdarts_tf.interop.torch_file import read_torch_file
from tests.torch_files import (
    ORDERED,
    Called,
    Named,
    Outside,
    archive,
    parameter,
    pickled,
    saved,
    saved_before_1_6,
)

ARRAYS = {
    "a": np.arange(12, dtype=np.float32).reshape(3, 4),
    "b": np.arange(12, dtype=np.float64).reshape(3, 4).T,
    "c": np.array([1, -2], np.int64),
    "d": np.array(7, np.float32),
    "e": np.zeros((0, 3), np.float32),
    "f": np.array([True, False]),
    "g": np.array([0.5, 65504], np.float16),
}


def read(path, data):
    """The content of a file with some bytes."""
    path.write_bytes(data)
    return read_torch_file(path).content


@pytest.fixture
def path(tmp_path):
    return tmp_path / "w.pt"


@pytest.mark.parametrize("write", [saved, saved_before_1_6])
@pytest.mark.parametrize("name", ARRAYS)
def test_numbers_and_shapes_come_back(path, write, name):
    tensor = read(path, write({name: ARRAYS[name]}))[name]
    np.testing.assert_array_equal(tensor.numpy(), ARRAYS[name])


@pytest.mark.parametrize("write", [saved, saved_before_1_6])
def test_bfloat16_becomes_float32(path, write):
    numbers = np.array([1.5, -3.0, 1e30]).astype(tf.bfloat16.as_numpy_dtype)
    found = read(path, write({"a": numbers}))["a"].numpy()
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, numbers.astype(np.float32))


def test_parameters_are_tensors(path):
    found = read(path, saved({"a": parameter(ARRAYS["a"])}))["a"]
    np.testing.assert_array_equal(found.numpy(), ARRAYS["a"])


def test_only_the_newer_format_has_checksums(path):
    path.write_bytes(saved({}))
    assert read_torch_file(path).has_checksums
    path.write_bytes(saved_before_1_6({}))
    assert not read_torch_file(path).has_checksums


def test_nothing_is_called(path, tmp_path):
    made = tmp_path / "made"
    call = Called(Named("os", "mkdir"), (str(made),))
    found = read(path, saved({"a": ARRAYS["a"], "b": call}))
    assert str(found["b"].function) == "os.mkdir"
    assert not made.exists()


@pytest.mark.parametrize(
    ("function", "kind"),
    [("_rebuild_sparse_tensor", "a sparse tensor"), ("_rebuild_qtensor", "unusual kind")],
)
def test_tensors_of_other_kinds_are_known_as_such(path, function, kind):
    found = read(path, saved({"a": Called(Named("torch._utils", function), (1,))}))["a"]
    assert isinstance(found, UnreadTensor)
    assert kind in found.kind


# Damage

SMALL = saved({"a": np.array([1.0, 2.0], np.float32)})


def test_a_flipped_bit_of_a_weight_is_noticed(path):
    place = SMALL.index(np.array([1.0, 2.0], np.float32).tobytes())
    with pytest.raises(TorchFileError, match=r"w\.pt is damaged .*archive/data/0'.*; bring it ag"):
        read(path, SMALL[:place] + bytes([SMALL[place] ^ 1]) + SMALL[place + 1 :])


def damaged(data, rng):
    """A file after an accident: bytes flipped, overwritten, lost, doubled, or the end cut off."""
    place, length = rng.randrange(len(data)), rng.randrange(1, 9)
    before, after = data[:place], data[place + length :]
    return rng.choice(
        [
            before,
            before + after,
            before + rng.randbytes(length) + after,
            before + bytes([data[place] ^ 1 << rng.randrange(8)]) + data[place + 1 :],
            before + data[place : place + length] * 2 + after,
        ]
    )


def outcome(path, data):
    """What came of reading a file: "refused", or the numbers of the small one."""
    try:
        found = read(path, data)
        if not isinstance(found, dict) or set(found) != {"a"}:
            return "other content"
        return found["a"].numpy().tolist()
    except InputError as error:
        return "refused" if len(str(error).splitlines()) == 1 else str(error)


def test_thirty_damages_are_refused_or_read_rightly(path):
    rng = random.Random(1)
    outcomes = [outcome(path, damaged(SMALL, rng)) for _ in range(30)]
    assert all(each in ("refused", [1.0, 2.0]) for each in outcomes)


@pytest.mark.slow
def test_three_hundred_damages_of_a_network_are_refused_or_read_rightly(path):
    rng, numbers = random.Random(2), np.random.default_rng(0)
    arrays = {f"cells.{i}.w": numbers.random((8, 9), np.float32) for i in range(20)}
    whole, counts = saved({"state_dict": arrays, "epoch": 3}), {"refused": 0, "right": 0}
    for _ in range(300):
        path.write_bytes(damaged(whole, rng))
        try:
            found = read_torch_file(path).content["state_dict"]
            assert found.keys() == arrays.keys()
            for name, array in arrays.items():
                np.testing.assert_array_equal(found[name].numpy(), array)
            counts["right"] += 1
        except InputError as error:
            assert len(str(error).splitlines()) == 1
            counts["refused"] += 1
    assert sum(counts.values()) == 300
    assert counts["refused"] > 200


@pytest.mark.slow
def test_damages_of_the_older_format_are_never_tracebacks(path):
    rng = random.Random(3)
    whole = saved_before_1_6({"a": np.array([1.0, 2.0], np.float32)})
    for _ in range(3000):
        outcome(path, damaged(whole, rng))


# Hostile files


def pickle_of(*parts, storages=None):
    return archive(b"\x80\x02" + b"".join(parts) + b".", storages or {})


def test_many_references_are_gone_through_once(path):
    """A dictionary of ten references to a dictionary of ten references and so on: 10^6000."""
    data = b"}q\x00"
    for i in range(1, 200):
        items = b"".join(b"K" + bytes([j]) + b"h" + bytes([i - 1]) for j in range(10))
        data += b"}q" + bytes([i]) + b"(" + items + b"u"
    assert set(read(path, pickle_of(data))) == set(range(10))


def test_a_dictionary_in_itself_has_an_end(path):
    found = read(path, pickle_of(b"}q\x00U\x01ah\x00s"))
    assert found["a"] is found


@pytest.mark.parametrize(
    "data",
    [
        b"r\xff\xff\xff\xff",  # a memo of 2^32 places
        b"}r\xff\xff\xff\xff",
        b"(" * 100_000,
        b"]" + b"\x85" * 100_000,
        b"}" + b"]" + b"\x85" * 100_000 + b"K\x01s",  # a deep tuple as a key
        b"\x8e\xff\xff\xff\xff\xff\xff\xff\x7f",  # 2^63 bytes
        b"0",
        b"a",
        b"K\x01K\x02s",
        b"P1\n",
        b"\x82\x01",
        b"L" + b"9" * 10_000 + b"L\n",
        b"\xff",
    ],
)
def test_odd_pickles_are_refused_or_read_as_something_else(path, data):
    try:
        assert not isinstance(read(path, pickle_of(data)), StoredTensor)
    except TorchFileError as error:
        assert len(str(error).splitlines()) == 1


def tensor_of(shape, strides, offset=0, size=2, kind="FloatStorage"):
    """A file with one tensor that says this of itself, and two numbers."""
    identity = ("storage", Named("torch", kind), "0", "cpu", size)
    arguments = (Outside(identity), offset, shape, strides, False, ORDERED)
    call = Called(Named("torch._utils", "_rebuild_tensor_v2"), arguments)
    storages = {"0": np.zeros(2, np.float32)}
    return archive(b"\x80\x02" + pickled({"a": call}, None) + b".", storages)


@pytest.mark.parametrize(
    "data",
    [
        tensor_of((3,), (1,)),
        tensor_of((2,), (1,), offset=1),
        tensor_of((10**12,), (0,)),
        tensor_of((2,), (10**30,)),
        tensor_of((0, 10**30), (1, 1)),
        tensor_of((0,) + (2**20,) * 5, (1,) * 6),
        tensor_of((2,), (-1,), offset=1),
        tensor_of((2,), (1, 1)),
        tensor_of((True,), (1,)),
        tensor_of((2,), (1,), size=3),
        tensor_of((2,), (1,), size=-2),
        tensor_of((1,) * 100, (1,) * 100),
        tensor_of(7, (1,)),
    ],
)
def test_tensors_that_contradict_themselves_are_refused(path, data):
    with pytest.raises(TorchFileError) as caught:
        read(path, data)["a"].numpy()
    assert len(str(caught.value).splitlines()) == 1


def test_the_stride_of_a_dimension_of_one_does_not_matter(path):
    found = read(path, tensor_of((1, 2), (10**30, 1)))["a"].numpy()
    np.testing.assert_array_equal(found, [[0, 0]])


def rezipped(method=zipfile.ZIP_STORED, **entries):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as made:
        for name, data in entries.items():
            made.writestr(name.replace("_", "."), data)
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "an empty file"),
        (b"<!DOCTYPE html><html>", "a web page: the download has failed"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a pointer of Git LFS"),
        (b"\x93NUMPY\x01", "an array of NumPy"),
        (b"\x89HDF\r\n", "an HDF5 file"),
        (b"\x1b[2Jhello", r"begins with b'\x1b[2Jhello'"),
        (rezipped(a_npy=b""), "an archive of NumPy arrays"),
        (rezipped(a_txt=b""), "a zip archive without data.pkl"),
        (rezipped(zipfile.ZIP_DEFLATED, data_pkl=b"."), "which does not compress"),
        (rezipped(data_pkl=b"", constants_pkl=b""), "a TorchScript archive"),
    ],
)
def test_the_line_says_what_the_file_seems_to_be(path, data, message):
    with pytest.raises(TorchFileError) as caught:
        read(path, data)
    assert message in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_a_missing_file_and_a_directory_are_one_line(tmp_path):
    for path in (tmp_path / "none.pt", tmp_path):
        with pytest.raises(TorchFileError, match=r"expected a file that torch\.save wrote"):
            read_torch_file(path)


def test_names_in_a_file_do_not_drive_a_terminal(path):
    odd = Called(
        Named("torch._utils", "_rebuild_tensor_v2"),
        (
            Outside(("storage", Named("torch", "Half\x1b[2JStorage"), "0", "cpu", 1)),
            *(0, (1,), (1,), False, ORDERED),
        ),
    )
    found = read(path, archive(b"\x80\x02" + pickled({"a": odd}, None) + b".", {}))["a"]
    assert found.kind == "a tensor of Half\\x1b[2JStorage: save its float()"
