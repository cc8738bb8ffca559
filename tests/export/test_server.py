"""The exported model behind TensorFlow Serving: every API that its users have.

Each test runs with a real tensorflow_model_server if there is one on PATH, and always with the
stand-in of fake_server.py, which loads and runs the model the same way.
"""

import base64
import shutil
import subprocess

import grpc
import numpy as np
import pytest
import requests
import tensorflow as tf
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from export import client_check, client_grpc, client_model, client_rest
from tests.export import fake_server, model_server

NAME = "pdarts"
REAL = model_server.PROGRAM
TOLERANCE = 1e-4
DAMAGED = b"\x89PNG\r\n\x1a\n and no more"


def noise(seed, size, encode):
    """An encoded image of random pixels."""
    pixels = np.random.default_rng(seed).integers(0, 256, (*size, 3), np.uint8)
    return encode(pixels).numpy()


IMAGES = [
    noise(0, (20, 30), tf.io.encode_png),
    noise(1, (8, 8), tf.io.encode_jpeg),
    noise(2, (64, 64), tf.io.encode_png),
]


@pytest.fixture(scope="module")
def two_versions(exported_model_dir, tmp_path_factory):
    """A directory with nothing but the exported model, as versions 1 and 2."""
    directory = tmp_path_factory.mktemp("served")
    for number in ("1", "2"):
        shutil.copytree(exported_model_dir / number, directory / number)
    return directory


@pytest.fixture(scope="module", params=["stand-in", *([] if model_server.IS_MISSING else [REAL])])
def serve(request):
    """Starts a server of one kind for a directory of versions."""
    if request.param == REAL:
        return lambda directory: model_server.serve(NAME, directory)
    return lambda directory: fake_server.serve(**{NAME: directory})


@pytest.fixture(scope="module")
def server(serve, two_versions):
    """A server with two versions of the model."""
    with serve(two_versions) as running:
        yield running


@pytest.fixture(scope="module")
def local(two_versions):
    """The same model in this process."""
    return client_check.LocalModel(str(two_versions), 2)


@pytest.fixture(scope="module")
def expected(local):
    """Probabilities of IMAGES, computed in this process."""
    return [local.predict(image) for image in IMAGES]


def post(server, method, body, version=""):
    """The status and content of the server's answer."""
    url = f"{server.rest}/v1/models/{NAME}{version}:{method}"
    response = requests.post(url, json=body, timeout=60)
    return response.status_code, response.json()


def binary(image):
    return {"b64": base64.b64encode(image).decode()}


def predict_request(*images, version=None):
    request = predict_pb2.PredictRequest()
    request.model_spec.name = NAME
    request.model_spec.signature_name = "predict_bytes"
    if version is not None:
        request.model_spec.version.value = version
    request.inputs["image_bytes"].CopyFrom(tf.make_tensor_proto(list(images)))
    return request


@pytest.fixture
def predictions(server):
    """A gRPC stub."""
    with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel:
        yield prediction_service_pb2_grpc.PredictionServiceStub(channel)


@pytest.mark.skipif(model_server.IS_MISSING, reason=model_server.HOW_TO_GET)
def test_a_real_server_takes_part():
    result = subprocess.run([REAL, "--version"], capture_output=True, text=True, check=True)
    assert "TensorFlow ModelServer" in result.stdout


def test_rest_predicts_rows(server, expected):
    rows = [{"image_bytes": binary(image)} for image in IMAGES]
    status, answer = post(server, "predict", {"signature_name": "predict_bytes", "instances": rows})
    assert status == 200, answer
    found = [row["probabilities"] for row in answer["predictions"]]
    np.testing.assert_allclose(found, expected, atol=TOLERANCE)
    assert [row["classes"] for row in answer["predictions"]] == np.argmax(expected, -1).tolist()


def test_rest_predicts_columns(server, expected, two_versions):
    columns = {"image_bytes": [binary(image) for image in IMAGES]}
    status, answer = post(server, "predict", {"signature_name": "predict_bytes", "inputs": columns})
    assert status == 200, answer
    np.testing.assert_allclose(answer["outputs"]["probabilities"], expected, atol=TOLERANCE)
    names = (two_versions / "2/assets/classes.txt").read_text("utf-8").splitlines()
    assert answer["outputs"]["labels"] == [names[best] for best in np.argmax(expected, -1)]


def test_rest_predicts_from_pixels(server, two_versions):
    signature = tf.saved_model.load(str(two_versions / "2")).signatures["serving_default"]
    spec = signature.structured_input_signature[1]["images"]
    pixels = np.random.default_rng(3).integers(0, 256, (2, *spec.shape[1:]))
    status, answer = post(server, "predict", {"instances": pixels.tolist()})
    assert status == 200, answer
    wanted = signature(images=tf.cast(pixels, spec.dtype))["logits"]
    found = [row["logits"] for row in answer["predictions"]]
    np.testing.assert_allclose(found, wanted, atol=TOLERANCE)


def test_rest_classifies(server, expected, two_versions):
    examples = [{"image/encoded": binary(image)} for image in IMAGES]
    status, answer = post(server, "classify", {"signature_name": "classify", "examples": examples})
    assert status == 200, answer
    names = (two_versions / "2/assets/classes.txt").read_text("utf-8").splitlines()
    assert [[name for name, _ in row] for row in answer["results"]] == [names] * len(IMAGES)
    scores = [[score for _, score in row] for row in answer["results"]]
    np.testing.assert_allclose(scores, expected, atol=TOLERANCE)


def test_rest_tells_the_status(server):
    answer = requests.get(f"{server.rest}/v1/models/{NAME}", timeout=60).json()
    states = {each["version"]: each["state"] for each in answer["model_version_status"]}
    assert states == {"1": "AVAILABLE", "2": "AVAILABLE"}


def test_rest_tells_the_metadata(server):
    url = f"{server.rest}/v1/models/{NAME}/versions/1/metadata"
    answer = requests.get(url, timeout=60).json()
    assert answer["model_spec"]["version"] == "1"
    signatures = answer["metadata"]["signature_def"]["signature_def"]
    assert {"serving_default", "predict_bytes", "classify"} <= signatures.keys()
    assert signatures["classify"]["method_name"] == "tensorflow/serving/classify"
    shape = signatures["predict_bytes"]["inputs"]["image_bytes"]["tensor_shape"]
    assert [dim["size"] for dim in shape["dim"]] == ["-1"]


def test_grpc_predicts(predictions, expected):
    answer = predictions.Predict(predict_request(*IMAGES), timeout=60)
    found = tf.make_ndarray(answer.outputs["probabilities"])
    np.testing.assert_allclose(found, expected, atol=TOLERANCE)


def test_grpc_tells_the_metadata(predictions):
    request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
    request.model_spec.name = NAME
    answer = predictions.GetModelMetadata(request, timeout=60)
    assert answer.model_spec.version.value == 2
    signatures = get_model_metadata_pb2.SignatureDefMap()
    assert answer.metadata["signature_def"].Unpack(signatures)
    assert {"serving_default", "predict_bytes", "classify"} <= set(signatures.signature_def)


def test_each_of_two_versions_answers(predictions):
    for asked, answering in ((1, 1), (2, 2), (None, 2)):
        answer = predictions.Predict(predict_request(IMAGES[0], version=asked), timeout=60)
        assert answer.model_spec.version.value == answering


def test_a_version_that_is_not_served_is_not_found(server):
    body = {"signature_name": "predict_bytes", "instances": [binary(IMAGES[0])]}
    status, answer = post(server, "predict", body, "/versions/7")
    assert status == 404
    assert "Servable not found" in answer["error"]


def test_a_new_version_is_loaded_while_the_server_runs(serve, two_versions, tmp_path):
    directory = tmp_path / "models"
    shutil.copytree(two_versions / "1", directory / "1")
    shutil.copytree(two_versions / "2", tmp_path / "new")
    with serve(directory) as server:
        address = f"127.0.0.1:{server.grpc_port}"
        with grpc.insecure_channel(address) as channel:
            stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
            before = stub.Predict(predict_request(IMAGES[0]), timeout=60)
            (tmp_path / "new").rename(directory / "2")
            model_server.wait_until_ready(server, NAME, 2)
            after = stub.Predict(predict_request(IMAGES[0]), timeout=60)
    assert before.model_spec.version.value == 1
    assert after.model_spec.version.value == 2


def test_rest_refuses_a_damaged_image_and_goes_on(server, expected):
    def predict(image):
        body = {"signature_name": "predict_bytes", "instances": [binary(image)]}
        return post(server, "predict", body)

    status, answer = predict(DAMAGED)
    assert status == 400
    assert answer["error"]
    status, answer = predict(IMAGES[0])
    assert status == 200
    found = answer["predictions"][0]["probabilities"]
    np.testing.assert_allclose(found, expected[0], atol=TOLERANCE)


def test_grpc_refuses_a_damaged_image_and_goes_on(predictions, expected):
    with pytest.raises(grpc.RpcError) as refusal:
        predictions.Predict(predict_request(IMAGES[0], DAMAGED), timeout=60)
    assert refusal.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    answer = predictions.Predict(predict_request(IMAGES[0]), timeout=60)
    found = tf.make_ndarray(answer.outputs["probabilities"])[0]
    np.testing.assert_allclose(found, expected[0], atol=TOLERANCE)


@pytest.mark.parametrize("way", ["row", "column", "grpc"])
def test_the_client_asks_it(server, local, way):
    model: client_model.Model
    if way == "grpc":
        model = client_grpc.GrpcModel("127.0.0.1", server.grpc_port, NAME, timeout=60)
    else:
        model = client_rest.RestModel(
            "127.0.0.1", server.rest_port, NAME, request_format=way, timeout=60
        )
    assert model.version == 2
    for image in IMAGES:
        wanted_names, wanted = local.classify(image)
        names, scores = model.classify(image)
        assert names == wanted_names
        np.testing.assert_allclose(scores, wanted, atol=TOLERANCE)
        np.testing.assert_allclose(model.predict(image), wanted, atol=TOLERANCE)
    with pytest.raises(client_model.Refused):
        model.predict(DAMAGED)
