"""The Python of docs/python.md runs from top to bottom, on searches and networks of a few steps."""

import re
import subprocess
import sys

import pytest

from tests.source_tree import ROOT

PAGE = (ROOT / "docs/python.md").read_text("utf-8")
FEW_STEPS = {
    'output_dir="runs/cell"': (
        "layers=(3,), candidates=(8,), skip_dropout_rates=(0.0,), add_channels=(0,), "
        "init_channels=4, epochs=2, warmup_epochs=1, max_steps_per_epoch=3"
    ),
    'output_dir="runs/network"': "layers=3, init_channels=4, epochs=1, max_steps_per_epoch=3",
}
SMALL = {"num_layers=5": "num_layers=3", "num_layers=20": "num_layers=3"}


@pytest.mark.slow
def test_it_runs(tmp_path):
    program = "\n".join(re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE))
    for argument, more in FEW_STEPS.items():
        assert program.count(argument) == 1
        program = program.replace(argument, f"{argument}, {more}")
    for number, smaller in SMALL.items():
        assert program.count(number) == 1
        program = program.replace(number, smaller)
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
