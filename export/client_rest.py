"""A model behind TensorFlow Serving's REST API.

Reference: https://www.tensorflow.org/tfx/serving/api_rest
"""

import base64
import http.client
from typing import Any
from urllib.parse import quote

import requests

from export import client_model

# HTTP statuses of failures that `Server.error` tells apart, as gRPC status codes.
_GRPC_STATUS = {400: "INVALID_ARGUMENT", 404: "NOT_FOUND"}


class RestModel:
    """One version of a model on a server; see `client_model.Model`.

    Args:
        host: Name or address of the server.
        port: Port of its REST API.
        model: Name of the model on the server.
        version: Version to ask, or None for the newest that is ready.
        request_format: Format of predict requests: "row" (a list of `instances`, each with all its
            inputs) or "column" (a dictionary of `inputs`, each a whole batch).
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
        request_format: str = "row",
        timeout: float = 10.0,
    ) -> None:
        self._server = client_model.Server(f"http://{host}:{port}", model, timeout)
        self._url = f"{self._server.address}/v1/models/{quote(model, safe='')}"
        self._request_format = request_format
        self.version = client_model.choose_version(model, self._statuses(), version)
        self._url += f"/versions/{self.version}"

    def __str__(self) -> str:
        return f"{self._server.model}, version {self.version}, at {self._server.address} (REST)"

    def predict(self, image: bytes) -> list[float]:
        """Returns the probability of every class, from the signature predict_bytes."""
        key, output = client_model.PREDICT_INPUT, client_model.PREDICT_OUTPUT
        content: dict[str, Any]
        path: tuple[str | int, ...]
        if self._request_format == "row":
            content, path = {"instances": [{key: _binary(image)}]}, ("predictions", 0, output)
        else:
            content, path = {"inputs": {key: [_binary(image)]}}, ("outputs", output, 0)
        answer = self._ask(":predict", {"signature_name": client_model.PREDICT, **content})
        probabilities: list[float] = self._find(answer, *path)
        return probabilities

    def classify(self, image: bytes) -> tuple[list[str], list[float]]:
        """Returns names and probabilities of all classes, from the signature classify."""
        example = {client_model.CLASSIFY_FEATURE: _binary(image)}
        request = {"signature_name": client_model.CLASSIFY, "examples": [example]}
        pairs = self._find(self._ask(":classify", request), "results", 0)
        return [name for name, _ in pairs], [score for _, score in pairs]

    def _statuses(self) -> list[client_model.VersionStatus]:
        return [
            client_model.VersionStatus(
                int(self._find(status, "version")),
                self._find(status, "state"),
                self._find(status, "status", "error_message"),
            )
            for status in self._find(self._ask(), "model_version_status")
        ]

    def _ask(self, method: str = "", body: dict[str, Any] | None = None) -> Any:
        """Returns the server's answer to a POST of `body`, or to a GET if it is None."""
        verb = "GET" if body is None else "POST"
        try:
            response = requests.request(
                verb, self._url + method, json=body, timeout=self._server.timeout
            )
        except requests.Timeout as error:
            raise self._server.error("DEADLINE_EXCEEDED", str(error)) from error
        except requests.RequestException as error:
            raise self._server.error("UNAVAILABLE", _root_cause(error)) from error
        status = response.status_code
        try:
            answer = response.json()
        except ValueError as error:
            raise self._server.error("UNAVAILABLE", f"status {status} without JSON") from error
        if response.ok:
            return answer
        message = self._find(answer, "error")
        raise self._server.error(_GRPC_STATUS.get(status, f"status {status}"), message)

    def _find(self, answer: Any, *path: str | int) -> Any:
        """Follows keys and positions into an answer."""
        try:
            for step in path:
                answer = answer[step]
        except (KeyError, IndexError, TypeError) as error:
            raise self._server.unexpected(".".join(map(str, path))) from error
        return answer


def _binary(content: bytes) -> dict[str, str]:
    """Returns bytes as JSON, in the encoding of TensorFlow Serving."""
    return {"b64": base64.b64encode(content).decode("ascii")}


def _root_cause(error: BaseException) -> str:
    """Returns the system's message, which requests and urllib3 wrap in errors of their own."""
    while error.__context__ is not None:
        error = error.__context__
    if isinstance(error, http.client.BadStatusLine):
        return "it does not speak HTTP"
    return getattr(error, "strerror", None) or str(error)
