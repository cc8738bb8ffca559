"""Both forms of the exported model, loaded as a server loads it, and compared with the network."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.framework import kernels

from export import exporter, warmup
from export.inference import PART
from tests.export.conftest import DATA

LOADER = Path(__file__).with_name("load_as_server.py")
FLOAT, STRING, INT64 = 1, 7, 9  # DataType of TensorFlow's protocol buffers
OUTPUTS = {
    "probabilities": [FLOAT, [-1, 3]],
    "logits": [FLOAT, [-1, 3]],
    "classes": [INT64, [-1]],
    "labels": [STRING, [-1]],
}


def damaged_images(pictures):
    """Images that are cut off, changed or no images at all."""
    png, jpeg = (f(pictures[0]).numpy() for f in (tf.io.encode_png, tf.io.encode_jpeg))
    changed = bytearray(png)
    changed[len(png) // 2] ^= 255
    cut = [data[: len(data) * part // 8] for data in (png, jpeg) for part in range(1, 8)]
    return [b"", b"not an image", bytes(changed), *cut]


@pytest.fixture(
    scope="module",
    params=["1", pytest.param("2", marks=pytest.mark.slow)],
    ids=["on-cpu", "on-gpu"],
)
def version(exported_model_dir, request):
    """The directory of the version for one kind of device."""
    return exported_model_dir / request.param


@pytest.fixture(scope="module")
def answers(version, pictures, tmp_path_factory):
    """What a fresh interpreter answered, and what it printed."""
    directory = tmp_path_factory.mktemp("answers")
    requests, results = directory / "requests.npz", directory / "answers.npz"
    encoded = [tf.io.encode_png(picture).numpy() for picture in pictures]
    examples = [warmup.example(image).SerializeToString() for image in encoded]
    np.savez(
        requests,
        **{
            "serving_default/images": pictures.astype(np.float32),
            "predict_bytes/image_bytes": np.array(encoded, object),
            "classify/inputs": np.array(examples, object),
            "damaged/image_bytes": np.array(damaged_images(pictures), object),
        },
    )
    command = [sys.executable, "-I", LOADER, version, requests, results]
    printed = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    assert printed.returncode == 0, printed.stderr[-3000:]
    with np.load(results, allow_pickle=True) as arrays:
        return dict(arrays), json.loads(printed.stdout)


@pytest.fixture(scope="module")
def loaded(version):
    """The exported model, loaded by TensorFlow 2."""
    return tf.saved_model.load(str(version))


@pytest.fixture(scope="module")
def expected(trained_run, pictures):
    """The logits of the Keras model."""
    return trained_run.logits(pictures)


def test_nothing_of_ours_is_needed(answers):
    assert answers[1]["ours"] == []  # and Keras cannot be imported there


@pytest.mark.parametrize("signature", ["serving_default", "predict_bytes"])
def test_predictions_are_those_of_the_network(answers, expected, signature):
    arrays = {k.split("/")[1]: v for k, v in answers[0].items() if k.startswith(f"{signature}/")}
    assert np.abs(expected).max() > 0.1  # else the comparison would say little
    np.testing.assert_allclose(arrays["logits"], expected, atol=1e-4)
    np.testing.assert_allclose(arrays["probabilities"], tf.nn.softmax(expected), atol=1e-5)
    np.testing.assert_array_equal(arrays["classes"], expected.argmax(1))
    names = [DATA["class_names"][i] for i in expected.argmax(1)]
    assert [label.decode() for label in arrays["labels"]] == names


def test_classify_gives_all_classes_in_order(answers, expected):
    names = [[name.decode() for name in row] for row in answers[0]["classify/classes"]]
    assert names == [DATA["class_names"]] * len(expected)
    np.testing.assert_allclose(answers[0]["classify/scores"], tf.nn.softmax(expected), atol=1e-5)


def test_signatures(answers):
    signatures = answers[1]["signatures"]
    predict = "tensorflow/serving/predict"
    assert signatures["serving_default"] == {
        "method": predict,
        "inputs": {"images": [FLOAT, [-1, 8, 12, 3]]},
        "outputs": OUTPUTS,
    }
    assert signatures["predict_bytes"] == {
        "method": predict,
        "inputs": {"image_bytes": [STRING, [-1]]},
        "outputs": OUTPUTS,
    }
    assert signatures["classify"] == {
        "method": "tensorflow/serving/classify",
        "inputs": {"inputs": [STRING, [-1]]},
        "outputs": {"classes": [STRING, [-1, 3]], "scores": [FLOAT, [-1, 3]]},
    }


def test_warmup_records_can_be_replayed(answers):
    names = ("serving_default", "predict_bytes", "classify")
    every = [[name, size] for size in warmup.BATCH_SIZES for name in names]
    assert answers[1]["replayed"] == every


def test_damaged_images_are_errors_and_change_nothing(answers, expected):
    assert set(answers[1]["errors"]) == {"InvalidArgumentError"}
    np.testing.assert_allclose(answers[0]["after/logits"], expected, atol=1e-4)


def test_the_graph_is_made_for_inference(answers):
    operations = answers[1]["operations"]
    assert "MatMul" in operations
    unwanted = ("BatchNorm", "Dropout", "Random", "Xla", "Variable")
    found = [name for name in operations if any(each in name for each in unwanted)]
    assert found == []


def test_class_names_are_an_asset(version):
    names = (version / "assets/classes.txt").read_text("utf-8").splitlines()
    assert names == DATA["class_names"]


def test_other_sizes_are_resized_as_the_training_images_were(loaded, trained_run):
    large = np.random.default_rng(1).integers(0, 256, (32, 24, 3), np.uint8)
    resized = tf.round(tf.image.resize(large[None], (8, 12), antialias=True))
    image_bytes = tf.io.encode_png(large)[None]
    received = loaded.signatures["predict_bytes"](image_bytes=image_bytes)["logits"]
    np.testing.assert_allclose(received, trained_run.logits(resized), atol=1e-4)


@pytest.mark.parametrize("count", [PART, PART + 1, 2 * PART + 3])
def test_any_number_of_images_keeps_its_order(loaded, trained_run, count):
    images = np.random.default_rng(2).integers(0, 256, (count, 8, 12, 3)).astype(np.float32)
    received = loaded.signatures["serving_default"](images=tf.constant(images))["logits"]
    np.testing.assert_allclose(received, trained_run.logits(images), atol=1e-4)


def test_an_empty_batch_is_answered(loaded):
    received = loaded.signatures["predict_bytes"](image_bytes=tf.constant([], tf.string))
    assert {name: tuple(each.shape) for name, each in received.items()} == {
        "probabilities": (0, 3),
        "logits": (0, 3),
        "classes": (0,),
        "labels": (0,),
    }


def test_the_middle_is_shown_if_tests_showed_it(trained_run):
    served = exporter.served_model(trained_run.network, DATA, centre=True)
    large = np.random.default_rng(1).integers(0, 256, (64, 96, 3)).astype(np.uint8)
    received = served.signatures()["predict_bytes"](image_bytes=tf.io.encode_png(large)[None])
    middle = large[4:60, 6:90]  # 224/256 of each side
    resized = tf.round(tf.image.resize(middle[None], (8, 12), antialias=True))
    np.testing.assert_allclose(received["logits"], trained_run.logits(resized), atol=1e-4)


def nodes_of(version, signature):
    """The nodes of a signature's graph and of all functions in it."""
    graph = tf.saved_model.load(str(version)).signatures[signature].graph.as_graph_def()
    nodes = [*graph.node, *(node for each in graph.library.function for node in each.node_def)]
    return [node for node in nodes if node.op != "Placeholder"]


@pytest.mark.parametrize(("number", "loops"), [("1", ["StatelessWhile"]), ("2", [])])
def test_only_the_form_for_a_cpu_has_a_loop_over_parts(exported_model_dir, number, loops):
    nodes = nodes_of(exported_model_dir / number, "serving_default")
    assert [node.op for node in nodes if "While" in node.op] == loops


def has_gpu_kernel(node):
    """Whether TensorFlow has a kernel on GPUs for the node's operation and types."""
    return any(
        kernel.device_type in ("GPU", "DEFAULT")
        and all(node.attr[c.name].type in c.allowed_values.list.type for c in kernel.constraint)
        for kernel in kernels.get_registered_kernels_for_op(node.op).kernel
    )


@pytest.mark.parametrize(
    ("signature", "strings"),
    [
        ("serving_default", {"Const", "GatherV2"}),  # names of the classes
        ("predict_bytes", {"Const", "GatherV2"}),
        ("classify", {"Const", "Tile", "ParseExampleV2"}),
    ],
)
def test_the_form_for_a_gpu_computes_all_but_strings_there(exported_model_dir, signature, strings):
    nodes = [node for node in nodes_of(exported_model_dir / "2", signature) if not node.device]
    found = {node.op for node in nodes}
    assert {"Conv2D", "DepthwiseConv2dNative", "AvgPool", "MaxPool", "MatMul", "Softmax"} <= found
    assert {node.op for node in nodes if not has_gpu_kernel(node)} == strings


@pytest.mark.parametrize("signature", ["predict_bytes", "classify"])
def test_images_are_decoded_on_the_cpu(exported_model_dir, signature):
    nodes = [node for node in nodes_of(exported_model_dir / "2", signature) if node.device]
    assert {node.device for node in nodes} == {"/device:CPU:0"}
    assert {"StatelessWhile", "DecodeImage", "ScaleAndTranslate"} <= {node.op for node in nodes}
