"""A REST server whose answers are given as they go over the wire."""

import contextlib
import json
import re
import socket
import threading
from collections.abc import Callable, Iterable, Iterator

ESCAPES = "\x1b[2J\x1b]0;title\x07\nsecond line\u202e"


def http(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    """A whole answer."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def of_json(value, status="200 OK"):
    """A whole answer of JSON."""
    return http(json.dumps(value).encode(), status)


def status(**changes):
    """The status of a model with one version, odd in some way."""
    version = {"version": "1", "state": "AVAILABLE", "status": {"error_message": ""}}
    return of_json({"model_version_status": [version | changes]})


def check_line(error, expected):
    """What every error is: one line without control characters that is not too long."""
    message = str(error.value)
    assert expected in message
    assert message.isprintable()
    assert len(message) < 800


def answers(get: bytes = status(), post: bytes = b"") -> Callable[[bytes], list[bytes]]:
    """What is sent to GET and to POST."""
    return lambda request: [post if request.startswith(b"POST") else get]


def _read_request(connection: socket.socket) -> bytes:
    request = b""
    while b"\r\n\r\n" not in request:
        part = connection.recv(65536)
        if not part:
            return request
        request += part
    length = re.search(rb"(?i)content-length: (\d+)", request)
    missing = int(length[1]) if length else 0
    missing -= len(request.partition(b"\r\n\r\n")[2])
    while missing > 0:
        missing -= len(connection.recv(65536))
    return request


def _serve(listener: socket.socket, answer: Callable[[bytes], Iterable[bytes]]) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:  # closed: the test is over
            return
        with connection, contextlib.suppress(OSError):
            for part in answer(_read_request(connection)):
                connection.sendall(part)


@contextlib.contextmanager
def serve(answer: Callable[[bytes], Iterable[bytes]]) -> Iterator[int]:
    """Answers every request with the parts that a function of it gives; yields the port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_serve, args=(listener, answer), daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(10)
