"""`pdarts_tf.__version__`."""

import importlib.metadata
import subprocess
import sys

import pdarts_tf as pd
from tests.requirements import PROJECT
from tests.source_tree import ROOT


def test_the_version_is_that_of_the_installation(monkeypatch):
    monkeypatch.setattr(importlib.metadata, "version", lambda package: PROJECT["version"])
    assert pd.__version__ == PROJECT["version"]


def test_what_is_not_installed_is_a_checkout(monkeypatch):
    def missing(package):
        raise importlib.metadata.PackageNotFoundError(package)

    monkeypatch.setattr(importlib.metadata, "version", missing)
    assert pd.__version__ == "checkout"


def test_the_version_needs_no_tensorflow():
    code = "import sys, pdarts_tf; assert pdarts_tf.__version__; print('tensorflow' in sys.modules)"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "False\n", "")
