"""Stands in for tensorflow_model_server: what the tests use of its protocols, over real sockets.

    with serve(name=directory) as server:
        requests.get(server.rest + "/v1/models/name")

It does no batching and no warm-up.
"""

import contextlib
import http.server
import threading
from collections.abc import Iterator
from concurrent import futures
from dataclasses import dataclass
from pathlib import Path

import grpc
import tensorflow as tf
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from tests.export.fake_models import FAILED_PRECONDITION, Failure, Models
from tests.export.fake_rest import RestHandler

_DEFAULT_SIGNATURE = "serving_default"
_CODES = {code.value[0]: code for code in grpc.StatusCode}


@dataclass
class Server:
    """Where a server listens; `models` has the requests that a stand-in has got."""

    rest_port: int
    grpc_port: int
    models: Models | None = None

    @property
    def rest(self) -> str:
        """The address of the REST API."""
        return f"http://127.0.0.1:{self.rest_port}"


class _Predictions(prediction_service_pb2_grpc.PredictionServiceServicer):
    def __init__(self, models):
        self._models = models

    def Predict(self, request, context):
        with _aborting(context):
            spec = request.model_spec
            number, servable = self._find(spec, "grpc predict")
            name = spec.signature_name or _DEFAULT_SIGNATURE
            if name not in servable.signatures:
                raise Failure(FAILED_PRECONDITION, f'Serving signature key "{name}" not found.')
            inputs = {key: tf.make_ndarray(value) for key, value in request.inputs.items()}
            response = predict_pb2.PredictResponse()
            _describe(response.model_spec, spec.name, number, name)
            for key, value in servable.run(name, inputs).items():
                response.outputs[key].CopyFrom(tf.make_tensor_proto(value))
            return response

    def Classify(self, request, context):
        with _aborting(context):
            spec = request.model_spec
            number, servable = self._find(spec, "grpc classify")
            examples = request.input.example_list.examples
            name = spec.signature_name or _DEFAULT_SIGNATURE
            serialized = [example.SerializeToString() for example in examples]
            response = classification_pb2.ClassificationResponse()
            _describe(response.model_spec, spec.name, number, name)
            for labels, scores in zip(*servable.classify(name, serialized), strict=True):
                classes = response.result.classifications.add().classes
                for label, score in zip(labels, scores, strict=True):
                    classes.add(label=label.decode(), score=score)
            return response

    def GetModelMetadata(self, request, context):
        with _aborting(context):
            number, servable = self._find(request.model_spec, "grpc metadata")
            signatures = get_model_metadata_pb2.SignatureDefMap(signature_def=servable.signatures)
            response = get_model_metadata_pb2.GetModelMetadataResponse()
            _describe(response.model_spec, request.model_spec.name, number, "")
            response.metadata["signature_def"].Pack(signatures)
            return response

    def _find(self, spec, request):
        version = spec.version.value if spec.HasField("version") else None
        return self._models.find(spec.name, version, request)


class _ModelStatus(model_service_pb2_grpc.ModelServiceServicer):
    def __init__(self, models):
        self._models = models

    def GetModelStatus(self, request, context):
        with _aborting(context):
            return self._models.status(request.model_spec.name)


@contextlib.contextmanager
def _aborting(context):
    try:
        yield
    except Failure as failure:
        context.abort(_CODES[failure.code], str(failure))


def _describe(spec, name, number, signature):
    spec.name, spec.version.value, spec.signature_name = name, number, signature


@contextlib.contextmanager
def serve(**directories: Path) -> Iterator[Server]:
    """Serves models, each from a directory of versions, until the block ends."""
    models = Models(directories)
    handler = type("Handler", (RestHandler,), {"models": models})
    rest = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=rest.serve_forever, args=(0.05,))
    thread.start()
    grpc_server = grpc.server(futures.ThreadPoolExecutor(2))
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
        _Predictions(models), grpc_server
    )
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(_ModelStatus(models), grpc_server)
    grpc_port = grpc_server.add_insecure_port("127.0.0.1:0")
    grpc_server.start()
    try:
        yield Server(rest.server_address[1], grpc_port, models)
    finally:
        grpc_server.stop(None).wait()
        rest.shutdown()
        thread.join()
        rest.server_close()
