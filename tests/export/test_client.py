"""The client: what it prints and how it ends, against a stand-in for the server."""

import http.server
import json
import math
import re
import socket
import subprocess
import sys
import threading

import pytest
from absl import flags
from absl.testing import flagsaver

from export import client, client_check, client_grpc, client_model, client_rest
from pdarts_tf.errors import InputError, RunError
from tests.export import fake_server, tiny_model
from tests.export.fake_models import RESOURCE_EXHAUSTED, Failure
from tests.source_tree import ROOT

RED_CLASSES = ["  0.7478  red", "  0.1510  green", "  0.1012  blue"]
DAMAGED = b"not an image"
APIS = [[], ["--grpc"]]


@pytest.fixture(scope="module")
def model_dir(tmp_path_factory):
    """A directory of versions: of 2 the answers are sharper than of 1, and 3 cannot be loaded."""
    directory = tmp_path_factory.mktemp("tiny")
    tiny_model.save(directory / "1")
    tiny_model.save(directory / "2", sharpness=2.0)
    (directory / "3").mkdir()
    return directory


@pytest.fixture(scope="module")
def server(model_dir):
    with fake_server.serve(tiny=model_dir) as running:
        yield running


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """Paths of image files, by name."""
    directory = tmp_path_factory.mktemp("images")
    contents = {name: tiny_model.png(color) for name, color in tiny_model.COLORS.items()}
    paths = {}
    for name, content in {**contents, "damaged": DAMAGED}.items():
        paths[name] = directory / f"{name}.png"
        paths[name].write_bytes(content)
    return paths


@pytest.fixture
def run(server, capsys):
    """Runs the client with arguments; returns the lines that it prints below the server's."""

    def run(*argv, port=None):
        used = port or (server.grpc_port if "--grpc" in argv else server.rest_port)
        argv = ("client", "--host=127.0.0.1", f"--port={used}", *map(str, argv))
        with flagsaver.flagsaver():
            _, *paths = flags.FLAGS(argv)
            client.main(paths)
        return capsys.readouterr().out.splitlines()

    return run


WAYS = {
    "rows": [],
    "columns": ["--format=column"],
    "classify": ["--signature=classify"],
    "grpc": ["--grpc"],
    "grpc classify": ["--grpc", "--signature=classify"],
}


@pytest.mark.parametrize("way", WAYS.values(), ids=list(WAYS))
def test_the_likeliest_classes_are_printed_with_names(run, images, way):
    lines = run("--model=tiny", "--version=1", *way, images["red"])
    assert lines[1:] == [str(images["red"]), *RED_CLASSES]
    assert lines[0].startswith("tiny, version 1, at ")


@pytest.mark.parametrize(
    ("way", "asked"),
    [
        ([], ["rest predict", "rest classify", "rest predict"]),
        (["--signature=classify"], ["rest classify"] * 2),
        (["--grpc"], ["grpc predict", "grpc classify", "grpc predict"]),
    ],
    ids=["predict", "classify", "grpc"],
)
def test_one_request_per_image_of_one_version_and_names_once(run, server, images, way, asked):
    server.models.requests.clear()
    run("--model=tiny", *way, images["red"], images["blue"])
    assert server.models.requests == [(request, 2) for request in asked]


def test_the_image_is_sent_as_it_is(server, images):
    model = client_rest.RestModel("127.0.0.1", server.rest_port, "tiny", version=1)
    expected = tiny_model.probabilities(tiny_model.COLORS["green"])
    assert model.predict(images["green"].read_bytes()) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("way", WAYS.values(), ids=list(WAYS))
def test_a_refused_image_keeps_no_other_from_its_answer(run, images, way, capsys):
    with pytest.raises(InputError, match=r"answer: 1 of 3\. .*damaged.png.*Unknown"):
        run("--model=tiny", *way, images["damaged"], images["red"], images["blue"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].startswith("  no answer: the server refuses the request: Unknown image file")
    assert [line.split()[-1] for line in (lines[4], lines[8])] == ["red", "blue"]


def test_no_more_than_five_classes():
    names = list("abcdefg")
    text = client.best_classes((names, [0.1, 0.2, 0.05, 0.3, 0.15, 0.08, 0.12]))
    assert text == "  0.3000  d\n  0.2000  b\n  0.1500  e\n  0.1200  g\n  0.1000  a"


@pytest.mark.parametrize("way", WAYS.values(), ids=list(WAYS))
def test_check_finds_the_same_answers(run, images, model_dir, way):
    lines = run("--model=tiny", f"--check={model_dir}", *way, images["red"], images["blue"])
    found = re.fullmatch(r"largest difference to (.*): (\S+) \(images compared: 2\)", lines[-1])
    assert found is not None
    assert found[1] == str(model_dir)
    assert float(found[2]) < 1e-6


@pytest.mark.parametrize("way", APIS, ids=["rest", "grpc"])
def test_check_fails_if_the_server_has_other_weights(run, images, model_dir, tmp_path, way):
    (tmp_path / "2").symlink_to(model_dir / "1")
    with pytest.raises(RunError, match=r": 0\.196 \(images compared: 1\), more than"):
        run("--model=tiny", f"--check={tmp_path}", *way, images["red"])
    lines = run("--model=tiny", f"--check={tmp_path}", "--tolerance=0.2", *way, images["red"])
    assert lines[-1].endswith(": 0.196 (images compared: 1)")


def test_check_needs_the_version_of_the_server(run, images, tmp_path):
    with pytest.raises(InputError, match=r"the server has version 2, but .*/2 cannot be loaded"):
        run("--model=tiny", f"--check={tmp_path}", images["red"])


def test_numbers_that_are_none_are_different():
    names = ["a", "b"]
    assert math.isnan(client.difference((names, [math.nan, 0.5]), (names, [0.5, 0.5])))
    assert math.isnan(client.largest([1.0, math.nan, 2.0]))
    with (
        flagsaver.flagsaver(),
        pytest.raises(RunError, match=r": nan \(.*\), more than"),
    ):
        flags.FLAGS(["client"])
        client.report_check([0.0, math.nan])


def test_classes_of_another_order_are_different():
    with flagsaver.flagsaver(), pytest.raises(RunError, match="classes are not those of"):
        flags.FLAGS(["client", "--check=d"])
        client.difference((["a", "b"], [0.5, 0.5]), (["b", "a"], [0.5, 0.5]))


@pytest.mark.parametrize("way", APIS, ids=["rest", "grpc"])
def test_the_servers_reason_for_a_missing_version_is_told(run, images, way):
    with pytest.raises(InputError, match=r"no version 3 ready.*version 3 is END \(.*saved_model"):
        run("--model=tiny", "--version=3", *way, images["red"])


@pytest.mark.parametrize("way", APIS, ids=["rest", "grpc"])
def test_an_unknown_model_is_wrong_input(run, images, way):
    with pytest.raises(InputError, match=r"no model 'huge': Could not find any versions of model"):
        run("--model=huge", *way, images["red"])


@pytest.mark.parametrize("way", APIS, ids=["rest", "grpc"])
def test_a_failure_of_the_server_is_not_the_inputs(run, images, server, monkeypatch, way):
    def fail(*args):
        raise Failure(RESOURCE_EXHAUSTED, "the queue is full")

    monkeypatch.setattr(server.models, "find", fail)
    with pytest.raises(RunError, match=r"the server at .* failed \(.*\): the queue is full"):
        run("--model=tiny", *way, images["red"])


@pytest.fixture
def silent_port():
    """A port that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.fixture
def closed_port(silent_port):
    """A port that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    return port


@pytest.mark.parametrize("way", APIS, ids=["rest", "grpc"])
def test_no_server(run, images, closed_port, way):
    with pytest.raises(RunError, match=rf"no TensorFlow Serving at .*{closed_port}: .*refused"):
        run("--model=tiny", *way, images["red"], port=closed_port)


@pytest.mark.parametrize("way", APIS, ids=["rest", "grpc"])
def test_the_other_apis_port(run, images, server, way):
    with pytest.raises(RunError, match=r"no TensorFlow Serving at .*HTTP"):
        run("--model=tiny", *way, images["red"], port=server.rest_port if way else server.grpc_port)


@pytest.mark.parametrize("way", APIS, ids=["rest", "grpc"])
def test_no_answer_in_time(run, images, silent_port, way):
    with pytest.raises(RunError, match=r"within 0\.3 s; increase --timeout"):
        run("--model=tiny", "--timeout=0.3", *way, images["red"], port=silent_port)


class _Other(http.server.BaseHTTPRequestHandler):
    body = b""

    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, format, *args):
        pass


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"<html>", "no TensorFlow Serving at .*: status 200 without JSON"),
        (b"[]", "the answer of .* has no model_version_status: is it TensorFlow Serving"),
        (json.dumps({"model_version_status": [{}]}).encode(), "has no version: is"),
    ],
    ids=["html", "list", "empty"],
)
def test_another_kind_of_server(run, images, body, message):
    handler = type("Handler", (_Other,), {"body": body})
    with http.server.HTTPServer(("127.0.0.1", 0), handler) as other:
        thread = threading.Thread(target=other.serve_forever, args=(0.05,))
        thread.start()
        try:
            with pytest.raises(RunError, match=message):
                run("--model=tiny", images["red"], port=other.server_address[1])
        finally:
            other.shutdown()
            thread.join()


def test_a_model_without_probabilities(server, images, monkeypatch):
    monkeypatch.setattr(client_model, "PREDICT_OUTPUT", "chances")
    image = images["red"].read_bytes()
    rest = client_rest.RestModel("127.0.0.1", server.rest_port, "tiny")
    with pytest.raises(RunError, match=r"no predictions\.0\.chances"):
        rest.predict(image)
    with pytest.raises(RunError, match="no chances"):
        client_grpc.GrpcModel("127.0.0.1", server.grpc_port, "tiny").predict(image)


def test_an_answer_that_only_the_server_has(model_dir):
    local = client_check.LocalModel(str(model_dir), 1)
    with pytest.raises(RunError, match="the server has an answer, the model here an error"):
        local.predict(DAMAGED)


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["red.png"], "name the model on the server: --model=NAME"),
        (["--model=tiny"], "name at least one image"),
        (["--model=tiny", "/no/such.png"], "cannot read the image /no/such.png: No such file"),
        (["--model=tiny", "--check=/no/such", "red.png"], "--check must be the directory"),
        (["--model=tiny", "--format=row", "--grpc", "red.png"], "--format is for predict_bytes"),
        (["--model=tiny", "--format=row", "--signature=classify", "x"], "--format is for predict"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_usage_is_found_before_anything_is_sent(run, argv, message):
    with pytest.raises(InputError, match=message):
        run(*argv)


def command(*argv):
    """Runs the client as a command, without TensorFlow."""
    code = (
        "import runpy, sys; sys.modules['tensorflow'] = sys.modules['tensorflow_serving'] = None; "
        "runpy.run_module('export.client', run_name='__main__')"
    )
    call = [sys.executable, "-c", code, *map(str, argv)]
    return subprocess.run(call, cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_command_needs_no_tensorflow_over_rest(server, images):
    result = command(
        images["red"], f"--port={server.rest_port}", "--model=tiny", "--version=1", images["blue"]
    )
    assert (result.returncode, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert lines[1:5] == [str(images["red"]), *RED_CLASSES]
    assert lines[5] == str(images["blue"])


def test_the_command_ends_with_2_if_an_image_is_refused(server, images):
    result = command(f"--port={server.rest_port}", "--model=tiny", images["damaged"])
    assert result.returncode == 2
    assert result.stderr.startswith("error: images without answer: 1 of 1. ")
    assert len(result.stderr.splitlines()) == 1


def test_the_command_ends_with_1_without_a_server(closed_port, images):
    result = command(f"--port={closed_port}", "--model=tiny", images["red"])
    assert (result.returncode, result.stdout) == (1, "")
    assert len(result.stderr.splitlines()) == 1


def test_wrong_flags_and_help_need_no_tensorflow():
    wrong = command("--format=rows", "--model=tiny", "red.png")
    assert wrong.returncode == 2
    assert "--format" in wrong.stderr
    assert command("--help").returncode == 0


def test_ports_by_default_are_those_of_tensorflow_serving(monkeypatch):
    asked = []
    monkeypatch.setattr(client_rest, "RestModel", lambda _, port, *__, **___: asked.append(port))
    monkeypatch.setattr(client_grpc, "GrpcModel", lambda _, port, *__, **___: asked.append(port))
    for argv in ([], ["--grpc"]):
        with flagsaver.flagsaver():
            flags.FLAGS(["client", *argv])
            client.connect("tiny")
    assert asked == [8501, 8500]
