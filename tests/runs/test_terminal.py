"""Native messages: in a file while bars move on a terminal, where they always were elsewhere."""

import os
import pty
import subprocess
import sys

import pytest

from tests.source_tree import ROOT

RUN = """
import logging, os, pathlib, sys, warnings
from pdarts_tf.runs.terminal import native_messages_in
from pdarts_tf.streams import outlive_readers

outlive_readers()
os.write(2, b"before\\n")
with native_messages_in(pathlib.Path({path!r})):
    print("bar", end="", flush=True)
    os.write(2, b"E0000 from native code\\n")
    warnings.warn("from a library")
    print("from Python", file=sys.stderr)
    {then}
os.write(2, b"after\\n")
print("Python after", file=sys.stderr)
"""


@pytest.fixture
def log(tmp_path):
    """Path of the file."""
    path = tmp_path / "run.log"
    path.write_text("earlier\n")
    return path


def on_terminal(log, then="pass"):
    """What a process shows on a terminal, and its exit code."""
    own, its = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", RUN.format(path=str(log), then=then)],
        cwd=ROOT, stdout=its, stderr=its, stdin=its,
    )  # fmt: skip
    os.close(its)
    shown = b""
    try:
        while chunk := os.read(own, 4096):
            shown += chunk
    except OSError:  # the process has ended
        pass
    os.close(own)
    return shown.decode().replace("\r\n", "\n"), process.wait()


def test_native_messages_go_to_the_file_and_python_errors_to_the_terminal(log):
    shown, code = on_terminal(log)
    assert (shown, code) == ("before\nbarfrom Python\nafter\nPython after\n", 0)
    kept = log.read_text()
    assert kept.startswith("earlier\nE0000 from native code\n")
    assert "UserWarning: from a library" in kept


def test_an_error_of_python_is_shown(log):
    shown, code = on_terminal(log, then="raise ValueError('wrong')")
    assert code == 1
    assert shown.endswith("ValueError: wrong\n")


def test_the_last_words_of_a_crash_are_kept_and_the_terminal_says_where_it_was(log):
    shown, code = on_terminal(log, then="os.write(2, b'F0000 check failed\\n'); os.abort()")
    assert code != 0
    assert "F0000 check failed\n" in log.read_text()
    assert "Fatal Python error: Aborted" in shown


def test_elsewhere_everything_stays_where_it_was(log):
    process = subprocess.run(
        [sys.executable, "-c", RUN.format(path=str(log), then="pass")],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "E0000 from native code\n" in process.stderr
    assert log.read_text() == "earlier\n"
