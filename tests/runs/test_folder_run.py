"""A search, a training, a test and an export on image folders, by the real commands."""

import json
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from tests.image_files import pixels, write_folder
from tests.source_tree import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

SEARCH = (
    *("--layers=3", "--candidates=8", "--skip_dropout_rates=0", "--add_channels=0"),
    *("--init_channels=2", "--epochs=1", "--warmup_epochs=0", "--validation_epochs=1"),
    *("--max_steps_per_epoch=1", "--batch_size=8"),
)
TRAIN = ("--layers=3", "--init_channels=4", "--epochs=12", "--learning_rate=0.1", "--noauxiliary")
IMAGES_PER_CLASS = 4


def run(command, *flags):
    done = subprocess.run(
        [sys.executable, "-m", command, *flags],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def shaded(shape, num_classes, seed):
    """Noisy images, the darker the lower their label, which a small network learns to tell."""
    labels = np.arange(IMAGES_PER_CLASS * num_classes) % num_classes
    shades = np.linspace(0, 191, num_classes).astype(np.uint8)[labels]
    return pixels(len(labels), shape, seed) // 4 + shades[:, None, None, None], labels


def asked(model_dir, paths):
    """The class names that an exported model gives encoded images."""
    answer = tf.saved_model.load(str(model_dir / "1")).signatures["predict_bytes"]
    answers = answer(image_bytes=tf.constant([path.read_bytes() for path in paths]))
    return [label.decode("utf-8") for label in answers["labels"].numpy()]


@pytest.mark.parametrize(
    ("shape", "num_classes", "with_test"),
    [((28, 28, 1), 3, True), ((48, 64, 3), 37, False)],
    ids=["28x28 grey", "48x64 colour, 37 classes"],
)
def test_a_folder_is_searched_trained_tested_and_exported(shape, num_classes, with_test, tmp_path):
    names = [f"kind {i:02d}" for i in range(num_classes)]
    splits = {
        name: shaded(shape, num_classes, seed)
        for seed, name in enumerate(("train", "test")[: 1 + with_test])
    }
    root = write_folder(tmp_path / "data", splits, names)
    data = f"--data_dir={root}"
    searched, trained, model = tmp_path / "searched", tmp_path / "trained", tmp_path / "model"
    batch = f"--batch_size={8 if num_classes > 3 else 4}"
    run("pdarts_tf.search", "--dataset=folder", data, f"--output_dir={searched}", *SEARCH, batch)
    genotype = f"--genotype={searched / 'genotype.json'}"
    arguments = ("--dataset=folder", data, f"--output_dir={trained}", *TRAIN, batch)
    output = run("pdarts_tf.train", genotype, *arguments)
    source = "the test split" if with_test else "10% of the training images of each class"
    assert source in output
    assert "held out for validation" in output
    for directory in (searched, trained):
        described = json.loads((directory / "config.json").read_text("utf-8"))["data"]
        assert described["class_names"] == names
        assert described["image_shape"] == list(shape)
        assert described["num_train"] + described["num_test"] == sum(
            len(labels) for _, labels in splits.values()
        )
    accuracy = json.loads((trained / "result.json").read_text("utf-8"))["best"]["test_accuracy"]
    tested = run("pdarts_tf.train", "--evaluate_only", f"--run_dir={trained}", data)
    assert f"top-1 {accuracy:.2%}" in tested
    run("export.saved_model", f"--run_dir={trained}", f"--export_dir={model}")
    assert (model / "1" / "assets" / "classes.txt").read_text("utf-8").splitlines() == names
    paths = sorted((root / ("test" if with_test else "train")).glob("*/*.png"))
    right = np.mean(
        [label == path.parent.name for label, path in zip(asked(model, paths), paths, strict=True)]
    )
    if with_test:
        assert right == pytest.approx(accuracy)
    assert right > 2 / num_classes
