"""Files are written whole or not at all."""

import os
import stat

import pytest

from pdarts_tf.runs import files
from pdarts_tf.runs.files import (
    WriteError,
    read_json,
    remove_unfinished,
    write_whole,
    writing,
)


@pytest.mark.parametrize(
    ("data", "stored"), [("2 → 3\n", b"2 \xe2\x86\x92 3\n"), (b"\x00\xff\r\n", b"\x00\xff\r\n")]
)
def test_text_is_written_as_utf_8_and_bytes_as_they_are(tmp_path, data, stored):
    write_whole(tmp_path / "file", data)
    assert (tmp_path / "file").read_bytes() == stored


def test_a_file_is_replaced_and_nothing_else_is_left(tmp_path):
    path = tmp_path / "genotype.json"
    write_whole(path, "a longer text than the new one")
    write_whole(path, "new")
    assert path.read_text() == "new"
    assert os.listdir(tmp_path) == ["genotype.json"]


def test_the_path_may_be_a_string(tmp_path):
    write_whole(str(tmp_path / "file"), "text")
    assert (tmp_path / "file").read_text() == "text"


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failure_in_the_middle_leaves_the_old_file(tmp_path, monkeypatch, step):
    path = tmp_path / "metrics.jsonl"
    write_whole(path, "old")

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, step, fail)
    with pytest.raises(WriteError, match=r"metrics.jsonl cannot be written \(No space left on dev"):
        write_whole(path, "new")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["metrics.jsonl"]


def test_what_a_killed_process_left_does_not_hinder_the_next_write(tmp_path):
    (tmp_path / ".metrics.jsonl.tmp").write_text("a text that is longer than the next one")
    write_whole(tmp_path / "metrics.jsonl", "new")
    assert (tmp_path / "metrics.jsonl").read_text() == "new"
    assert os.listdir(tmp_path) == ["metrics.jsonl"]


def test_what_killed_processes_left_is_removed(tmp_path):
    (tmp_path / "checkpoints").mkdir()
    kept = (tmp_path / "notes.tmp", tmp_path / ".lock", tmp_path / "checkpoints" / "1.npz")
    for path in (*kept, tmp_path / ".a.json.tmp", tmp_path / "checkpoints" / ".2.npz.tmp"):
        path.touch()
    (tmp_path / ".checkpoints.tmp").mkdir()
    (tmp_path / ".checkpoints.tmp" / ".1.npz.tmp").touch()
    remove_unfinished(tmp_path)
    assert not (tmp_path / ".checkpoints.tmp").exists()
    left = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert sorted(left) == sorted(kept)


def test_what_others_left_stays(tmp_path):
    theirs = [tmp_path / ".notes.tmp", tmp_path / "mine" / ".a.json.tmp", tmp_path / "x.json.tmp"]
    (tmp_path / "mine").mkdir()
    for path in theirs:
        path.write_text("precious")
    (tmp_path / ".b.tmp").mkdir()
    outside = tmp_path / "outside"
    outside.mkdir()
    (tmp_path / ".checkpoints.tmp").symlink_to(outside)
    remove_unfinished(tmp_path)
    assert all(path.exists() for path in (*theirs, tmp_path / ".b.tmp", outside))


@pytest.mark.parametrize("content", [b"[" * 100_000, b"{", b"\xff", b""])
def test_json_that_is_none_is_a_value_error(tmp_path, content):
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(ValueError):
        read_json(tmp_path / "a.json")


def test_json_is_read(tmp_path):
    write_whole(tmp_path / "a.json", '{"a": ["\u00e9"]}')
    assert read_json(tmp_path / "a.json") == {"a": ["é"]}


def test_other_errors_than_those_of_the_system_stay_what_they_are():
    with pytest.raises(KeyError), writing("file"):
        raise KeyError


def test_the_data_is_on_the_disk_before_the_name(tmp_path, monkeypatch):
    events = []
    monkeypatch.setattr(files.os, "fsync", lambda _: events.append("fsync"))
    monkeypatch.setattr(files.os, "replace", lambda *_: events.append("replace"))
    write_whole(tmp_path / "file", "text")
    assert events == ["fsync", "replace", "fsync"]  # the data, the name, the directory


def test_a_file_has_the_permissions_of_any_new_file(tmp_path):
    (tmp_path / "other").touch()
    write_whole(tmp_path / "file", "text")
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("file", "other")]
    assert modes[0] == modes[1]
