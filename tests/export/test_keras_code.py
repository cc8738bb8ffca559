"""python -m export.keras_code, from its flags to a file that runs without this project."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

import pdarts_tf as pd
from export.keras_source import NetworkSizes, TrainedWith, network_source
from tests.commands import run_command
from tests.export.conftest import DATA, GENOTYPE
from tests.source_tree import ROOT

OUTPUT = "--output=cell_network.py"


def run(folder, *flags):
    """Runs the command in a folder, and returns what came of it."""
    return run_command("export.keras_code", *flags, cwd=folder, PYTHONPATH=str(ROOT))


@pytest.fixture(scope="module")
def written(trained_run, tmp_path_factory):
    """A folder with the file of a trained network, and what the command has printed."""
    folder = tmp_path_factory.mktemp("keras_code")
    result = run(folder, f"--run_dir={trained_run.run_dir}", OUTPUT)
    assert result.returncode == 0, result.stderr
    return folder, result.stdout


def test_a_training_gives_two_files(written, trained_run):
    folder, output = written
    assert sorted(path.name for path in folder.iterdir()) == [
        "cell_network.py",
        "cell_network.weights.h5",
    ]
    size = f"images 8x12x3, 3 classes, {pd.count_parameters(trained_run.network):,} parameters"
    assert output.startswith(f"Wrote cell_network.py: {size}\n")
    assert "Wrote cell_network.weights.h5, from " in output


@pytest.mark.slow
def test_the_files_run_without_this_project(written, trained_run, pictures, tmp_path):
    folder = shutil.copytree(written[0], tmp_path / "elsewhere")
    np.save(folder / "pixels.npy", pictures)
    command = [sys.executable, "-I", str(ROOT / "tests/export/run_plain_keras.py"), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    expected = trained_run.logits(pictures)
    for logits in np.load(folder / "logits.npy"):
        np.testing.assert_allclose(logits, expected, rtol=1e-5, atol=1e-5)


def test_names_and_statistics_of_the_data_are_in_the_file(written):
    text = (written[0] / "cell_network.py").read_text("utf-8")
    assert 'CLASSES = ["cat", "dog", "émeu"]\n' in text
    assert f"MEAN = {DATA['mean']}\nSTD = {DATA['std']}\n" in text
    assert str(written[0]) not in text


def test_the_text_is_the_same_in_every_process(written):
    training = TrainedWith(
        "cell_network.weights.h5", DATA["class_names"], DATA["mean"], DATA["std"]
    )
    text = network_source(GENOTYPE, NetworkSizes((8, 12, 3), 4, 3, 3), training)
    assert (written[0] / "cell_network.py").read_text("utf-8") == text


@pytest.mark.parametrize("name", ["cell_network.py", "cell_network.weights.h5"])
def test_files_that_exist_are_kept(trained_run, tmp_path, name):
    (tmp_path / name).write_text("mine")
    result = run(tmp_path, f"--run_dir={trained_run.run_dir}", OUTPUT)
    assert result.returncode == 2
    assert f"{name} exists, and is never overwritten; choose another --output" in result.stderr
    assert [path.read_text() for path in tmp_path.iterdir()] == ["mine"]


def test_a_genotype_is_written_with_the_sizes_of_the_flags(tmp_path):
    flags = ("--genotype=PDARTS", "--layers=14", "--init_channels=48", "--stem=imagenet")
    result = run(tmp_path, *flags, "--num_classes=1000", OUTPUT)
    assert (result.returncode, result.stdout) == (
        0,
        "Wrote cell_network.py: images 224x224x3, 1000 classes, without weights\n",
    )
    text = (tmp_path / "cell_network.py").read_text()
    for size in ("(224, 224, 3)", "init_channels=48", "num_layers=14", "num_classes=1000"):
        assert size in text


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ((OUTPUT,), "expected --run_dir, the run directory of a training, or --genotype."),
        (("--genotype=PDARTS", "--run_dir=r", OUTPUT), "or --genotype. Received: --run_dir=r"),
        (("--genotype=PDARTS",), "expected --output, a file that Python can import"),
        (("--genotype=PDARTS", "--output=a-b.py"), "Received: 'a-b.py'"),
        (("--genotype=PDARTS", "--output=no/a.py"), "--output must be in an existing directory"),
        (("--genotype=PDART", OUTPUT), "Expected a file that exists or a known name"),
        (("--genotype=PDARTS", OUTPUT, "--layers=2"), "--layers must be at least 3. Received: 2"),
        (("--genotype=PDARTS", OUTPUT, "--image_size=30"), "must be multiples of 4"),
        (("--run_dir=missing", OUTPUT), "expected a run directory. Received: missing"),
        (("--run_dir=missing", OUTPUT, "--stem=cifar"), "--stem is that of the run: leave it out"),
    ],
)
def test_wrong_flags_are_one_line(tmp_path, flags, message):
    result = run(tmp_path, *flags)
    assert (result.returncode, result.stderr.count("\n")) == (2, 1)
    assert message in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("name", "value"), [("mean", [float("nan")] * 3), ("std", [1e999] * 3)])
def test_statistics_that_are_no_numbers_are_refused(trained_run, tmp_path, name, value):
    shutil.copytree(trained_run.run_dir, tmp_path / "run")
    config = tmp_path / "run" / "config.json"
    content = json.loads(config.read_text())
    content["data"][name] = value
    config.write_text(json.dumps(content))
    result = run(tmp_path, "--run_dir=run", OUTPUT)
    assert (result.returncode, result.stderr.count("\n")) == (2, 1)
    assert "expected the mean and the std of the run's data to be finite" in result.stderr


@pytest.mark.slow
def test_real_weights(tmp_path):
    train = ("--dataset=digits", "--genotype=PDARTS", "--epochs=1", "--max_steps_per_epoch=20")
    result = run_command("pdarts_tf.train", *train, f"--output_dir={tmp_path / 'run'}")
    assert result.returncode == 0, result.stderr
    assert run(tmp_path, "--run_dir=run", OUTPUT).returncode == 0
    pixels = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 1)).astype(np.float32)
    np.save(tmp_path / "pixels.npy", pixels)
    command = [sys.executable, "-I", str(ROOT / "tests/export/run_plain_keras.py"), str(tmp_path)]
    subprocess.run(command, check=True, capture_output=True)
    expected = pd.load_network(tmp_path / "run", normalize=True)(pixels)
    for logits in np.load(tmp_path / "logits.npy"):
        np.testing.assert_allclose(logits, expected, rtol=1e-5, atol=1e-5)
