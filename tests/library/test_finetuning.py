"""docs/finetuning.md: its code runs as it stands, and shows what the page says."""

import re
import subprocess
import sys

import pytest

from tests.source_tree import ROOT

PAGE = (ROOT / "docs/finetuning.md").read_text("utf-8")


@pytest.mark.slow
def test_features_of_other_classes_help(tmp_path):
    code = "\n".join(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL))
    (tmp_path / "page.py").write_text(code)
    environment = {"PYTHONPATH": str(ROOT), "PATH": "", "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        [sys.executable, "page.py"], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    shown = dict(re.findall(r"^([\w -]+): ([\d.]+)%$", done.stdout, re.MULTILINE))
    accuracies = {name: float(value) for name, value in shown.items()}
    assert accuracies["frozen features"] > accuracies["random initialization"]
    assert accuracies["fine-tuned"] > accuracies["random initialization"] + 10
