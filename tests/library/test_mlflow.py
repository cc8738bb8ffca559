"""MLflow watches a run, by the function of docs/python.md, into its local file store."""

import dataclasses
import json
import re
import sys

import mlflow
import pytest
from mlflow import MlflowClient

import pdarts_tf as pd
from pdarts_tf.runs.callbacks import from_names
from pdarts_tf.runs.run_directory import METRICS
from tests import cheap_search
from tests.one_layer import one_layer_supernets
from tests.source_tree import ROOT

PAGE = (ROOT / "docs/python.md").read_text("utf-8")
(FACTORY,) = re.findall(r"```python\n(def mlflow\(\):\n.*?)```", PAGE, re.DOTALL)
STORE = "file:///tmp/mlruns"


@pytest.fixture
def client(tmp_path, monkeypatch):
    """A client of an empty store, into which `trackers:mlflow` writes."""
    store = (tmp_path / "mlruns").as_uri()
    assert FACTORY.count(STORE) == 1
    (tmp_path / "trackers.py").write_text(FACTORY.replace(STORE, store))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    # Other tests of this process have set TensorFlow up for themselves.
    monkeypatch.setattr("pdarts_tf.training.runtime.configure", lambda *arguments: None)
    yield MlflowClient(store)
    mlflow.end_run()  # which otherwise is done when the process ends
    sys.modules.pop("trackers")


@pytest.mark.slow
def test_mlflow_has_what_every_epoch_measures(client, tmp_path):
    settings = dataclasses.asdict(cheap_search.CONFIG)
    with one_layer_supernets():
        callbacks = from_names(["trackers:mlflow"])
        pd.run_search("digits", output_dir=tmp_path / "run", callbacks=callbacks, **settings)
    (run,) = client.search_runs(["0"])
    assert run.info.run_name == "digits"
    lines = (tmp_path / "run" / METRICS).read_text().splitlines()
    measured = [json.loads(line) for line in lines]
    for name in set().union(*measured) - {"stage", "epoch"}:
        history = client.get_metric_history(run.info.run_id, name)
        logged = {each.step: each.value for each in history}
        assert logged == {i: each[name] for i, each in enumerate(measured) if name in each}, name
