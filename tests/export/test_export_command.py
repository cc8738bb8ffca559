"""python -m export.saved_model, from its flags to its files."""

import json
import os
import random
import shutil
import subprocess
import sys
import time

import pytest
import tensorflow as tf
from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

from export import exporter, server_config
from pdarts_tf import exported_models
from pdarts_tf.errors import RunError
from tests.commands import Command, run_command
from tests.export.conftest import DATA
from tests.source_tree import ROOT


def run(*flags):
    """Runs an export, and returns what came of it."""
    return run_command("export.saved_model", *flags)


def loads(version):
    """Whether a server would load a version: it has its graph and all that this names."""
    tf.saved_model.load(str(version))
    return (version / "assets.extra/tf_serving_warmup_requests").is_file()


def test_export_end_to_end(trained_run, tmp_path):
    model = tmp_path / "models" / "animals"
    flags = (f"--run_dir={trained_run.run_dir}", f"--export_dir={model}")
    command = [sys.executable, "-m", "export.saved_model", *flags]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert f"Exported {model}/1: 3 classes, images 8x12x3, to serve on a CPU\n" in result.stdout
    assert loads(model / "1")
    assert sorted(os.listdir(model)) == sorted(["1", *server_config.NAMES])


@pytest.mark.slow
def test_the_form_is_that_for_the_device_asked_for(trained_run, tmp_path):
    flags = (f"--run_dir={trained_run.run_dir}", f"--export_dir={tmp_path}", "--serve_on=gpu")
    assert "images 8x12x3, to serve on a GPU\n" in run(*flags).stdout
    graph = tf.saved_model.load(str(tmp_path / "1")).signatures["serving_default"].graph
    functions = graph.as_graph_def().library.function
    assert [n.op for each in functions for n in each.node_def if "While" in n.op] == []


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ((), "expected --run_dir"),
        (("--run_dir=missing", "--export_dir=m"), "expected a run directory. Received: missing"),
        (("--run_dir=missing", "--export_dir=m", "--version=0"), "--version"),
        (("--run_dir=missing", "--export_dir=m", "--format=pickle"), "--format"),
        (("--run_dir=missing", "--export_dir=m", "--serve_on=tpu"), "--serve_on"),
        (("--run_dir=missing", "--export_dir=m", "--max_megapixels=0"), "--max_megapixels"),
        (
            ("--run_dir=missing", "--export_dir=m", "--max_megapixels=9", "--format=tflite"),
            "--max_megapixels limits the encoded images that a SavedModel takes: leave it out with",
        ),
        (
            ("--run_dir=missing", "--export_dir=m", "--serve_on=gpu", "--format=onnx"),
            "--serve_on chooses the form of a SavedModel: leave it out with --format=onnx",
        ),
    ],
)
def test_wrong_flags(flags, message):
    result = run(*flags)
    assert result.returncode == 2
    assert message in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_run_without_weights(trained_run, tmp_path):
    (tmp_path / "config.json").write_text((trained_run.run_dir / "config.json").read_text())
    result = run(f"--run_dir={tmp_path}", f"--export_dir={tmp_path}/m")
    assert (result.returncode, result.stderr.count("\n")) == (2, 1)
    assert "has no weights_best.npz; has its training" in result.stderr


def test_the_last_weights_are_exported_of_a_training_without_validation(trained_run, tmp_path):
    shutil.copytree(trained_run.run_dir, tmp_path / "run")
    config = tmp_path / "run" / "config.json"
    content = json.loads(config.read_text())
    content["config"]["validation_portion"] = 0.0
    config.write_text(json.dumps(content))
    flags = (f"--run_dir={tmp_path / 'run'}", f"--export_dir={tmp_path}/m")
    assert "has no weights_last.npz" in run(*flags).stderr
    (tmp_path / "run" / "weights_last.npz").write_bytes(b"")
    assert "weights_last.npz is damaged" in run(*flags).stderr


def test_damaged_weights_leave_no_version(trained_run, tmp_path):
    run_dir = tmp_path / "run"
    shutil.copytree(trained_run.run_dir, run_dir)
    weights = run_dir / "weights_best.npz"
    weights.write_bytes(weights.read_bytes()[:-1000])
    result = run(f"--run_dir={run_dir}", f"--export_dir={tmp_path}/m")
    assert (result.returncode, result.stderr.count("\n")) == (2, 1)
    assert "weights_best.npz is damaged" in result.stderr
    assert exported_models.numbers(tmp_path / "m") == []


@pytest.mark.parametrize("error", [OSError("full"), tf.errors.UnknownError(None, None, "")])
def test_a_full_disk_is_one_line_and_leaves_nothing(trained_run, tmp_path, monkeypatch, error):
    def fail(*_):
        raise error

    monkeypatch.setattr(exporter.warmup, "write", fail)
    with pytest.raises(RunError, match=r"the model cannot be written to .* nothing was exported"):
        exporter.write_saved_model(trained_run.network, DATA, tmp_path / "m")
    assert os.listdir(tmp_path / "m") == []


def killed_exports(trained_run, model, seeds):
    """Kills exports at random moments of their writing; returns the versions that appeared."""
    for seed in seeds:
        flags = (f"--run_dir={trained_run.run_dir}", f"--export_dir={model}")
        before = set(exported_models.numbers(model))
        process = Command("export.saved_model", *flags)
        while process.poll() is None:
            begun = model.is_dir() and any(model.glob(f".incomplete-*/{'*' * (seed % 2)}"))
            if begun or set(exported_models.numbers(model)) != before:
                break
            time.sleep(0.005)
        time.sleep(random.Random(seed).uniform(0, 0.8))
        process.kill()
        process.communicate()
    return exported_models.numbers(model)


@pytest.mark.slow
def test_a_killed_export_leaves_no_half_version(trained_run, tmp_path):
    model = tmp_path / "animals"
    for number in killed_exports(trained_run, model, seeds=(1,)):
        assert loads(model / str(number))
    result = run(f"--run_dir={trained_run.run_dir}", f"--export_dir={model}")
    assert result.returncode == 0, result.stderr
    assert loads(model / str(max(exported_models.numbers(model))))


@pytest.mark.slow
def test_many_killed_exports(trained_run, tmp_path):
    model = tmp_path / "animals"
    numbers = killed_exports(trained_run, model, seeds=range(12))
    assert all(loads(model / str(number)) for number in numbers)


def test_server_files_are_what_a_server_reads(exported_model_dir):
    text = (exported_model_dir / "models.config").read_text()
    message = text_format.Parse(text, model_server_config_pb2.ModelServerConfig())
    (model,) = message.model_config_list.config
    assert (model.name, model.base_path) == ("animals", "/models/animals")
    readme = (exported_model_dir / "README.md").read_text()
    assert "tensorflow/serving" in readme
    assert "[batch, 8, 12, 3]" in readme
    assert "$name" not in readme


def test_server_files_that_were_changed_stay(tmp_path):
    (tmp_path / "models.config").write_text("mine")
    assert server_config.write_missing(tmp_path, (8, 8, 3), 10) == ["models.config"]
    assert (tmp_path / "models.config").read_text() == "mine"
    assert (tmp_path / "README.md").is_file()
