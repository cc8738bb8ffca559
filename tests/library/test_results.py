"""Results of runs, as people see them in a console."""

import json
from typing import Any

from pdarts_tf.library.results import load_run
from tests.run_directories import DATA, write_search, write_training


def test_a_console_shows_a_line(tmp_path):
    path = write_search(tmp_path / "run")
    assert repr(load_run(path)) == f"<SearchResult of {path}, finished>"


def test_a_training_has_its_assessment(tmp_path):
    path = write_training(tmp_path / "run", data=DATA | {"class_names": ["cat", "dog"]})
    result: Any = load_run(path)
    assert result.assessment is None  # of a version before there was one
    record = {
        "images": [3, 2], "correct": [3, 1], "confusion": None, "confused": [[1, 0, 1]],
        "calibration": [], "calibration_error": 0.1, "mistakes": [],
    }  # fmt: skip
    content = json.loads((path / "result.json").read_text())
    (path / "result.json").write_text(json.dumps(content | {"test": record}))
    result = load_run(path)
    assert result.assessment.by_accuracy == [(1, 0.5), (0, 1.0)]
