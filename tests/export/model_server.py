"""Runs a real tensorflow_model_server, if one is on PATH, with the interface of the stand-in."""

import contextlib
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import requests

from tests.export.fake_server import Server

PROGRAM = "tensorflow_model_server"
IS_MISSING = shutil.which(PROGRAM) is None
HOW_TO_GET = (
    f"NOT TESTED WITH A REAL SERVER: no {PROGRAM} on PATH. Take it from its image and test again: "
    "docker create --name serving tensorflow/serving && "
    f"docker cp serving:/usr/bin/{PROGRAM} .venv/bin/ && docker rm serving && "
    'PATH="$PWD/.venv/bin:$PATH" .venv/bin/python -m pytest tests/export/test_server.py'
)
_SECONDS_TO_LOAD = 120
_CONFIG = """
model_config_list {{
  config {{
    name: "{name}"
    base_path: "{directory}"
    model_platform: "tensorflow"
    model_version_policy {{ all {{ }} }}
  }}
}}
"""


def free_ports(count: int) -> list[int]:
    """TCP ports that nothing listens on."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


@contextlib.contextmanager
def serve(name: str, directory: Path) -> Iterator[Server]:
    """Serves all versions of a model until the block ends; looks for new ones every second."""
    rest_port, grpc_port = free_ports(2)
    with tempfile.TemporaryDirectory() as scratch:
        config, log = Path(scratch, "models.config"), Path(scratch, "log")
        config.write_text(_CONFIG.format(name=name, directory=directory))
        command = [
            PROGRAM,
            f"--port={grpc_port}",
            f"--rest_api_port={rest_port}",
            f"--model_config_file={config}",
            "--file_system_poll_wait_seconds=1",
        ]
        with log.open("w") as stream:
            process = subprocess.Popen(command, stdout=stream, stderr=stream)
        server = Server(rest_port, grpc_port)
        try:
            wait_until_ready(server, name, max(int(each.name) for each in directory.iterdir()))
            yield server
        except BaseException:
            print(log.read_text(errors="replace")[-20_000:])
            raise
        finally:
            process.terminate()
            process.wait(30)


def wait_until_ready(server: Server, name: str, version: int) -> None:
    """Waits until the server has loaded that version of the model.

    Raises:
        TimeoutError: it has not for two minutes.
    """
    last = "no answer"
    deadline = time.monotonic() + _SECONDS_TO_LOAD
    while time.monotonic() < deadline:
        with contextlib.suppress(requests.ConnectionError):
            response = requests.get(f"{server.rest}/v1/models/{name}", timeout=10)
            last = response.text
            found = response.json().get("model_version_status", [])
            states = {int(each["version"]): each["state"] for each in found}
            if states.get(version) == "AVAILABLE":
                return
        time.sleep(0.1)
    raise TimeoutError(f"{name}, version {version}, is not ready: {last}")
