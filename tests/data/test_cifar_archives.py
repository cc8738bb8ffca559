"""The archives of CIFAR, small ones: read as they lie, never extracted, refused if changed."""

import hashlib
import io
import pickle
import subprocess
import tarfile

import numpy as np
import pytest

from pdarts_tf.data import cifar_archives, sources
from pdarts_tf.data.cifar_archives import MD5, find_archive, read_archive
from pdarts_tf.data.images import DataError
from tests.image_files import cifar10_binary, cifar10_python, pixels, planes, write_tar

NAMES = (
    *("airplane", "automobile", "bird", "cat", "deer"),
    *("dog", "frog", "horse", "ship", "truck"),
)
SPLITS = {
    "train": (pixels(20), np.arange(20) % 10),
    "test": (pixels(10, seed=1), np.arange(10)),
}
IN_ORDER = np.concatenate([np.arange(20)[i::5] for i in range(5)])
WRITERS = {
    "cifar-10-python.tar.gz": cifar10_python,
    "cifar-10-binary.tar.gz": cifar10_binary,
}


def unpack(path, contents):
    for name, content in contents.items():
        (path / name).parent.mkdir(exist_ok=True)
        (path / name).write_bytes(content)


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("packed", [True, False], ids=["archive", "directory"])
def test_images_and_labels_are_those_in_the_files(name, packed, tmp_path):
    contents = WRITERS[name](SPLITS, NAMES)
    if packed:
        write_tar(tmp_path / name, contents)
    else:
        unpack(tmp_path, contents)
    path = find_archive("cifar10", tmp_path)
    assert path is not None
    class_names, train, test = read_archive("cifar10", path, md5={})
    assert class_names == NAMES
    np.testing.assert_array_equal(train.images, SPLITS["train"][0][IN_ORDER])
    np.testing.assert_array_equal(train.labels, IN_ORDER % 10)
    np.testing.assert_array_equal(test.images, SPLITS["test"][0])
    assert test.labels.dtype == np.int64


def test_cifar100_has_fine_labels(tmp_path):
    images = pixels(3)
    record = np.column_stack([[9, 9, 9], [0, 2, 1], planes(images)]).astype(np.uint8).tobytes()
    contents = {"train.bin": record, "test.bin": record, "fine_label_names.txt": b"a\nb\nc\n"}
    write_tar(
        tmp_path / "cifar-100-binary.tar.gz",
        {f"cifar-100-binary/{name}": content for name, content in contents.items()},
    )
    path = find_archive("cifar100", tmp_path)
    assert path is not None
    class_names, train, _ = read_archive("cifar100", path, md5={})
    assert class_names == ("a", "b", "c")
    assert train.labels.tolist() == [0, 2, 1]
    np.testing.assert_array_equal(train.images, images)


@pytest.mark.parametrize("name", WRITERS)
def test_a_wrong_checksum_says_what_was_expected_and_received(name, tmp_path):
    path = write_tar(tmp_path / name, WRITERS[name](SPLITS, NAMES))
    received = hashlib.md5(path.read_bytes()).hexdigest()
    with pytest.raises(DataError) as error:
        sources.load("cifar10", tmp_path)
    assert str(error.value) == (
        f"{path} has a wrong checksum: expected md5 {MD5[name]}, received {received}; download it "
        "again, or for images of your own use --dataset=folder"
    )


def test_unpacked_files_have_checksums_too(tmp_path):
    unpack(tmp_path, cifar10_python(SPLITS, NAMES))
    with pytest.raises(DataError, match="data_batch_1 has a wrong checksum: expected md5 c99cafc1"):
        sources.load("cifar10", tmp_path)


def test_every_python_file_has_a_checksum():
    for forms in cifar_archives._FORMATS.values():
        for form in forms:
            assert form.archive in MD5
            assert form.label_bytes or {f"{form.directory}/{f}" for f in form.files} <= set(MD5)


@pytest.mark.parametrize("member", ["../escaped", "/etc/escaped", "cifar-10-batches-py/../../x"])
def test_members_that_lead_elsewhere_are_refused_and_never_written(member, tmp_path):
    contents = {member: b"x", **cifar10_python(SPLITS, NAMES)}
    path = write_tar(tmp_path / "in" / "cifar-10-python.tar.gz", contents)
    with pytest.raises(DataError, match=r"files in cifar-10-batches-py only. Received: '") as error:
        read_archive("cifar10", path, md5={})
    assert member in str(error.value)
    assert [file.name for file in tmp_path.rglob("*")] == ["in", path.name]


def test_a_link_in_an_archive_is_not_followed(tmp_path):
    contents = cifar10_python(SPLITS, NAMES)
    del contents["cifar-10-batches-py/test_batch"]
    path = tmp_path / "cifar-10-python.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        link = tarfile.TarInfo("cifar-10-batches-py/test_batch")
        link.type, link.linkname = tarfile.SYMTYPE, "data_batch_1"
        archive.addfile(link)
        for name, content in contents.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    with pytest.raises(DataError, match="has no cifar-10-batches-py/test_batch"):
        read_archive("cifar10", path, md5={})


@pytest.mark.parametrize("name", WRITERS)
def test_a_truncated_archive_is_an_error_that_names_it(name, tmp_path):
    path = write_tar(tmp_path / name, WRITERS[name](SPLITS, NAMES))
    path.write_bytes(path.read_bytes()[:-5000])
    with pytest.raises(DataError, match=f"{path} cannot be read"):
        read_archive("cifar10", path, md5={})


def test_a_label_without_a_class_is_refused(tmp_path):
    path = write_tar(tmp_path / "cifar-10-binary.tar.gz", cifar10_binary(SPLITS, NAMES[:5]))
    with pytest.raises(DataError, match="images or labels of another kind"):
        read_archive("cifar10", path, md5={})


# What Python 2 and an old NumPy wrote for {'data': array of one row, 'labels': [7]}, as in the
# official archives; with the size of the row twice, and the row.
PYTHON_2 = (
    b"\x80\x02}q\x01(U\x04dataq\x02cnumpy.core.multiarray\n_reconstruct\nq\x03cnumpy\nndarray\n"
    b"q\x04K\x00\x85U\x01b\x87Rq\x05(K\x01K\x01J%b\x86cnumpy\ndtype\nq\x06U\x02u1K\x00K\x01\x87R"
    b"q\x07(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89T%b%btbU\x06labelsq\x08]"
    b"q\tK\x07au."
)


def read_test_batch(path, content):
    """Returns the test split of an archive with these bytes for its test batch."""
    contents = cifar10_python(SPLITS, NAMES) | {"cifar-10-batches-py/test_batch": content}
    archive = write_tar(path / "cifar-10-python.tar.gz", contents)
    return read_archive("cifar10", archive, md5={})[2]


def test_a_pickle_of_python_2_is_read(tmp_path):
    size = (3072).to_bytes(4, "little")
    content = PYTHON_2 % (size, size, planes(pixels(1)).tobytes())
    test = read_test_batch(tmp_path, content)
    np.testing.assert_array_equal(test.images, pixels(1))
    assert test.labels.tolist() == [7]


class Runs:
    """Calls a function when it is unpickled."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("protocol", [0, 2, 5])
def test_nothing_that_a_pickle_names_is_run(protocol, tmp_path):
    made = tmp_path / "made"
    content = pickle.dumps({"data": Runs(subprocess.call, ["touch", str(made)])}, protocol)
    with pytest.raises(DataError, match=r"test_batch .* names \w+\.call, which no array needs"):
        read_test_batch(tmp_path, content)
    assert not made.exists()


@pytest.mark.parametrize(
    "content",
    [b"", b"\x80\x02}", PYTHON_2[:60], b"no pickle", pickle.dumps([1])],
    ids=["empty", "cut", "cut array", "text", "list"],
)
def test_a_damaged_pickle_is_an_error_that_names_its_file(content, tmp_path):
    with pytest.raises(DataError, match=r"test_batch .*; download it again"):
        read_test_batch(tmp_path, content)


@pytest.mark.parametrize(
    "data",
    [np.zeros((1, 3072)), np.zeros((1, 9), np.uint8), np.full((1, 3072), None)],
    ids=["floats", "pixels missing", "objects"],
)
def test_arrays_of_another_kind_are_refused(data, tmp_path):
    with pytest.raises(DataError, match="images or labels of another kind"):
        read_test_batch(tmp_path, pickle.dumps({"data": data, "labels": [1]}, 2))
