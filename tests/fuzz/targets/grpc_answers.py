"""Answers of servers over gRPC, as they come over the wire."""

from pathlib import Path
from types import SimpleNamespace

import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow_serving.apis import classification_pb2, get_model_status_pb2, predict_pb2

from export import client_model
from export.client_grpc import GrpcModel
from pdarts_tf.errors import InputError, RunError
from tests.export.odd_grpc import ready
from tests.fuzz.targets import Target

_CALLS = ("status", "predict", "classify")


def _good() -> dict[str, bytes]:
    predicted = predict_pb2.PredictResponse()
    values = tf.constant([[0.25, 0.75]])
    predicted.outputs["probabilities"].CopyFrom(tf.make_tensor_proto(values))
    classified = classification_pb2.ClassificationResponse()
    classes = classified.result.classifications.add().classes
    for label, score in (("cat", 0.25), ("dog", 0.75)):
        classes.add(label=label, score=score)
    return {
        "status": ready(),
        "predict": predicted.SerializeToString(),
        "classify": classified.SerializeToString(),
    }


def make(scratch: Path) -> Target:
    """See `Target`; the first byte says which answer the rest is."""
    del scratch
    good = _good()

    def read(data: bytes) -> str:
        call = _CALLS[data[0] % len(_CALLS)] if data else "status"
        answers = good | {call: data[1:]}
        model = _model(answers)
        model.version = client_model.choose_version("cats", model._statuses(), None)
        probabilities = model.predict(b"image")
        names, scores = model.classify(b"image")
        for each in [*probabilities, *scores]:
            assert 0 <= each <= 1.001
        assert all(isinstance(name, str) for name in names)
        return "read"

    seeds = [bytes([number]) + good[call] for number, call in enumerate(_CALLS)]
    return Target(seeds, read, (InputError, RunError, DecodeError))


def _model(answers: dict[str, bytes]) -> GrpcModel:
    """A model whose answers are given; gRPC itself refuses those that cannot be parsed."""

    def answering(kind, call):
        return lambda request, timeout: kind.FromString(answers[call])

    model = GrpcModel.__new__(GrpcModel)
    model._server = client_model.Server("localhost:1", "cats", 1.0, None)
    status = get_model_status_pb2.GetModelStatusResponse
    model._models = SimpleNamespace(GetModelStatus=answering(status, "status"))
    model._predictions = SimpleNamespace(
        Predict=answering(predict_pb2.PredictResponse, "predict"),
        Classify=answering(classification_pb2.ClassificationResponse, "classify"),
    )
    model.version = 0
    return model
