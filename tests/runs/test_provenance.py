"""How a run was started, as config.json keeps it and reports read it."""

import datetime
import shutil
import subprocess

import pytest

from pdarts_tf.runs import provenance
from pdarts_tf.runs.provenance import git_commit, recorded_start, started_record, versions


def test_a_start_has_command_place_time_and_devices(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(provenance, "git_commit", lambda checkout: "f" * 40)
    start = started_record("python -m pdarts_tf.search", "CPU, 2 cores")
    assert start["command"] == "python -m pdarts_tf.search"
    assert start["directory"] == str(tmp_path)
    assert (start["devices"], start["commit"]) == ("CPU, 2 cores", "f" * 40)
    time = datetime.datetime.fromisoformat(start["time"])
    assert abs((datetime.datetime.now(datetime.UTC) - time).total_seconds()) < 60


def test_the_call_of_a_function_has_no_command(monkeypatch):
    monkeypatch.setattr(provenance, "git_commit", lambda checkout: None)
    assert started_record(None, "CPU").keys() == {"directory", "time", "devices"}


@pytest.fixture
def checkout(tmp_path):
    """A repository with one commit; its path and its commit."""
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b"]
    (tmp_path / "file").write_text("one")
    for words in (["init", "-q"], ["add", "file"], ["commit", "-q", "-m", "one"]):
        subprocess.run([*git, *words], check=True)
    done = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True)
    return tmp_path, done.stdout.strip()


def test_the_commit_of_a_checkout(checkout):
    path, commit = checkout
    assert git_commit(path) == commit
    (path / "file").write_text("two")
    assert git_commit(path) == f"{commit}-dirty"


def test_what_is_no_checkout_has_no_commit(tmp_path):
    assert git_commit(tmp_path) is None


def test_without_git_there_is_no_commit(checkout, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert shutil.which("git") is None
    assert git_commit(checkout[0]) is None


def test_what_is_recorded_is_made_harmless():
    found = recorded_start({"started": {"command": "a\x1b[2Jb", "time": 5, "evil": "x"}})
    assert found == {"command": "a\\x1b[2Jb"}
    assert recorded_start({"started": "x"}) == recorded_start({}) == {}


def test_versions_name_what_results_depend_on():
    found = versions()
    assert found["python"].startswith("3.")
    assert {"tensorflow", "keras", "numpy", "tensorflow-datasets"} <= set(found)
