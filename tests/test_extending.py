"""docs/extending.md: its changes, applied to a copy of the package, do what it says."""

import json
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest

from tests.source_tree import ROOT

PAGE = (ROOT / "docs" / "extending.md").read_text("utf-8")
PLUGIN = re.search(r"```python\n(import pdarts_tf as pd\n.*?)```", PAGE, re.DOTALL)
BLOCK = re.compile(r"```diff\n--- a/(\S+)\n\+\+\+ b/\1\n(.*?)```", re.DOTALL)


def apply(folder, path, change):
    """Changes a file as a block of the page says, whose context occurs once in it."""
    lines = change.splitlines(keepends=True)
    before = "".join(line[1:] for line in lines if line[0] != "+")
    after = "".join(line[1:] for line in lines if line[0] != "-")
    file = folder / path
    text = file.read_text("utf-8")
    assert text.count(before) == 1, f"docs/extending.md does not fit {path}: {before}"
    file.write_text(text.replace(before, after), "utf-8")


@pytest.fixture(scope="module")
def facts(tmp_path_factory):
    """What tests/extended.py finds out about the extended copy."""
    folder = tmp_path_factory.mktemp("extended")
    for package in ("pdarts_tf", "flags", "export"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / package, folder / package, ignore=ignored)
    for path, change in BLOCK.findall(PAGE):
        apply(folder, path, change)
    assert PLUGIN is not None
    (folder / "my_primitives.py").write_text(PLUGIN[1], "utf-8")
    # -P: without the folder of the script on the path, and so without this package.
    command = [sys.executable, "-P", str(ROOT / "tests" / "extended.py")]
    environment = {"PYTHONPATH": str(folder), "PATH": "/usr/bin:/bin", "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["package"].startswith(str(folder))
    return found


def test_every_change_of_the_page_is_applied():
    assert len(BLOCK.findall(PAGE)) == PAGE.count("```diff") == 2


def test_a_genotype_with_new_primitives_is_parsed(facts):
    assert facts["parsed"]


def test_parameters_are_those_of_the_variables(facts):
    assert facts["parameters"] == facts["variables"]


def test_multiply_accumulates_and_memory_are_counted(facts):
    assert facts["macs"] > facts["parameters"]
    assert facts["memory"] > 0
    # In values of a node of 4x4 pixels: relu, then the outputs of 4 and 2 kernels, a relu between.
    # At stride 2 the relu and its padded copy, and the rest on 2x2 pixels.
    assert facts["kept"]["sep_conv_9x9"] == [6 * 16, 16 + 12 * 12 + 5 * 4]
    assert facts["kept"]["mobile_conv_3x3"] == [3 * 16, 16 + 6 * 6 + 2 * 4]


def test_the_exported_function_computes_what_the_network_does(facts):
    assert np.shape(facts["logits"]) == (2, 2)
    assert np.isfinite(facts["logits"]).all()
    np.testing.assert_allclose(facts["exported"], facts["logits"], rtol=1e-4, atol=1e-6)


def test_official_weights_of_a_new_primitive_are_refused_in_one_line(facts):
    assert "has no primitive 'mobile_conv_3x3'" in facts["unofficial"]
    assert "\n" not in facts["unofficial"]


def test_new_primitives_are_drawn(facts):
    for name in ("sep_conv_9x9", "mobile_conv_3x3"):
        assert name in facts["drawing"]


def test_the_example_of_the_new_schedule_is_right(facts):
    assert facts["failed_examples"] == 0


def test_a_training_with_the_new_data_and_schedule_is_planned(facts):
    assert facts["training"]["code"] == 0
    title = (
        "Training on bars: 6 images 8x8x1, 2 classes; 2 held out for validation; 8 to test, the "
        "test split"
    )
    assert title in facts["training"]["text"].splitlines()
    assert "4 steps of 4 images in all." in facts["training"]["text"]
