"""gRPC servers that answer oddly: one line each time, and nothing else."""

import logging
import time

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import classification_pb2, get_model_status_pb2, predict_pb2

from export import client_grpc
from pdarts_tf.errors import InputError, RunError
from tests.export import odd_grpc, odd_rest
from tests.export.odd_rest import ESCAPES, check_line

END, AVAILABLE = 50, 30


def model(answer, timeout=5.0):
    """Asks for the versions of a model."""
    with odd_grpc.serve(answer) as port:
        return client_grpc.GrpcModel("127.0.0.1", port, "m", timeout=timeout)


@pytest.mark.parametrize("code", [each for each in grpc.StatusCode if each.name != "OK"])
def test_every_failure_is_one_line(code):
    with pytest.raises((InputError, RunError)) as error:
        model(lambda method, context: context.abort(code, ESCAPES))
    expected = r"\x1b[2J\x1b]0;title\x07 second line"
    check_line(error, "--timeout" if code.name == "DEADLINE_EXCEEDED" else expected)


def one_version(**values):
    response = get_model_status_pb2.GetModelStatusResponse()
    response.model_version_status.add(**values).status.error_message = ESCAPES
    return response.SerializeToString()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"\xff\xff\xff", "(INTERNAL): "),
        (b"", "it knows no version"),
        (b"\x0a" + bytes(17 * 2**20), "larger than max"),
        (one_version(version=1, state=99), r"version 1 is 99 (\x1b[2J"),
        (one_version(version=1, state=END), r"version 1 is END (\x1b[2J"),
        (one_version(version=-5, state=AVAILABLE), "has -5 for the number of a version"),
    ],
    ids=["no message", "empty", "too large", "unknown state", "ended", "negative"],
)
def test_an_odd_status_is_one_line(content, expected, caplog):
    with pytest.raises(RunError) as error:
        model(lambda method, context: content)
    check_line(error, expected)
    assert not [each for each in caplog.records if each.levelno >= logging.WARNING]


def test_an_answer_that_takes_too_long():
    start = time.monotonic()
    with pytest.raises(RunError) as error:
        model(lambda method, context: time.sleep(1.0), timeout=0.3)
    assert time.monotonic() - start < 3.0
    check_line(error, "within 0.3 s")


@pytest.mark.parametrize("content", [odd_rest.http(b"{}"), b"\0" * 99, b""])
def test_a_server_that_speaks_something_else(content):
    with odd_rest.serve(lambda request: [content]) as port, pytest.raises(RunError) as error:
        client_grpc.GrpcModel("127.0.0.1", port, "m", timeout=5)
    check_line(error, f"no TensorFlow Serving at 127.0.0.1:{port}: ")


def tensor(values=((0.5, 0.5),), size=None, **changes):
    """A protocol buffer of probabilities, odd in some way."""
    made = tf.make_tensor_proto(np.asarray(values))
    if made.dtype == tf.float64.as_datatype_enum:
        made = tf.make_tensor_proto(np.asarray(values, np.float32))
    if size is not None:
        made.tensor_shape.dim[1].size = size
    for name, value in changes.items():
        setattr(made, name, value)
    return made


SHAPE = "has probabilities of shape"
TYPE = "probabilities of another type than float32"
TENSORS = {
    "vector": (tensor((0.5, 0.5)), f"{SHAPE} [2] for one image"),
    "scalar": (tensor(0.5), f"{SHAPE} [] for one image"),
    "two": (tensor(((0.5,), (0.5,))), f"{SHAPE} [2, 1] for one image"),
    "none": (tensor(np.zeros((1, 0))), f"{SHAPE} [1, 0]"),
    "texts": (tensor(((b"\x1b[2J",),)), TYPE),
    "integers": (tensor(((1, 0),)), TYPE),
    "no type": (tensor(dtype=0), TYPE),
    "unknown type": (tensor(dtype=77), TYPE),
    "NaN": (tensor(((np.nan, 0.5),)), "has nan for a probability"),
    "negative": (tensor(((-1.0, 2.0),)), "has -1.0 for a probability"),
    "huge": (tensor(size=10**12), f"{SHAPE} [1, 1000000000000]"),
    "negative size": (tensor(size=-1), f"{SHAPE} [1, -1]"),
    "too few": (tensor(size=3), "cannot be read"),
    "part of a number": (tensor(tensor_content=b"abc"), "cannot be read"),
    "no content": (tensor(tensor_content=b""), "has 0 of 2 probabilities"),
}


def predicts(proto):
    response = predict_pb2.PredictResponse()
    if proto is not None:
        response.outputs["probabilities"].CopyFrom(proto)
    content = response.SerializeToString()
    return lambda method, context: odd_grpc.ready() if method == "GetModelStatus" else content


@pytest.mark.parametrize(
    ("proto", "expected"), [(None, "no probabilities"), *TENSORS.values()], ids=["-", *TENSORS]
)
def test_odd_probabilities_are_one_line(proto, expected):
    with odd_grpc.serve(predicts(proto)) as port:
        asked = client_grpc.GrpcModel("127.0.0.1", port, "m", timeout=5)
        with pytest.raises(RunError) as error:
            asked.predict(b"image")
    check_line(error, expected)


def test_probabilities_in_either_form_of_the_protocol_are_read():
    listed = tensor(tensor_content=b"")
    listed.float_val.extend([0.25, 0.75])
    for proto, expected in ((tensor(), [0.5, 0.5]), (listed, [0.25, 0.75])):
        with odd_grpc.serve(predicts(proto)) as port:
            asked = client_grpc.GrpcModel("127.0.0.1", port, "m", timeout=5)
            assert asked.predict(b"image") == expected


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        ([], "0 classifications for one image"),
        ([[], []], "2 classifications for one image"),
        ([[]], "has [] for the classes"),
        ([[("a", np.nan)]], "has nan for a probability"),
    ],
)
def test_odd_classes_are_one_line(results, expected):
    response = classification_pb2.ClassificationResponse()
    for classes in results:
        row = response.result.classifications.add()
        for label, score in classes:
            row.classes.add(label=label, score=score)

    def answer(method, context):
        return odd_grpc.ready() if method == "GetModelStatus" else response.SerializeToString()

    with odd_grpc.serve(answer) as port:
        asked = client_grpc.GrpcModel("127.0.0.1", port, "m", timeout=5)
        with pytest.raises(RunError) as error:
            asked.classify(b"image")
    check_line(error, expected)


@pytest.mark.parametrize("variable", ["grpc_proxy", "https_proxy", "http_proxy"])
def test_this_machine_is_asked_without_a_proxy(monkeypatch, variable):
    monkeypatch.setenv(variable, "http://192.0.2.1:3128")
    assert model(lambda method, context: odd_grpc.ready()).version == 1


def test_a_proxy_is_named(monkeypatch):
    with odd_rest.serve(lambda request: [odd_rest.http(b"", "403 Forbidden")]) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"user:secret@127.0.0.1:{proxy}")
        with pytest.raises(RunError) as error:
            client_grpc.GrpcModel("server.invalid", 80, "m", timeout=5)
    check_line(error, f"through the proxy 127.0.0.1:{proxy}, which the environment names")
    assert "secret" not in str(error.value)
