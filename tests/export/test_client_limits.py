"""Where the client sends images, how long it waits, what it reads, and what it prints."""

import threading
import time

import pytest
from absl import flags
from absl.testing import flagsaver

from export import client, client_http, client_model, client_rest
from pdarts_tf.errors import InputError, RunError
from pdarts_tf.prediction import image_files
from tests.export import odd_rest
from tests.export.odd_rest import ESCAPES, answers, check_line, of_json, status
from tests.export.odd_rest import http as wire

ONE = {"predictions": [{"probabilities": [1.0]}]}
TWO = {"predictions": [{"probabilities": [0.5, 0.5]}]}


def trickle(content):
    """Function that sends content byte by byte, and an event that ends it."""
    done = threading.Event()

    def answer(request):
        for number in content:
            if done.wait(0.1):
                return
            yield bytes([number])

    return answer, done


@pytest.mark.parametrize(
    "content",
    [status(), b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n" + b" " * 999],
    ids=["headers", "body"],
)
def test_an_answer_byte_by_byte_ends_at_the_limit(content):
    answer, done = trickle(content)
    with odd_rest.serve(answer) as port:
        start = time.monotonic()
        with pytest.raises(RunError) as error:
            client_rest.RestModel("127.0.0.1", port, "m", timeout=0.5)
        assert 0.4 < time.monotonic() - start < 2.0
        done.set()
    check_line(error, "within 0.5 s; increase --timeout")


@pytest.mark.parametrize(
    ("begin", "again", "expected"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", b" " * 65536, "larger than 16 MiB"),
        (b"HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n", b" " * 65536, "larger than 16 MiB"),
        (b"HTTP/1.1 200 OK\r\n", b"a: b\r\n", "more than 100 headers"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n", "within 0.5 s"),
    ],
    ids=["body", "redirect", "headers", "continue"],
)
def test_an_answer_without_end_ends(begin, again, expected):
    done = threading.Event()

    def answer(request):
        yield begin
        while not done.is_set():
            yield again

    with odd_rest.serve(answer) as port:
        timeout = 0.5 if "within" in expected else 20.0
        with pytest.raises(RunError) as error:
            client_rest.RestModel("127.0.0.1", port, "m", timeout=timeout)
        done.set()
    check_line(error, expected)


def test_a_redirect_is_not_followed():
    asked = []

    def note(request):
        asked.append(request)
        return [status()]

    with odd_rest.serve(note) as elsewhere:
        found = wire(b"", "307 Temporary", f"Location: http://127.0.0.1:{elsewhere}/")
        with odd_rest.serve(answers(get=found)) as port, pytest.raises(RunError, match="redirect"):
            client_rest.RestModel("127.0.0.1", port, "m")
    assert not asked


def test_an_image_is_sent_as_json():
    requests = []

    def note(request):
        requests.append(request)
        return [status() if request.startswith(b"GET") else of_json(ONE)]

    with odd_rest.serve(note) as port:
        client_rest.RestModel("127.0.0.1", port, "a/b").predict(b"image")
    verb, _, rest = requests[1].partition(b" ")
    assert (verb, rest.split()[0]) == (b"POST", b"/v1/models/a%2Fb/versions/1:predict")
    assert b"application/json" in rest


@pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY", "all_proxy"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_this_machine_is_asked_without_a_proxy(monkeypatch, variable, host):
    monkeypatch.setenv(variable, "http://192.0.2.1:3128")
    with odd_rest.serve(answers()) as port:
        assert client_rest.RestModel(host, port, "m", timeout=5).version == 1


@pytest.mark.parametrize("scheme", ["", "http://"])
def test_a_proxy_is_used_and_named_without_its_password(monkeypatch, scheme):
    requests = []

    def refuse(request):
        requests.append(request)
        return [wire(b"<html>", "403 Forbidden")]

    with odd_rest.serve(refuse) as proxy:
        monkeypatch.setenv("http_proxy", f"{scheme}user:secret@127.0.0.1:{proxy}")
        with pytest.raises(RunError) as error:
            client_rest.RestModel("server.invalid", 80, "m", timeout=5)
    check_line(error, f"through the proxy 127.0.0.1:{proxy}, which the environment names; no_proxy")
    assert "secret" not in str(error.value)
    assert requests[0].startswith(b"GET http://server.invalid:80/v1/models/m HTTP")
    assert b"dXNlcjpzZWNyZXQ=" in requests[0]


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:9", "http://[::bad", ":::"])
def test_an_odd_proxy_is_one_line(monkeypatch, proxy):
    monkeypatch.setenv("http_proxy", proxy)
    with pytest.raises(RunError) as error:
        client_rest.RestModel("server.invalid", 80, "m", timeout=5)
    check_line(error, "through the proxy ")


def test_no_proxy_excepts_servers(monkeypatch):
    monkeypatch.setenv("http_proxy", "http://192.0.2.1:3128")
    monkeypatch.setenv("no_proxy", "server.invalid")
    assert client_model.environment_proxy("server.invalid", ["http"]) is None
    assert client_model.environment_proxy("other.invalid", ["http"]) == "http://192.0.2.1:3128"


@pytest.mark.parametrize(
    "host", ["", "a b", "http://localhost", "localhost:8501", "a/b", "user@host", ESCAPES, "[::1]"]
)
def test_a_host_that_is_no_name_is_wrong_input(host):
    with pytest.raises(InputError) as error:
        client_rest.RestModel(host, 80, "m")
    check_line(error, "--host must be the name or address of a server")


@pytest.mark.parametrize("host", ["é" * 70, "no-such-host.invalid", "1.2.3.4.5"])
def test_a_server_that_does_not_exist(host):
    with pytest.raises(RunError) as error:
        client_rest.RestModel(host, 80, "m", timeout=5)
    check_line(error, f"no TensorFlow Serving at http://{host}:80: ")


def test_an_error_of_the_library_is_told():
    with pytest.raises(client_http.Unanswered, match="Connection refused"):
        client_http.exchange("http://127.0.0.1:1/", timeout=5)


def run(*argv):
    with flagsaver.flagsaver():
        _, *paths = flags.FLAGS(["client", "--host=127.0.0.1", "--model=m", *map(str, argv)])
        client.main(paths)


@pytest.fixture
def image(tmp_path):
    path = tmp_path / "image.png"
    path.write_bytes(b"image")
    return path


def by_method(predict, classify):
    def answer(request):
        if request.startswith(b"GET"):
            return [status()]
        return [predict if b":predict" in request.split(b"\r\n")[0] else classify]

    return answer


def test_names_of_classes_cannot_drive_the_terminal(tmp_path, capsys):
    odd = tmp_path / "a\x1b[2J.png"
    odd.write_bytes(b"image")
    pairs = [[ESCAPES, 0.75], ["x" * 9999, 0.25], ["émeu", 0.0]]
    with odd_rest.serve(answers(post=of_json({"results": [pairs]}))) as port:
        run(f"--port={port}", "--signature=classify", odd)
    shown = capsys.readouterr().out
    lines = shown.splitlines()
    assert all(line.isprintable() for line in lines)
    assert lines[1].endswith(r"a\x1b[2J.png")
    assert lines[2] == r"  0.7500  \x1b[2J\x1b]0;title\x07\nsecond line\u202e"
    assert lines[4] == "  0.0000  émeu"
    assert len(shown) < 1000


@pytest.mark.parametrize("classes", [1, 3])
def test_another_number_of_probabilities_than_classes(image, classes):
    results = of_json({"results": [[["a", 1.0]] * classes]})
    with (
        odd_rest.serve(by_method(of_json(TWO), results)) as port,
        pytest.raises(RunError) as error,
    ):
        run(f"--port={port}", image)
    check_line(error, f"has {classes} classes by its signature classify, and 2 probabilities")


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["--timeout=nan"], "--timeout must be at most 86400 seconds. Received: nan"),
        (["--timeout=inf"], "--timeout must be at most 86400 seconds. Received: inf"),
        (["--timeout=1e12"], "--timeout must be at most 86400 seconds"),
        (["--model=\udcff"], r"--model must be UTF-8 text. Received: '\udcff'"),
        (["/no\x1b[2J/such.png"], r"cannot read the image /no\x1b[2J/such.png"),
    ],
)
def test_odd_arguments_are_one_line(image, argv, expected):
    with pytest.raises(InputError) as error:
        run(*argv, image)
    check_line(error, expected)


def test_what_is_larger_than_any_image_is_not_sent(image, monkeypatch):
    monkeypatch.setattr(image_files, "MOST_BYTES", 4)
    with pytest.raises(InputError, match=r"cannot read .*image\.png: more than 0 MiB"):
        run(image)
