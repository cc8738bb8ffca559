"""A model behind TensorFlow Serving's gRPC API.

Importing this module takes as long as importing TensorFlow, whose protocol buffers it needs.
"""

import grpc
import tensorflow as tf
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from export import client_model
from pdarts_tf.errors import RunError

_REFUSALS = (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.FAILED_PRECONDITION)


class GrpcModel:
    """One version of a model on a server.

    Args:
        host: name or address of the server.
        port: of its gRPC API.
        model: name of the model on the server.
        version: to ask; the newest that is ready if None.
        timeout: seconds to wait for an answer.

    Raises:
        InputError: the server does not have this model or version.
        RunError: there is no such server, or it does not answer.
    """

    def __init__(
        self, host: str, port: int, model: str, version: int | None = None, timeout: float = 10.0
    ):
        self._server = f"{host}:{port}"
        channel = grpc.insecure_channel(self._server)
        self._models = model_service_pb2_grpc.ModelServiceStub(channel)
        self._predictions = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        self._model = model
        self._timeout = timeout
        self.version = client_model.choose_version(model, self._statuses(), version)

    def __str__(self):
        return f"{self._model}, version {self.version}, at {self._server} (gRPC)"

    def predict(self, image: bytes) -> list[float]:
        """Probability of every class, from the signature predict_bytes; see `Model.predict`."""
        # All outputs are asked for: the server warms up once per set of outputs, and has for this.
        request = predict_pb2.PredictRequest()
        self._address(request.model_spec, client_model.PREDICT)
        request.inputs[client_model.PREDICT_INPUT].CopyFrom(tf.make_tensor_proto([image]))
        outputs = self._ask(self._predictions.Predict, request).outputs
        if client_model.PREDICT_OUTPUT not in outputs:
            raise client_model.meaningless(self._server, client_model.PREDICT_OUTPUT)
        return tf.make_ndarray(outputs[client_model.PREDICT_OUTPUT])[0].tolist()

    def classify(self, image: bytes) -> tuple[list[str], list[float]]:
        """Names and probabilities, from the signature classify; see `Model.classify`."""
        request = classification_pb2.ClassificationRequest()
        self._address(request.model_spec, client_model.CLASSIFY)
        features = request.input.example_list.examples.add().features.feature
        features[client_model.CLASSIFY_FEATURE].bytes_list.value.append(image)
        result = self._ask(self._predictions.Classify, request).result
        classes = result.classifications[0].classes
        return [each.label for each in classes], [each.score for each in classes]

    def _statuses(self):
        request = get_model_status_pb2.GetModelStatusRequest()
        request.model_spec.name = self._model
        state_name = get_model_status_pb2.ModelVersionStatus.State.Name
        return [
            client_model.VersionStatus(
                each.version, state_name(each.state), each.status.error_message
            )
            for each in self._ask(self._models.GetModelStatus, request).model_version_status
        ]

    def _address(self, model_spec, signature):
        model_spec.name = self._model
        model_spec.version.value = self.version
        model_spec.signature_name = signature

    def _ask(self, method, request):
        try:
            return method(request, timeout=self._timeout)
        except grpc.RpcError as error:
            raise self._error(error.code(), error.details()) from error

    def _error(self, code, message):
        if code == grpc.StatusCode.UNAVAILABLE:
            return client_model.unreachable(self._server, message)
        if code == grpc.StatusCode.DEADLINE_EXCEEDED:
            return client_model.too_slow(self._server, self._timeout)
        if code == grpc.StatusCode.NOT_FOUND:
            return client_model.unknown_model(self._model, message)
        if code in _REFUSALS:
            return client_model.Refused(f"the server refuses the request: {message}")
        return RunError(f"the server at {self._server} failed ({code.name}): {message}")
