"""A model behind TensorFlow Serving's gRPC API.

Importing this module takes as long as importing TensorFlow, whose protocol buffers it needs.
"""

import logging
from collections.abc import Callable
from typing import Any

import grpc
import tensorflow as tf
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from export import client_answers, client_model, warmup
from pdarts_tf.errors import printable

_PROXIES = ("grpc", "https", "http")
# It logs a traceback where an answer cannot be parsed, beside the error that says so.
logging.getLogger("grpc").setLevel(logging.CRITICAL)


class GrpcModel:
    """One version of a model on a server; see `client_model.Model`.

    Args:
        host: Name or address of the server.
        port: Port of its gRPC API.
        model: Name of the model on the server.
        version: Version to ask, or None for the newest that is ready.
        timeout: Seconds that an answer may take.

    Raises:
        InputError: If the server does not have this model or version, or the host is no name.
        RunError: If there is no such server, or it does not answer.
    """

    def __init__(
        self,
        host: str,
        port: int,
        model: str,
        *,
        version: int | None = None,
        timeout: float = 10.0,
    ) -> None:
        proxy = client_model.environment_proxy(host, _PROXIES)
        if proxy is not None and not proxy.startswith("http://"):
            proxy = None  # gRPC knows no others
        address = client_model.network_address(host, port)
        self._server = client_model.Server(address, model, timeout, proxy)
        options: dict[str, Any] = {
            "grpc.enable_http_proxy": int(proxy is not None),
            **({} if proxy is None else {"grpc.http_proxy": proxy}),
            "grpc.max_receive_message_length": client_model.MOST_BYTES,
        }
        channel = grpc.insecure_channel(address, list(options.items()))
        self._models = model_service_pb2_grpc.ModelServiceStub(channel)
        self._predictions = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        self.version = client_model.choose_version(model, self._statuses(), version)

    def __str__(self) -> str:
        name, address = printable(self._server.model), self._server.address
        return f"{name}, version {self.version}, at {address} (gRPC)"

    def predict(self, image: bytes) -> list[float]:
        """Returns the probability of every class, from the signature predict_bytes."""
        # All outputs are asked for: the server warms up once per set of outputs, and has for this.
        request = self._addressed(predict_pb2.PredictRequest(), client_model.PREDICT)
        request.inputs[client_model.PREDICT_INPUT].CopyFrom(tf.make_tensor_proto([image]))
        outputs = self._ask(self._predictions.Predict, request).outputs
        if client_model.PREDICT_OUTPUT not in outputs:
            raise self._server.unexpected(f"no {client_model.PREDICT_OUTPUT}")
        return self._probabilities(outputs[client_model.PREDICT_OUTPUT])

    def _probabilities(self, tensor: Any) -> list[float]:
        """Returns the probabilities of a protocol buffer, which may claim any type and shape."""
        sizes = [dim.size for dim in tensor.tensor_shape.dim]
        # The size first: a tensor that repeats one value is made as large as it claims to be.
        if len(sizes) != 2 or sizes[0] != 1 or not 0 < sizes[1] < client_model.MOST_BYTES // 4:
            raise self._server.unexpected(f"probabilities of shape {sizes} for one image")
        if tensor.dtype != tf.float32.as_datatype_enum:
            raise self._server.unexpected("probabilities of another type than float32")
        # make_ndarray would fill up missing ones.
        if not tensor.tensor_content and len(tensor.float_val) != sizes[1]:
            raise self._server.unexpected(f"{len(tensor.float_val)} of {sizes[1]} probabilities")
        try:
            (row,) = tf.make_ndarray(tensor).tolist()
        except ValueError as error:
            raise self._server.unreadable(str(error)) from error
        return client_answers.probabilities(self._server, row)

    def classify(self, image: bytes) -> tuple[list[str], list[float]]:
        """Returns names and probabilities of all classes, from the signature classify."""
        request = self._addressed(classification_pb2.ClassificationRequest(), client_model.CLASSIFY)
        request.input.example_list.examples.append(warmup.example(image))
        result = self._ask(self._predictions.Classify, request).result
        found = client_answers.only(self._server, list(result.classifications), "classifications")
        pairs = [[each.label, each.score] for each in found.classes]
        return client_answers.classes(self._server, pairs)

    def _statuses(self) -> list[client_model.VersionStatus]:
        request = get_model_status_pb2.GetModelStatusRequest()
        request.model_spec.name = self._server.model
        states = get_model_status_pb2.ModelVersionStatus.State
        return [
            client_answers.version_status(
                self._server,
                each.version,
                # A later server may have more states than this client knows.
                states.Name(each.state) if each.state in states.values() else str(each.state),
                each.status.error_message,
            )
            for each in self._ask(self._models.GetModelStatus, request).model_version_status
        ]

    def _addressed(self, request: Any, signature: str) -> Any:
        """Returns the request, with the signature and version of the model that it is for."""
        request.model_spec.name = self._server.model
        request.model_spec.version.value = self.version
        request.model_spec.signature_name = signature
        return request

    def _ask(self, method: Callable[..., Any], request: Any) -> Any:
        try:
            return method(request, timeout=self._server.timeout)
        except grpc.RpcError as error:
            raise self._server.error(error.code().name, error.details()) from error
