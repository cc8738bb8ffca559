"""Latency of networks in their exported form, one image at a time."""

import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from pdarts_tf.genotype import Genotype
from pdarts_tf.plugins import imported
from pdarts_tf.startup import import_tensorflow

_CALLS, _SECONDS = 20, 1.0  # at least: so that a moment in which others compute does not count

Exported = Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float32]]
"""Function of images (batch, height, width, channels) to logits (batch, classes)."""


def exported_function(path: str | os.PathLike[str]) -> Exported:
    """Returns the function of a SavedModel, run as TensorFlow Serving runs it.

    Args:
        path: Directory of a version, with the signature `serving_default`.
    """
    tf = import_tensorflow()
    config = tf.compat.v1.ConfigProto(
        intra_op_parallelism_threads=1, inter_op_parallelism_threads=os.cpu_count()
    )
    session = tf.compat.v1.Session(graph=tf.Graph(), config=config)
    with session.graph.as_default():
        loaded = tf.compat.v1.saved_model.load(session, ["serve"], os.fspath(path))
    signature = loaded.signature_def["serving_default"]
    images, logits = signature.inputs["images"].name, signature.outputs["logits"].name
    return lambda batch: session.run(logits, {images: batch})


def milliseconds(
    genotype: Genotype,
    *,
    num_layers: int,
    init_channels: int,
    num_classes: int,
    stem: str,
    image_shape: Sequence[int],
) -> float:
    """Returns the median time of a call with one image, after a first call.

    The network is exported with its weights at initialization.

    Args:
        genotype, num_layers, init_channels, num_classes, stem: See `EvaluationNetwork`.
        image_shape: (height, width, channels).

    Raises:
        RunError: The network cannot be exported.
    """
    from export import exporter  # these import TensorFlow, which takes seconds
    from pdarts_tf.models.network import EvaluationNetwork

    network = EvaluationNetwork(
        genotype,
        init_channels=init_channels,
        num_layers=num_layers,
        num_classes=num_classes,
        stem=stem,
    )
    network.build((None, *image_shape))
    data = {
        "class_names": [str(i) for i in range(num_classes)],
        "image_shape": list(image_shape),
        "mean": [0.5] * image_shape[-1],
        "std": [0.25] * image_shape[-1],
    }
    with tempfile.TemporaryDirectory(prefix="pdarts_latency_") as scratch:
        exporter.write_saved_model(network, data, os.path.join(scratch, "model"), version=1)
        function = exported_function(os.path.join(scratch, "model", "1"))
        return _median_milliseconds(function, np.ones((1, *image_shape), np.float32))


def _median_milliseconds(function: Exported, batch: npt.NDArray[np.float32]) -> float:
    function(batch)  # in which TensorFlow optimizes the graph
    seconds: list[float] = []
    while len(seconds) < _CALLS or sum(seconds) < _SECONDS:
        start = time.perf_counter()
        function(batch)
        seconds.append(time.perf_counter() - start)
    return 1000 * statistics.median(seconds)


def answer_requests() -> None:
    """Answers every line of standard input, arguments of `milliseconds` in JSON, by the result.

    Arguments of the program are modules to import first. `cost.latency_program` runs it.
    """
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what others print is no answer
    import_tensorflow()
    for name in sys.argv[1:]:
        imported(name, f"--plugins={name}")
    for line in sys.stdin:
        request = json.loads(line)
        genotype = Genotype.parse(request.pop("genotype"))
        print(milliseconds(genotype, **request), file=answers, flush=True)
