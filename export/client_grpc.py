"""A model behind TensorFlow Serving's gRPC API.

Importing this module takes as long as importing TensorFlow, whose protocol buffers it needs.
"""

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

from export import client_model, warmup


class GrpcModel:
    """One version of a model on a server; see `client_model.Model`.

    Args:
        host: Name or address of the server.
        port: Port of its gRPC API.
        model: Name of the model on the server.
        version: Version to ask, or None for the newest that is ready.
        timeout: Seconds to wait for an answer.

    Raises:
        InputError: If the server does not have this model or version.
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
        self._server = client_model.Server(f"{host}:{port}", model, timeout)
        channel = grpc.insecure_channel(self._server.address)
        self._models = model_service_pb2_grpc.ModelServiceStub(channel)
        self._predictions = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        self.version = client_model.choose_version(model, self._statuses(), version)

    def __str__(self) -> str:
        return f"{self._server.model}, version {self.version}, at {self._server.address} (gRPC)"

    def predict(self, image: bytes) -> list[float]:
        """Returns the probability of every class, from the signature predict_bytes."""
        # All outputs are asked for: the server warms up once per set of outputs, and has for this.
        request = self._addressed(predict_pb2.PredictRequest(), client_model.PREDICT)
        request.inputs[client_model.PREDICT_INPUT].CopyFrom(tf.make_tensor_proto([image]))
        outputs = self._ask(self._predictions.Predict, request).outputs
        if client_model.PREDICT_OUTPUT not in outputs:
            raise self._server.unexpected(client_model.PREDICT_OUTPUT)
        values = tf.make_ndarray(outputs[client_model.PREDICT_OUTPUT])
        probabilities: list[float] = values[0].tolist()
        return probabilities

    def classify(self, image: bytes) -> tuple[list[str], list[float]]:
        """Returns names and probabilities of all classes, from the signature classify."""
        request = self._addressed(classification_pb2.ClassificationRequest(), client_model.CLASSIFY)
        request.input.example_list.examples.append(warmup.example(image))
        result = self._ask(self._predictions.Classify, request).result
        classes = result.classifications[0].classes
        return [each.label for each in classes], [each.score for each in classes]

    def _statuses(self) -> list[client_model.VersionStatus]:
        request = get_model_status_pb2.GetModelStatusRequest()
        request.model_spec.name = self._server.model
        state_name = get_model_status_pb2.ModelVersionStatus.State.Name
        return [
            client_model.VersionStatus(
                each.version, state_name(each.state), each.status.error_message
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
