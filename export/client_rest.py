"""A model behind TensorFlow Serving's REST API.

Reference: https://www.tensorflow.org/tfx/serving/api_rest
"""

import base64
import json
from typing import Any
from urllib.parse import quote

from export import client_answers, client_http, client_model
from pdarts_tf.errors import printable

# HTTP statuses of failures that `Server.error` tells apart, as gRPC status codes.
_GRPC_STATUS = {400: "INVALID_ARGUMENT", 404: "NOT_FOUND"}
_OK = 200
_PROXIES = ("http", "all")


class RestModel:
    """One version of a model on a server; see `client_model.Model`.

    Args:
        host: Name or address of the server.
        port: Port of its REST API.
        model: Name of the model on the server.
        version: Version to ask, or None for the newest that is ready.
        request_format: Format of predict requests: "row" (a list of `instances`, each with all its
            inputs) or "column" (a dictionary of `inputs`, each a whole batch).
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
        request_format: str = "row",
        timeout: float = 10.0,
    ) -> None:
        address = f"http://{client_model.network_address(host, port)}"
        proxy = client_model.environment_proxy(host, _PROXIES)
        self._server = client_model.Server(address, model, timeout, proxy)
        self._url = f"{self._server.address}/v1/models/{quote(model, safe='')}"
        self._request_format = request_format
        self.version = client_model.choose_version(model, self._statuses(), version)
        self._url += f"/versions/{self.version}"

    def __str__(self) -> str:
        name, address = printable(self._server.model), self._server.address
        return f"{name}, version {self.version}, at {address} (REST)"

    def predict(self, image: bytes) -> list[float]:
        """Returns the probability of every class, from the signature predict_bytes."""
        key, output = client_model.PREDICT_INPUT, client_model.PREDICT_OUTPUT
        request: dict[str, Any] = {"signature_name": client_model.PREDICT}
        if self._request_format == "row":
            answer = self._ask(":predict", request | {"instances": [{key: _binary(image)}]})
            row = self._only(answer, "predictions")
            if not isinstance(row, dict) or output not in row:
                raise self._server.unexpected(f"no predictions.0.{output}")
            return client_answers.probabilities(self._server, row[output])
        answer = self._ask(":predict", request | {"inputs": {key: [_binary(image)]}})
        return client_answers.probabilities(self._server, self._only(answer, "outputs", output))

    def classify(self, image: bytes) -> tuple[list[str], list[float]]:
        """Returns names and probabilities of all classes, from the signature classify."""
        example = {client_model.CLASSIFY_FEATURE: _binary(image)}
        request = {"signature_name": client_model.CLASSIFY, "examples": [example]}
        pairs = self._only(self._ask(":classify", request), "results")
        return client_answers.classes(self._server, pairs)

    def _statuses(self) -> list[client_model.VersionStatus]:
        statuses = self._find(self._ask(), "model_version_status")
        if not isinstance(statuses, list):
            raise self._server.unexpected("no list of model_version_status")
        return [
            client_answers.version_status(
                self._server,
                self._find(status, "version"),
                self._find(status, "state"),
                self._find(status, "status", "error_message"),
            )
            for status in statuses
        ]

    def _ask(self, method: str = "", content: dict[str, Any] | None = None) -> Any:
        """Returns the server's answer to a POST of `content`, or to a GET if it is None."""
        body = None if content is None else json.dumps(content).encode()
        server = self._server
        try:
            reply = client_http.exchange(
                self._url + method, body, timeout=server.timeout, proxy=server.proxy
            )
        except TimeoutError as error:
            raise server.error("DEADLINE_EXCEEDED", None) from error
        except client_http.Unanswered as error:
            raise server.error("UNAVAILABLE", str(error)) from error
        except client_http.Unreadable as error:
            raise server.unreadable(str(error)) from error
        return self._content(reply)

    def _content(self, reply: client_http.Reply) -> Any:
        """Returns the JSON of an answer; raises what one with another status says."""
        status = reply.status
        if reply.location is not None and 300 <= status < 400:
            raise self._server.error(
                "UNAVAILABLE", f"status {status}, a redirect to {reply.location}"
            )
        try:
            answer = json.loads(reply.body)
        except (ValueError, RecursionError) as error:
            raise self._server.error("UNAVAILABLE", f"status {status} without JSON") from error
        if status == _OK:
            return answer
        message = answer.get("error") if isinstance(answer, dict) else None
        if not isinstance(message, str):
            raise self._server.unexpected(f"status {status} and no error")
        raise self._server.error(_GRPC_STATUS.get(status, f"status {status}"), message)

    def _only(self, answer: Any, *path: str) -> Any:
        """Returns the only element of a list in an answer."""
        return client_answers.only(self._server, self._find(answer, *path), ".".join(path))

    def _find(self, answer: Any, *path: str) -> Any:
        """Follows keys into an answer."""
        for key in path:
            if not isinstance(answer, dict) or key not in answer:
                raise self._server.unexpected(f"no {'.'.join(path)}")
            answer = answer[key]
        return answer


def _binary(content: bytes) -> dict[str, str]:
    """Returns bytes as JSON, in the encoding of TensorFlow Serving."""
    return {"b64": base64.b64encode(content).decode("ascii")}
