"""Importing TensorFlow quietly: what is held back, and what is let out after all."""

import os
import subprocess
import sys

import pytest

from pdarts_tf.startup import held_back_stderr
from tests.source_tree import ROOT


def write_to_descriptor(text):
    """Writes to standard error as native code does, past Python's `sys.stderr`."""
    os.write(2, text.encode())


def test_what_native_code_writes_is_held_back(capfd):
    with held_back_stderr():
        write_to_descriptor("remark about this machine\n")
    assert capfd.readouterr().err == ""


def test_standard_error_works_again_afterwards(capfd):
    with held_back_stderr():
        write_to_descriptor("held back\n")
    write_to_descriptor("native\n")
    print("python", file=sys.stderr)
    assert capfd.readouterr().err == "native\npython\n"


def test_what_was_held_back_is_let_out_if_the_block_fails(capfd):
    with pytest.raises(ImportError, match="no TensorFlow"), held_back_stderr():
        write_to_descriptor("the reason\n")
        raise ImportError("no TensorFlow")
    assert capfd.readouterr().err == "the reason\n"


def test_what_was_printed_before_comes_first(capfd):
    print("before", file=sys.stderr)
    with held_back_stderr():
        write_to_descriptor("held back\n")
    assert capfd.readouterr().err == "before\n"


def test_descriptors_are_given_back(capfd):
    before = os.listdir("/proc/self/fd")
    with held_back_stderr():
        pass
    assert len(os.listdir("/proc/self/fd")) == len(before)


@pytest.mark.slow
def test_importing_tensorflow_says_nothing():
    environment = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"}
    code = "from pdarts_tf.startup import import_tensorflow; import_tensorflow()"
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
