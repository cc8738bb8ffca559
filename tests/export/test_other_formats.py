"""The network as one file for other runtimes."""

import numpy as np
import pytest
import tensorflow as tf

from export import other_formats, versions
from pdarts_tf import exported_models
from tests.export.conftest import DATA

# TensorFlow's own interpreter warns that it is going to be a package of its own.
pytestmark = pytest.mark.filterwarnings("ignore:.*tf.lite.Interpreter is deprecated")


@pytest.fixture(scope="module")
def tflite(trained_run, tmp_path_factory):
    """The directory with the file for TensorFlow Lite."""
    directory = tmp_path_factory.mktemp("models") / "animals"
    other_formats.write("tflite", trained_run.network, DATA, directory)
    return directory


def test_tflite_takes_batches_of_pixels(tflite, trained_run, pictures):
    interpreter = tf.lite.Interpreter(model_content=(tflite / "1.tflite").read_bytes())
    answer = interpreter.get_signature_runner()(images=pictures.astype(np.float32))
    expected = trained_run.logits(pictures)
    np.testing.assert_allclose(answer["logits"], expected, atol=1e-4)
    np.testing.assert_allclose(answer["probabilities"], tf.nn.softmax(expected), atol=1e-5)


def test_class_names_are_beside_it(tflite):
    names = (tflite / "1.classes.txt").read_text("utf-8").splitlines()
    assert names == DATA["class_names"]


def test_no_server_takes_it_for_a_version(tflite):
    assert exported_models.numbers(tflite) == []


def test_an_existing_file_is_not_overwritten(tflite, trained_run):
    with pytest.raises(versions.VersionError, match="exists, and is never overwritten"):
        other_formats.write("tflite", trained_run.network, DATA, tflite, version=1)


def test_onnx_takes_batches_of_pixels(trained_run, pictures, tmp_path):
    pytest.importorskip("tf2onnx", reason="pip install 'pdarts-tf[onnx]'")
    onnxruntime = pytest.importorskip("onnxruntime")
    other_formats.write("onnx", trained_run.network, DATA, tmp_path)
    providers = ["CPUExecutionProvider"]
    session = onnxruntime.InferenceSession(tmp_path / "1.onnx", providers=providers)
    (logits,) = session.run(["logits"], {"images": pictures.astype(np.float32)})
    np.testing.assert_allclose(logits, trained_run.logits(pictures), atol=1e-4)
