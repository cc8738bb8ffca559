"""The form of the exported model without a loop, in OpenVINO, as docs/serving.md says."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from pdarts_tf.data import sources
from pdarts_tf.data.decoding import in_memory
from tests.commands import run_command
from tests.export.conftest import DATA, GENOTYPE
from tests.source_tree import ROOT

RUNNER = Path(__file__).with_name("run_openvino.py")
PAGE = (ROOT / "docs" / "serving.md").read_text("utf-8")
(PROGRAM,) = re.findall(r"```python\n(import numpy as np\nimport openvino\n.*?)```", PAGE, re.S)
(EXPORT,) = re.findall(r"^    python -m (.* --serve_on=gpu)$", PAGE, re.M)
(CONVERT,) = re.findall(r"^    (ovc .*)$", PAGE, re.M)
# As the page has them.
RUN, VERSION, IMAGES = "runs/demo_training", "models/openvino/1", "images.npy"


def run(command, folder):
    """Runs a command that uses OpenVINO, and returns what it printed."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "CI": "true"}  # else it would report its usage
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def tensorflow_answers(version, images):
    """What TensorFlow computes of images, by name."""
    predict = tf.saved_model.load(str(version)).signatures["serving_default"]
    return {name: each.numpy() for name, each in predict(images=tf.constant(images)).items()}


def printed_labels(folder):
    """The labels that the page's program prints of the images in the folder."""
    lines = run([sys.executable, "-c", PROGRAM], folder).splitlines()
    return [line.split()[0] for line in lines]


@pytest.fixture(scope="module")
def folder(exported_model_dir, pictures, tmp_path_factory):
    """A folder with the files that the page's program reads."""
    folder = tmp_path_factory.mktemp("openvino")
    (folder / VERSION).parent.mkdir(parents=True)
    (folder / VERSION).symlink_to(exported_model_dir / "2")
    np.save(folder / IMAGES, np.tile(pictures.astype(np.float32), (4, 1, 1, 1)))
    return folder


@pytest.fixture(scope="module")
def expected(folder):
    """TensorFlow's answers."""
    return tensorflow_answers(folder / VERSION, np.load(folder / IMAGES))


@pytest.fixture(scope="module")
def answers(folder):
    """OpenVINO's answers to batches of 1, 9, 20 and again 1, and to 20 of a fixed size."""
    sizes = ("1", "9", "20", "1")
    run([sys.executable, "-I", RUNNER, VERSION, IMAGES, "answers.npz", *sizes], folder)
    with np.load(folder / "answers.npz") as arrays:
        return dict(arrays)


def test_it_reads_the_signature_of_pixels(answers):
    assert answers["inputs"] == ["images [?,8,12,3]"]


@pytest.mark.parametrize("batch", ["1", "9", "20", "fixed"])
def test_answers_are_those_of_tensorflow(answers, expected, batch):
    found = {k.split("/")[1]: v for k, v in answers.items() if k.startswith(f"{batch}/")}
    count = 20 if batch == "fixed" else int(batch)
    assert {name: len(each) for name, each in found.items()} == dict.fromkeys(expected, count)
    np.testing.assert_allclose(found["logits"], expected["logits"][:count], atol=1e-4)
    np.testing.assert_allclose(found["probabilities"], expected["probabilities"][:count], atol=1e-5)
    np.testing.assert_array_equal(found["classes"], expected["classes"][:count])
    assert found["labels"].tolist() == [DATA["class_names"][i] for i in found["classes"]]


def test_the_program_of_the_page_prints_the_labels(folder, expected):
    assert printed_labels(folder) == [each.decode() for each in expected["labels"]]


def test_the_converter_of_the_page_writes_a_file(folder, expected):
    run(CONVERT.split(), folder)
    target = CONVERT.split("--output_model ")[1].split()[0]
    run([sys.executable, "-I", RUNNER, target, IMAGES, "converted.npz", "9"], folder)
    with np.load(folder / "converted.npz") as arrays:
        np.testing.assert_allclose(arrays["9/logits"], expected["logits"][:9], atol=1e-4)


@pytest.mark.slow
def test_200_digits_have_the_classes_that_tensorflow_gives_them(tmp_path):
    (tmp_path / "genotype.json").write_text(GENOTYPE.to_json())
    flags = ("--genotype=genotype.json", "--dataset=digits", f"--output_dir={RUN}", "--epochs=3")
    for command in (("pdarts_tf.train", *flags), EXPORT.split()):
        done = run_command(*command, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    images = in_memory(sources.load("digits", None).test).images[:200].astype(np.float32)
    np.save(tmp_path / IMAGES, images)
    expected = tensorflow_answers(tmp_path / VERSION, images)
    assert len(set(expected["classes"])) == 10
    assert printed_labels(tmp_path) == [each.decode() for each in expected["labels"]]
