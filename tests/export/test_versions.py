"""Versions appear whole or not at all, and are never overwritten."""

import os
import random
import signal
import subprocess
import sys
import time

import pytest

from export import versions
from pdarts_tf import exported_models
from tests.source_tree import ROOT

FILES = 40
# Writes a version of many files, slowly enough to be killed at any point of it.
WRITER = f"""
import sys, pathlib
from export import versions
print("ready", flush=True)
with versions.new_version(sys.argv[1], None) as new:
    for i in range({FILES}):
        (new.path / f"part{{i}}").write_text("x" * 10_000)
"""


def write(model, number=None, text="x"):
    """Writes a version of one file, and returns its path."""
    with versions.new_version(model, number) as new:
        (new.path / "saved_model.pb").write_text(text)
    return new.published


def test_versions_count_up(tmp_path):
    assert [write(tmp_path / "m").name for _ in range(3)] == ["1", "2", "3"]


def test_the_next_version_follows_the_highest(tmp_path):
    write(tmp_path, 7)
    assert versions.next_number(tmp_path) == 8
    assert exported_models.numbers(tmp_path) == [7]


def test_other_files_are_no_versions(tmp_path):
    for name in ("models.config", "latest", "1.tflite", ".incomplete-1"):
        (tmp_path / name).mkdir()
    assert versions.next_number(tmp_path) == 1


@pytest.mark.parametrize("name", [str(2**63), "9" * 20, "\u0663", "1_0", "-1"])
def test_names_that_no_server_loads_are_skipped(tmp_path, name):
    (tmp_path / name).mkdir()
    assert exported_models.numbers(tmp_path) == []
    assert write(tmp_path).name == "1"


def test_the_largest_version_of_a_server_can_be_written_and_none_after_it(tmp_path):
    assert write(tmp_path, 2**63 - 1).name == "9223372036854775807"
    with pytest.raises(versions.VersionError, match="after which a server can load none"):
        write(tmp_path)


def test_a_version_that_no_server_can_load_is_refused(tmp_path):
    with pytest.raises(versions.VersionError, match=r"at most 9223372036854775807.* Received: 92"):
        write(tmp_path / "m", 2**63)
    assert not (tmp_path / "m").exists()


def test_an_existing_version_is_not_overwritten(tmp_path):
    write(tmp_path, 1, "first")
    with pytest.raises(versions.VersionError, match=r"--version=1 exists .* next free one is 2"):
        write(tmp_path, 1, "second")
    assert (tmp_path / "1/saved_model.pb").read_text() == "first"


def test_a_version_made_in_the_meantime_is_not_overwritten(tmp_path):
    with (
        pytest.raises(versions.VersionError, match="exists"),
        versions.new_version(tmp_path, 1) as new,
    ):
        (new.path / "saved_model.pb").write_text("second")
        write(tmp_path, 1, "first")
    assert (tmp_path / "1/saved_model.pb").read_text() == "first"
    assert os.listdir(tmp_path) == ["1"]


def test_the_next_number_is_taken_at_the_end(tmp_path):
    with versions.new_version(tmp_path, None) as slow:
        (slow.path / "saved_model.pb").write_text("slow")
        assert write(tmp_path).name == "1"
    assert slow.published == tmp_path / "2"


def test_a_failure_leaves_nothing(tmp_path):
    with pytest.raises(RuntimeError), versions.new_version(tmp_path, None) as new:
        (new.path / "saved_model.pb").write_text("half")
        raise RuntimeError
    assert os.listdir(tmp_path) == []


def test_a_file_in_the_way(tmp_path):
    file = tmp_path / "m"
    file.write_text("")
    with pytest.raises(versions.VersionError, match="must be a directory"):
        versions.check(file, None)


def test_others_may_read_a_version(tmp_path):
    assert write(tmp_path).stat().st_mode & 0o777 == 0o755


def test_killed_at_random_moments(tmp_path):
    moments = random.Random(3)
    for _ in range(15):
        command = [sys.executable, "-c", WRITER, str(tmp_path)]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(moments.uniform(0, 0.12))
            process.send_signal(signal.SIGKILL)
    write(tmp_path)
    for number in exported_models.numbers(tmp_path)[:-1]:
        sizes = [file.stat().st_size for file in (tmp_path / str(number)).iterdir()]
        assert sizes == [10_000] * FILES
