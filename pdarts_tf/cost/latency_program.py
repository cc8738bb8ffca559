"""Latencies of exported networks, measured by a program of its own.

The process has set TensorFlow up for training, and nothing in this package imports `export`.
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from typing import IO

from pdarts_tf.cost.candidates import ImageSetting, SizedNetwork
from pdarts_tf.cost.latency_model import Latency
from pdarts_tf.errors import RunError, printable

_PROGRAM = "from export import latency; latency.answer_requests()"


@contextlib.contextmanager
def measuring(images: ImageSetting, plugins: Sequence[str] = ()) -> Iterator[Latency]:
    """Starts the program, and returns a function that measures the latency of a network by it.

    The latency is the median time that the exported network with its weights at initialization
    takes for one image, on the CPUs of this machine, loaded as TensorFlow Serving loads it.

    Args:
        images: What the networks classify.
        plugins: Modules to import first, such as ones that register primitives.

    Raises:
        RunError: By the function, if the network cannot be exported or measured.
    """
    # It finds the modules that this process finds: with -P, none of the working directory first.
    paths = os.pathsep.join(path or os.getcwd() for path in sys.path)
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1", "PYTHONPATH": paths}
    command = [sys.executable, "-P", "-c", _PROGRAM, *plugins]
    with (
        tempfile.TemporaryFile() as messages,
        subprocess.Popen(
            command,
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=messages,
            env=environment,
        ) as process,
    ):
        try:
            yield lambda candidate: _answer(process, candidate, images, messages)
        finally:
            process.kill()


def _answer(
    process: "subprocess.Popen[bytes]",
    candidate: SizedNetwork,
    images: ImageSetting,
    messages: IO[bytes],
) -> float:
    """Returns the answer of the program, or raises with the last line of its messages."""
    request = {
        "genotype": str(candidate.genotype),
        "num_layers": candidate.layers,
        "init_channels": candidate.init_channels,
        "num_classes": images.num_classes,
        "stem": images.stem,
        "image_shape": images.shape,
    }
    answer = b""
    if process.stdin and process.stdout:
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(json.dumps(request).encode() + b"\n")
            answer = process.stdout.readline()
    if not answer:
        process.wait()
        messages.seek(0)
        lines = messages.read().decode("utf-8", "replace").splitlines()
        reason = lines[-1] if lines else "its program has ended without a word"
        raise RunError(f"the latency of {candidate} cannot be measured ({printable(reason)})")
    return float(answer)
