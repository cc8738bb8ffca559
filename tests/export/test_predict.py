"""Predictions of a run's network and of its export: the same as the served ones."""

import numpy as np
import pytest
import tensorflow as tf

from pdarts_tf.errors import InputError
from pdarts_tf.exported_models import numbers
from pdarts_tf.prediction import classifiers
from tests.commands import run_command
from tests.encoded_images import encoded, picture
from tests.export.conftest import CONFIG, DATA

KINDS = {"PNG": "RGB", "JPEG": "RGB", "BMP": "RGB", "GIF": "P", "WEBP": "RGB"}


@pytest.fixture(scope="module")
def of_run(trained_run):
    """The classifier of the run."""
    return classifiers.of_run(trained_run.run_dir, CONFIG)


@pytest.fixture(scope="module")
def of_export(exported_model_dir):
    """The classifier of the newest version."""
    version = exported_model_dir / str(numbers(exported_model_dir)[-1])
    return classifiers.of_export(exported_model_dir, version)


def photos(count):
    """Images of all formats and many sizes."""
    for i in range(count):
        kind, mode = list(KINDS.items())[i % len(KINDS)]
        yield encoded(picture(mode, (12 + 7 * (i % 11), 8 + 5 * (i % 7)), seed=i), kind)


@pytest.mark.slow
def test_run_export_and_the_servers_loader_agree_on_200_photos(
    of_run, of_export, exported_model_dir
):
    images = list(photos(200))
    found = np.array([of_run.probabilities(image) for image in images])
    exported = np.array([of_export.probabilities(image) for image in images])
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:  # as the server loads it
        meta = tf.compat.v1.saved_model.load(session, ["serve"], str(exported_model_dir / "2"))
        signature = meta.signature_def["predict_bytes"]
        served = session.run(
            signature.outputs["probabilities"].name,
            {signature.inputs["image_bytes"].name: images},
        )
    np.testing.assert_allclose(found, served, rtol=0, atol=1e-5)
    np.testing.assert_allclose(exported, served, rtol=0, atol=1e-6)
    assert np.ptp(served, axis=0).max() > 1e-3  # the photos differ, and so do the answers


def test_classes_are_those_of_the_data(of_run, of_export):
    assert list(of_run.class_names) == list(of_export.class_names) == DATA["class_names"]


@pytest.mark.parametrize(
    "content", [b"", b"text", b"\x89PNG\r\n\x1a\n", encoded(picture(), "PNG")[:60]]
)
def test_images_that_cannot_be_decoded_are_refused_alike(of_run, of_export, content):
    problems = []
    for classifier in (of_run, of_export):
        with pytest.raises(classifiers.RefusedImageError) as caught:
            classifier.probabilities(content)
        problems.append(str(caught.value))
    assert problems[0] == problems[1]
    assert "\n" not in problems[0]
    assert "File" not in problems[0]


def test_a_folder_that_is_no_model_is_one_line(tmp_path):
    with pytest.raises(InputError, match=r"--model must be a model that export\.saved_model wrote"):
        classifiers.of_export(tmp_path, tmp_path)


@pytest.mark.slow  # starts the command
def test_the_command_names_damaged_images_and_classifies_the_others(exported_model_dir, tmp_path):
    (tmp_path / "good.png").write_bytes(encoded(picture(), "PNG"))
    (tmp_path / "bad.jpg").write_bytes(b"bad")
    done = run_command(
        "pdarts_tf.predict", f"--model={exported_model_dir}", "--format=csv", str(tmp_path)
    )
    assert done.returncode == 2
    assert len(done.stdout.splitlines()) == 3
    assert "images without answer: 1 of 2" in done.stderr
