"""docs/photos.md: its commands, one after the other, on the photos that the first of them makes."""

import contextlib
import csv
import io
import json
import pathlib
import re
import shlex

import pytest

from tests.commands import run_command
from tests.documented import commands_of
from tests.source_tree import ROOT

PAGE = (ROOT / "docs/photos.md").read_text("utf-8")
# Another test runs what follows: it needs a server, or measures for an hour.
ELSEWHERE = ("export.client", "benchmarks.photo_baselines")
FEW = ("--epochs=2", "--max_steps_per_epoch=2", "--batch_size=8")
# What makes a command short; searches are those of a supernet of one layer.
SHORTER = {
    "pdarts_tf.search": (*FEW, "--warmup_epochs=1", "--layers=3,3,3", "--init_channels=4"),
    "pdarts_tf.train": (*FEW, "--layers=3", "--init_channels=4"),
}


def words(text):
    """The words of a command of the page as of `python -m`, and the file its output goes to."""
    python, _, *own = shlex.split(text)
    assert python == "python"
    if ">" in own:
        return own[:-2], own[-1]
    return own, None


COMMANDS = [words(text) for text in commands_of(PAGE) if words(text)[0][0] not in ELSEWHERE]


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """The directory in which all have run, and {number of the command: what it printed}."""
    path = tmp_path_factory.mktemp("photos_page")
    printed = []
    for (module, *arguments), output in COMMANDS:
        shorter = SHORTER.get(module, ())
        program = "tests.one_layer" if module == "pdarts_tf.search" else module
        done = run_command(program, *arguments, *shorter, cwd=path)
        assert done.returncode == 0, f"{module}: {done.stderr}"
        if output is not None:
            (path / output).write_text(done.stdout)
        printed.append(done.stdout)
    return path, printed
