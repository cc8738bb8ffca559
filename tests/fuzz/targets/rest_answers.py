"""Answers of servers over REST, as far as a person sees them."""

import json
from pathlib import Path
from unittest import mock

from export import client_http
from export.client_rest import RestModel
from pdarts_tf.errors import InputError, RunError
from tests.fuzz.targets import Target

_STATUSES = (200, 200, 200, 400, 404, 302, 500)
_CALLS = ("status", "predict", "classify")
_READY = {"version": "1", "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
_GOOD = {
    "status": {"model_version_status": [_READY]},
    "predict": {"predictions": [{"probabilities": [0.25, 0.75], "logits": [0.0, 1.0]}]},
    "classify": {"results": [[["cat", 0.25], ["dog", 0.75]]]},
}
_TOKENS = ("NaN", "1e999", "null", "[", "{", '"predictions"', '"error"', "\\u001b[2J", "-1", "true")


def make(scratch: Path) -> Target:
    """See `Target`; two bytes say which answer of what status the rest is the body of."""
    del scratch
    bodies = {call: json.dumps(content).encode() for call, content in _GOOD.items()}

    def read(data: bytes) -> str:
        call = _CALLS[data[0] % len(_CALLS)] if data else "status"
        status = _STATUSES[data[1] % len(_STATUSES)] if len(data) > 1 else 200
        exchange = _answering(bodies | {call: data[2:]}, call, status)
        with mock.patch.object(client_http, "exchange", exchange):
            model = RestModel("localhost", 1, "cats")
            probabilities = model.predict(b"image")
            names, scores = model.classify(b"image")
        for each in [*probabilities, *scores]:
            assert 0 <= each <= 1.001
        assert all(isinstance(name, str) for name in names)
        assert model.version >= 0
        return "read"

    seeds = [bytes([number, 0]) + bodies[call] for number, call in enumerate(_CALLS)]
    seeds += [bytes([number, 3]) + b'{"error": "no such thing"}' for number in range(3)]
    return Target(seeds, read, (InputError, RunError), _TOKENS)


def _answering(bodies, call, status):
    """A function that stands for the network."""

    def exchange(url, body, **options):
        kind = {"predict": "predict", "classify": "classify"}.get(url.rpartition(":")[2], "status")
        location = "http://elsewhere\x1b[2J" if status == 302 and kind == call else None
        return client_http.Reply(status if kind == call else 200, location, bodies[kind])

    return exchange
