"""The REST API of a stand-in for tensorflow_model_server.

Done after the server's documentation and the source that this refers to (json_tensor.cc and
http_rest_api_handler.cc), as far as the tests use it: no regression, labels or context.
"""

import base64
import http.server
import json
import re
from urllib.parse import unquote

import numpy as np
import tensorflow as tf
from google.protobuf import json_format
from tensorflow_serving.apis import get_model_metadata_pb2

from tests.export.fake_models import INVALID_ARGUMENT, Failure, Models

_DEFAULT_SIGNATURE = "serving_default"
_HTTP_STATUS = {
    3: 400,
    4: 504,
    5: 404,
    8: 429,
    9: 400,
    12: 501,
    14: 503,
}  # of TensorFlow's error codes
_POST = re.compile(r"/v1/models/([^/:]+)(?:/versions/(\d+))?:(classify|predict)", re.IGNORECASE)
_GET = re.compile(r"/v1/models/([^/:]+)(?:/versions/(\d+))?(/metadata)?", re.IGNORECASE)


def _tensor(value, dtype):
    """A tensor from JSON: nested lists, and {"b64": …} for bytes."""
    if isinstance(value, list):
        return [_tensor(each, dtype) for each in value]
    if dtype != tf.string:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Failure(INVALID_ARGUMENT, f"JSON Value: {value} is not of expected type")
        return value
    if isinstance(value, str):
        return value.encode()
    if not isinstance(value, dict) or value.keys() != {"b64"}:
        raise Failure(INVALID_ARGUMENT, f"JSON Value: {value} not formatted correctly for base64")
    return base64.b64decode(value["b64"], validate=True)


def _json_value(name, value):
    """What becomes of one element of a tensor in JSON."""
    if isinstance(value, bytes):
        binary = name.endswith("_bytes")
        return {"b64": base64.b64encode(value).decode()} if binary else value.decode()
    return float(str(value)) if isinstance(value, np.floating) else value.item()


def _json_tensor(name, array):
    """What becomes of a tensor in JSON."""
    if isinstance(array, np.ndarray):
        return [_json_tensor(name, each) for each in array]
    return _json_value(name, array)


def _columns(body, infos):
    """The named inputs of a request, a batch each; a single one may come without its name."""
    if ("instances" in body) == ("inputs" in body):
        raise Failure(INVALID_ARGUMENT, "Missing 'inputs' or 'instances' key")
    rows = "instances" in body
    values = body["instances"] if rows else body["inputs"]
    first = values[0] if rows else values
    if not isinstance(first, dict) or first.keys() == {"b64"}:
        columns = dict.fromkeys(infos, values) if len(infos) == 1 else {}
    else:
        columns = {key: [row[key] for row in values] for key in first} if rows else values
    if columns.keys() != set(infos):
        raise Failure(INVALID_ARGUMENT, f"keys must be equal to: {','.join(sorted(infos))}")
    return columns


def predict(servable, body):
    """Answers the JSON of a prediction, in rows or columns as it came."""
    name = body.get("signature_name", _DEFAULT_SIGNATURE)
    if name not in servable.signatures:
        raise Failure(
            INVALID_ARGUMENT, f'Serving signature name: "{name}" not found in signature def'
        )
    inputs = {}
    infos = servable.signatures[name].inputs
    for key, column in _columns(body, infos).items():
        dtype = tf.as_dtype(infos[key].dtype)
        inputs[key] = np.array(_tensor(column, dtype), dtype.as_numpy_dtype)
    outputs = {key: _json_tensor(key, value) for key, value in servable.run(name, inputs).items()}
    if "inputs" in body:
        return {"outputs": outputs if len(outputs) > 1 else next(iter(outputs.values()))}
    if len(outputs) == 1:
        return {"predictions": next(iter(outputs.values()))}
    per_row = zip(*outputs.values(), strict=True)
    return {"predictions": [dict(zip(outputs, row, strict=True)) for row in per_row]}


def classify(servable, body):
    """Answers the JSON of a classification."""
    examples = []
    for features in body["examples"]:
        example = tf.train.Example()
        for key, value in features.items():
            for each in value if isinstance(value, list) else [value]:
                content = _tensor(each, tf.string)
                example.features.feature[key].bytes_list.value.append(content)
        examples.append(example.SerializeToString())
    name = body.get("signature_name", _DEFAULT_SIGNATURE)
    results = zip(*servable.classify(name, examples), strict=True)
    return {
        "results": [
            [[label.decode(), float(str(score))] for label, score in zip(*row, strict=True)]
            for row in results
        ]
    }


def metadata(name, number, servable):
    """The JSON of a model's metadata."""
    signatures = get_model_metadata_pb2.SignatureDefMap(signature_def=servable.signatures)
    shown = json_format.MessageToDict(
        signatures, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
    spec = {"name": name, "signature_name": "", "version": str(number)}
    return {"model_spec": spec, "metadata": {"signature_def": shown}}


class RestHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    models: Models

    def do_GET(self):
        self._reply(_GET, self._get)

    def do_POST(self):
        self._reply(_POST, self._post)

    def log_message(self, format, *args):
        pass

    def _get(self, name, version, wants_metadata):
        if wants_metadata:
            return metadata(name, *self.models.find(name, version, "rest metadata"))
        return json_format.MessageToDict(
            self.models.status(name), always_print_fields_with_no_presence=True
        )

    def _post(self, name, version, method):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        _, servable = self.models.find(name, version, f"rest {method}")
        try:
            answer = predict if method == "predict" else classify
            return answer(servable, json.loads(body))
        except ValueError as error:
            raise Failure(INVALID_ARGUMENT, f"JSON Parse error: {error}") from error

    def _reply(self, pattern, answer):
        match = pattern.fullmatch(self.path)
        try:
            if match is None:
                raise Failure(INVALID_ARGUMENT, f"Malformed request: {self.command} {self.path}")
            name, version, rest = match.groups()
            status, content = 200, answer(unquote(name), version and int(version), rest)
        except Failure as failure:
            status, content = _HTTP_STATUS.get(failure.code, 500), {"error": str(failure)}
        encoded = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(encoded)))
        self.end_headers()
        self.wfile.write(encoded)
