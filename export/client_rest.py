"""A model behind TensorFlow Serving's REST API.

Reference: https://www.tensorflow.org/tfx/serving/api_rest
"""

import base64
import http.client
from typing import Any
from urllib.parse import quote

import requests

from export import client_model
from pdarts_tf.errors import RunError


class RestModel:
    """One version of a model on a server.

    Args:
        host: name or address of the server.
        port: of its REST API.
        model: name of the model on the server.
        version: to ask; the newest that is ready if None.
        form: of the requests for predictions, "row" (a list of `instances`, each with all its
            inputs) or "column" (a dictionary of `inputs`, each a whole batch).
        timeout: seconds to wait for an answer.

    Raises:
        InputError: the server does not have this model or version.
        RunError: there is no such server, or it does not answer.
    """

    def __init__(
        self,
        host: str,
        port: int,
        model: str,
        version: int | None = None,
        form: str = "row",
        timeout: float = 10.0,
    ):
        self._server = f"http://{host}:{port}"
        self._path = f"/v1/models/{quote(model, safe='')}"
        self._model = model
        self._form = form
        self._timeout = timeout
        self.version = client_model.choose_version(model, self._statuses(), version)
        self._path += f"/versions/{self.version}"

    def __str__(self):
        return f"{self._model}, version {self.version}, at {self._server} (REST)"

    def predict(self, image: bytes) -> list[float]:
        """Probability of every class, from the signature predict_bytes; see `Model.predict`."""
        request: dict[str, Any] = {"signature_name": client_model.PREDICT}
        if self._form == "row":
            request["instances"] = [{client_model.PREDICT_INPUT: _binary(image)}]
            answer = self._ask(":predict", request)
            return self._find(answer, "predictions", 0, client_model.PREDICT_OUTPUT)
        request["inputs"] = {client_model.PREDICT_INPUT: [_binary(image)]}
        answer = self._ask(":predict", request)
        return self._find(answer, "outputs", client_model.PREDICT_OUTPUT, 0)

    def classify(self, image: bytes) -> tuple[list[str], list[float]]:
        """Names and probabilities, from the signature classify; see `Model.classify`."""
        example = {client_model.CLASSIFY_FEATURE: _binary(image)}
        request = {"signature_name": client_model.CLASSIFY, "examples": [example]}
        pairs = self._find(self._ask(":classify", request), "results", 0)
        return [name for name, _ in pairs], [score for _, score in pairs]

    def _statuses(self):
        return [
            client_model.VersionStatus(
                int(self._find(status, "version")),
                self._find(status, "state"),
                self._find(status, "status", "error_message"),
            )
            for status in self._find(self._ask(), "model_version_status")
        ]

    def _ask(self, method: str = "", body: dict[str, Any] | None = None) -> dict[str, Any]:
        """The server's answer to a POST of `body`, or to a GET if there is none."""
        url = self._server + self._path + method
        try:
            response = requests.request(
                "GET" if body is None else "POST", url, json=body, timeout=self._timeout
            )
        except requests.Timeout as error:
            raise client_model.too_slow(self._server, self._timeout) from error
        except requests.RequestException as error:
            raise client_model.unreachable(self._server, _root_cause(error)) from error
        try:
            answer = response.json()
        except ValueError as error:
            raise client_model.unreachable(
                self._server, f"status {response.status_code} without JSON"
            ) from error
        if response.ok:
            return answer
        raise self._error(response.status_code, self._find(answer, "error"))

    def _error(self, status, message):
        if status == http.HTTPStatus.NOT_FOUND:
            return client_model.unknown_model(self._model, message)
        if status == http.HTTPStatus.BAD_REQUEST:
            return client_model.Refused(f"the server refuses the request: {message}")
        return RunError(f"the server at {self._server} failed (status {status}): {message}")

    def _find(self, answer, *path):
        """Follows keys and positions into an answer."""
        try:
            for step in path:
                answer = answer[step]
        except (KeyError, IndexError, TypeError) as error:
            expected = ".".join(map(str, path))
            raise client_model.meaningless(self._server, expected) from error
        return answer


def _binary(content: bytes) -> dict[str, str]:
    """Bytes in JSON, the way TensorFlow Serving reads them."""
    return {"b64": base64.b64encode(content).decode("ascii")}


def _root_cause(error: BaseException) -> str:
    """What the system said: requests and urllib3 wrap that in errors of theirs."""
    while error.__context__ is not None:
        error = error.__context__
    if isinstance(error, http.client.BadStatusLine):
        return "it does not speak HTTP"
    return getattr(error, "strerror", None) or str(error)
