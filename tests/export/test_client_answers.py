"""Servers that answer oddly, slowly or without end: one line each time, and nothing else."""

import gzip
import logging

import pytest

from export import client_rest
from pdarts_tf.errors import InputError, RunError
from tests.export import odd_rest
from tests.export.odd_rest import ESCAPES, answers, check_line, of_json, status
from tests.export.odd_rest import http as wire

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def of_encoding(name, content):
    return wire(content, "200 OK", f"Content-Encoding: {name}")


NO_JSON = "status 200 without JSON"
NO_HTTP = "it does not speak HTTP"
ODD_STATUSES = {
    "HTML": (wire(b"<html>"), NO_JSON),
    "HTML of a proxy": (wire(b"<html>", "502 Bad Gateway"), "status 502 without JSON"),
    "empty": (wire(b""), NO_JSON),
    "no content": (b"HTTP/1.1 204 No Content\r\n\r\n", "status 204 without JSON"),
    "nested": (wire(b"[" * 200_000), NO_JSON),
    "Latin-1": (wire(b'{"model_version_status": "\xe9"}'), NO_JSON),
    "number without end": (wire(b"1" * 5000), NO_JSON),
    "null": (of_json(None), "no model_version_status"),
    "text": (of_json("version"), "no model_version_status"),
    "list of texts": (of_json({"model_version_status": ["a"]}), "no version"),
    "statuses as text": (of_json({"model_version_status": "ab"}), "no list of model_version_st"),
    "no version": (of_json({"model_version_status": []}), "it knows no version"),
    "version 1.5": (status(version=1.5), "has 1.5 for the number of a version"),
    "version true": (status(version=True), "has True for the number of a version"),
    "negative version": (status(version="-1"), "has '-1' for the number"),
    "Arabic version": (status(version="\u0661"), "for the number of a version"),
    "huge version": (status(version="9" * 30), "for the number of a version"),
    "version with escapes": (status(version=ESCAPES), r"has '\x1b[2J"),
    "state 3": (status(state=3), "no state of version 1"),
    "state with escapes": (status(state=ESCAPES), r"version 1 is \x1b[2J"),
    "reason with escapes": (
        status(state="END", status={"error_message": ESCAPES * 99}),
        r"END (\x1b[2J\x1b]0;title\x07 second line",
    ),
    "no reason": (status(status=None), "no status.error_message"),
    "redirect": (
        wire(b"", "302 Found", "Location: http://192.0.2.1/\x1b[2J"),
        r"status 302, a redirect to http://192.0.2.1/\x1b[2J",
    ),
    "odd redirect": (
        wire(b"", "301 Moved", "Location: http://[::bad"),
        "redirect to http://[::bad",
    ),
    "redirect to nowhere": (wire(b"", "307 Temporary"), "status 307 without JSON"),
    "part": (wire(b"{}", "206 Partial Content"), "has status 206 and no error"),
    "no gzip": (of_encoding("gzip", b"abc"), "failed to decode it"),
    "gzip that ends early": (of_encoding("gzip", gzip.compress(b"{}" * 99)[:30]), NO_JSON),
    "gzip bomb": (of_encoding("gzip", gzip.compress(bytes(2**25))), "larger than 16 MiB"),
    "unknown encoding": (of_encoding("br", b"abc"), NO_JSON),
    "body that ends early": (status()[:-9], "cannot be read: Connection broken"),
    "headers that end early": (b"HTTP/1.1 200 OK\r\nConte", NO_JSON),
    "no chunk": (CHUNKED + b"zz\r\nabc", "cannot be read: Connection broken"),
    "negative chunk": (CHUNKED + b"-5\r\nabc", "cannot be read"),
    "chunk that ends early": (CHUNKED + b"20\r\nabc", "cannot be read: Connection broken"),
    "nothing": (b"", "it ends the connection without an answer"),
    "HTTP 0.9": (b"hello", NO_HTTP),
    "HTTP 2": (b"HTTP/2.0 200 OK\r\n\r\n{}", NO_HTTP),
    "TLS": (bytes.fromhex("15030100020228"), NO_HTTP),
    "SSH": (b"SSH-2.0-OpenSSH_9\r\n", NO_HTTP),
    "status of letters": (b"HTTP/1.1 abc\r\n\r\n{}", NO_HTTP),
    "negative status": (b"HTTP/1.1 -1 no\r\n\r\n{}", NO_HTTP),
    "status 999": (b"HTTP/1.1 999 odd\r\n\r\n{}", "has status 999 and no error"),
    "long status line": (b"HTTP/1.1 200 " + b"a" * 2**17, "reading status line"),
    "many headers": (b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 200, "more than 100 headers"),
    "two lengths": (
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
        "Content-Length",
    ),
    "error with escapes": (
        of_json({"error": ESCAPES * 99}, "400 Bad"),
        r"refuses the request: \x1b[2J\x1b]0;title\x07 second line\u202e",
    ),
    "error with a lone surrogate": (of_json({"error": "\ud800"}, "500 Bad"), r"500): \ud800"),
    "error of another kind": (of_json({"error": 3}, "500 Bad"), "has status 500 and no error"),
    "empty error": (of_json({"error": ""}, "503 Bad"), "(status 503): no reason is given"),
    "error in a list": (of_json([], "404 Not Found"), "has status 404 and no error"),
}


@pytest.mark.parametrize(("form", "expected"), ODD_STATUSES.values(), ids=list(ODD_STATUSES))
def test_an_odd_status_is_one_line(form, expected, caplog):
    caplog.set_level(logging.WARNING)
    with odd_rest.serve(answers(get=form)) as port, pytest.raises((InputError, RunError)) as error:
        client_rest.RestModel("127.0.0.1", port, "m", timeout=5)
    check_line(error, expected)
    assert not caplog.records


def test_a_server_with_many_versions_names_a_few():
    version = {"state": "END", "status": {"error_message": ""}}
    statuses = [{"version": str(number), **version} for number in range(1000)]
    with (
        odd_rest.serve(answers(get=of_json({"model_version_status": statuses}))) as port,
        pytest.raises(RunError) as error,
    ):
        client_rest.RestModel("127.0.0.1", port, "m")
    check_line(error, "version 4 is END; and 995 more.")


def row(values):
    return wire(b'{"predictions": [{"probabilities": %s}]}' % values)


FOR_ALL = "for the probabilities of all classes"
ODD_PREDICTIONS = {
    "none": (of_json({}), "no predictions"),
    "empty": (of_json({"predictions": []}), "0 predictions for one image"),
    "two": (of_json({"predictions": [{"probabilities": [1.0]}] * 2}), "2 predictions for one"),
    "text": (of_json({"predictions": "a"}), "no list of predictions"),
    "another output": (of_json({"predictions": [[1.0]]}), "no predictions.0.probabilities"),
    "ragged": (row(b"[[0.5], [0.5, 0.5]]"), "has [0.5] for a probability"),
    "NaN": (row(b"[NaN, 0.5]"), "has nan for a probability"),
    "infinite": (row(b"[1e999]"), "has inf for a probability"),
    "negative": (row(b"[-1, 2]"), "has -1 for a probability"),
    "huge": (row(b"[" + b"9" * 4000 + b"]"), "for a probability"),
    "texts": (row(b'["0.5", "\\u001b[2J"]'), "has '0.5' for a probability"),
    "truth values": (row(b"[true, false]"), "has True for a probability"),
    "null": (row(b"null"), f"has None {FOR_ALL}"),
    "nothing": (row(b"[]"), f"has [] {FOR_ALL}"),
    "number": (row(b"0.5"), f"has 0.5 {FOR_ALL}"),
    "bytes": (row(b'{"b64": "AA=="}'), FOR_ALL),
}


@pytest.mark.parametrize(("form", "expected"), ODD_PREDICTIONS.values(), ids=list(ODD_PREDICTIONS))
def test_odd_probabilities_are_one_line(form, expected):
    with odd_rest.serve(answers(post=form)) as port:
        model = client_rest.RestModel("127.0.0.1", port, "m", timeout=5)
        with pytest.raises(RunError) as error:
            model.predict(b"image")
    check_line(error, expected)


@pytest.mark.parametrize(
    ("outputs", "expected"),
    [
        ([0.5], "no outputs.probabilities"),
        ({"probabilities": [0.5, 0.5]}, "2 outputs.probabilities for one image"),
        ({"probabilities": [[0.5], [0.5]]}, "2 outputs.probabilities for one image"),
    ],
)
def test_odd_columns_are_one_line(outputs, expected):
    with odd_rest.serve(answers(post=of_json({"outputs": outputs}))) as port:
        model = client_rest.RestModel("127.0.0.1", port, "m", request_format="column")
        with pytest.raises(RunError) as error:
            model.predict(b"image")
    check_line(error, expected)


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        ([], "0 results for one image"),
        ([[["a", 1.0]]] * 2, "2 results for one image"),
        ([[]], "has [] for the classes"),
        (["ab"], "has 'ab' for the classes"),
        ([[[1, 0.5]]], "has [1, 0.5] for a class and its probability"),
        ([[["a", 0.5, 1]]], "has ['a', 0.5, 1] for a class and its probability"),
        ([[["a", "0.5"]]], "has '0.5' for a probability"),
        ([[["a", float("nan")]]], "has nan for a probability"),
    ],
)
def test_odd_classes_are_one_line(results, expected):
    with odd_rest.serve(answers(post=of_json({"results": results}))) as port:
        model = client_rest.RestModel("127.0.0.1", port, "m", timeout=5)
        with pytest.raises(RunError) as error:
            model.classify(b"image")
    check_line(error, expected)
