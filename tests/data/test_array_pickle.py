"""Pickles of arrays are read as data; anything else is refused and never run."""

import io
import pickle
import subprocess

import numpy as np
import pytest

from pdarts_tf.data.array_pickle import ArrayPickleError, loads

# What Python 2 and an old NumPy wrote for {'data': array([[1, 2, 3]], uint8), 'labels': [7]}, as in
# the archives of CIFAR.
PYTHON_2 = (
    b"\x80\x02}q\x01(U\x04dataq\x02cnumpy.core.multiarray\n_reconstruct\nq\x03cnumpy\nndarray\n"
    b"q\x04K\x00\x85U\x01b\x87Rq\x05(K\x01K\x01K\x03\x86cnumpy\ndtype\nq\x06U\x02u1K\x00K\x01\x87R"
    b"q\x07(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89U\x03\x01\x02\x03tbU\x06"
    b"labelsq\x08]q\tK\x07au."
)


class Runs:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("protocol", [2, 4])
def test_containers_strings_and_arrays_come_back(protocol):
    array = np.arange(12, dtype=np.uint8).reshape(3, 4)
    found = loads(pickle.dumps({b"data": array, "labels": [1, 2], "t": (None, 0.5)}, protocol))
    np.testing.assert_array_equal(found.pop("data"), array)
    assert found == {"labels": [1, 2], "t": (None, 0.5)}


def test_a_pickle_of_python_2_is_read():
    found = loads(PYTHON_2)
    assert found["data"].tolist() == [[1, 2, 3]]
    assert found["labels"] == [7]


@pytest.mark.parametrize("protocol", [0, 2, 5])
def test_nothing_that_a_pickle_names_is_run(protocol, tmp_path):
    made = tmp_path / "made"
    content = pickle.dumps({"data": Runs(subprocess.call, ["touch", str(made)])}, protocol)
    with pytest.raises(ArrayPickleError, match=r"names \w+\.call, which no array needs"):
        loads(content)
    assert not made.exists()


@pytest.mark.parametrize(
    "value",
    [
        np.arange(3, dtype=np.int64),
        np.array([b"ab", None], dtype=object),
        np.asfortranarray(np.zeros((2, 3), np.uint8)),
    ],
    ids=["int64", "objects", "columns"],
)
def test_arrays_of_another_kind_are_refused(value):
    with pytest.raises(ArrayPickleError, match="another kind than bytes"):
        loads(pickle.dumps(value, 2))


def test_a_shape_that_is_not_that_of_the_bytes_is_refused():
    with pytest.raises(ArrayPickleError, match="another kind than bytes"):
        loads(PYTHON_2.replace(b"(K\x01K\x01K\x03\x86", b"(K\x01K\x09K\x03\x86"))


@pytest.mark.parametrize("content", [b"", b"\x80\x02}", PYTHON_2[:60], b"no pickle", b"\x80\x02N"])
def test_damaged_pickles_are_refused(content):
    with pytest.raises(ArrayPickleError):
        loads(content)


def test_other_codecs_than_that_of_bytes_are_refused():
    buffer = io.BytesIO()
    buffer.write(b"\x80\x02c_codecs\nencode\nX\x01\x00\x00\x00aX\x05\x00\x00\x00rot13\x86R.")
    with pytest.raises(ArrayPickleError, match="rot13"):
        loads(buffer.getvalue())
