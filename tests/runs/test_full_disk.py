"""A disk that fills up: one line, the newest checkpoint stays, and the run goes on later."""

import os
import shutil
import subprocess

import pytest

from pdarts_tf.runs import checkpoint
from pdarts_tf.runs.files import WriteError
from tests.cheap_search import FILES, search
from tests.interruptions import assert_same_run

KILOBYTE = 1024


@pytest.fixture(scope="module")
def disk(tmp_path_factory):
    """A small file system of its own."""
    path = tmp_path_factory.mktemp("disk")
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(path)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"NOT TESTED, this user may not mount a file system: {done.stderr.strip()}")
    yield path
    subprocess.run(["umount", str(path)], check=True)


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    path = tmp_path_factory.mktemp("reference") / "run"
    search(path)
    return path


def fill(disk, free):
    """Leaves so many kilobytes of a disk free; returns the file that takes the others."""
    file = disk / "others"
    state = os.statvfs(disk)
    file.write_bytes(bytes(state.f_bavail * state.f_frsize - free * KILOBYTE))
    return file


def test_a_full_disk_refuses_a_new_run_in_one_line(disk):
    file = fill(disk, free=0)
    try:
        with pytest.raises(WriteError, match=r"written \(No space left on device\); when"):
            search(disk / "new")
    finally:
        file.unlink()


# A checkpoint has some 55 KB here. In these spaces nothing, one, and two of them fit.
@pytest.mark.slow
@pytest.mark.parametrize("free", [16, 100, 150])
def test_a_disk_that_fills_up_ends_the_run_which_goes_on_when_there_is_space(disk, reference, free):
    file = fill(disk, free)
    path = disk / f"run{free}"
    with pytest.raises(WriteError, match="No space left on device") as full:
        search(path)
    assert "\n" not in str(full.value)
    kept = readable_checkpoints(path)
    with pytest.raises(WriteError):
        search(path)
    file.unlink()
    assert readable_checkpoints(path) == kept
    search(path)
    assert_same_run(path, reference, FILES)
    shutil.rmtree(path)


def readable_checkpoints(path):
    """The checkpoints of a run; all have to be whole."""
    found = sorted((path / "checkpoints").glob("*.npz"))
    for each in found:
        checkpoint.load(each)
    return found
