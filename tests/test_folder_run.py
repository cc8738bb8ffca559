"""A search, a training and a test on image folders, by the real commands."""

import json
import subprocess
import sys

import numpy as np
import pytest

from tests.image_files import pixels, write_folder
from tests.source_tree import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

SEARCH = (
    *("--layers=3", "--candidates=8", "--skip_dropout_rates=0", "--add_channels=0"),
    *("--init_channels=2", "--epochs=1", "--warmup_epochs=0", "--validation_epochs=1"),
    *("--max_steps_per_epoch=1", "--batch_size=8"),
)
TRAIN = ("--layers=3", "--init_channels=2", "--epochs=1", "--batch_size=8", "--noauxiliary")


def run(command, *flags):
    done = subprocess.run(
        [sys.executable, "-m", f"pdarts_tf.{command}", *flags],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("shape", "num_classes", "with_test"),
    [((28, 28, 1), 3, True), ((48, 64, 3), 37, False)],
    ids=["28x28 grey", "48x64 colour, 37 classes"],
)
def test_a_folder_is_searched_trained_and_tested_on(shape, num_classes, with_test, tmp_path):
    names = [f"kind {i:02d}" for i in range(num_classes)]
    splits = {
        name: (pixels(2 * num_classes, shape), np.arange(2 * num_classes) % num_classes)
        for name in ("train", "test")[: 1 + with_test]
    }
    data = f"--data_dir={write_folder(tmp_path / 'data', splits, names)}"
    searched, trained = tmp_path / "searched", tmp_path / "trained"
    batch = () if num_classes > 3 else ("--batch_size=2",)
    run("search", "--dataset=folder", data, f"--output_dir={searched}", *SEARCH, *batch)
    genotype = f"--genotype={searched / 'genotype.json'}"
    arguments = ("--dataset=folder", data, f"--output_dir={trained}", *TRAIN, *batch)
    output = run("train", genotype, *arguments)
    source = "the test split" if with_test else "10% of the training images of each class"
    assert source in output
    for directory in (searched, trained):
        described = json.loads((directory / "config.json").read_text("utf-8"))["data"]
        assert described["class_names"] == names
        assert described["image_shape"] == list(shape)
        assert described["num_train"] + described["num_test"] == sum(
            len(labels) for _, labels in splits.values()
        )
    result = json.loads((trained / "result.json").read_text("utf-8"))
    tested = run("train", "--evaluate_only", f"--run_dir={trained}", data)
    assert f"top-1 {result['best']['test_accuracy']:.2%}" in tested
