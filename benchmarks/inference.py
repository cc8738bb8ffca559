"""Latency and throughput of the exported network, beside Keras and the official code.

    python -m benchmarks.inference
    python -m benchmarks.inference --official=CHECKOUT --official_python=PYTHON_WITH_TORCH

The CIFAR network of the paper (36 channels, 20 cells, 32x32 images): its exported signature, loaded
as TensorFlow Serving loads it; Keras' `predict` of the network it was exported from; the forward
pass of the official code. Each runs in a process of its own, and they take turns, so that a noisy
machine is noisy for all of them. Only ratios mean something elsewhere. --json=FILE writes them.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np
from absl import app, flags

from export import latency
from pdarts_tf.cost.tables import table
from pdarts_tf.runs.files import write_whole

_ROUNDS = flags.DEFINE_integer("rounds", 9, "Turns of each; the median counts.", 1)
_OFFICIAL = flags.DEFINE_string("official", None, "Checkout of the official code, to compare with.")
_OFFICIAL_PYTHON = flags.DEFINE_string(
    "official_python", sys.executable, "Python that can import torch."
)
_JSON = flags.DEFINE_string("json", None, "File to write the numbers to.")
_WORKER = flags.DEFINE_enum("worker", None, ["exported", "keras"], "Internal: take turns.")
_MODEL = flags.DEFINE_string("model", None, "Internal: the exported model.")

CHANNELS, LAYERS, IMAGE_SIZE = 36, 20, 32
DATA: dict = {
    "class_names": [str(i) for i in range(10)],
    "image_shape": [IMAGE_SIZE, IMAGE_SIZE, 3],
    "mean": [0.5, 0.5, 0.5],
    "std": [0.25, 0.25, 0.25],
}
REPEATS = {1: 10, 64: 1}
"""Batch size -> passes per turn."""


def make_network():
    """Returns the network, with random weights."""
    import pdarts_tf as pd

    network = pd.EvaluationNetwork(
        pd.GENOTYPES["PDARTS"], init_channels=CHANNELS, num_layers=LAYERS
    )
    network.build((None, IMAGE_SIZE, IMAGE_SIZE, 3))
    return network


def export_network(directory):
    """Writes the SavedModel; in a process of its own, which needs its memory no longer."""
    from absl import logging

    from pdarts_tf.training.runtime import configure

    configure()
    logging.set_verbosity(logging.WARNING)  # TensorFlow tells of every file that it writes
    from export import exporter

    exporter.write_saved_model(make_network(), DATA, directory)


def keras_function():
    """Returns Keras' `predict` of the network."""
    from pdarts_tf.training.runtime import configure

    configure()
    network = make_network()
    return lambda batch: network.predict(batch, batch_size=len(batch), verbose=0)


def take_turns(function):
    """Reads batch sizes from standard input, and prints the seconds that a pass took."""
    batches = {size: np.ones((size, *DATA["image_shape"]), np.float32) for size in REPEATS}
    for batch in batches.values():
        for _ in range(2):
            function(batch)
    print("ready", flush=True)
    for line in sys.stdin:
        size = int(line)
        start = time.perf_counter()
        for _ in range(REPEATS[size]):
            function(batches[size])
        print((time.perf_counter() - start) / REPEATS[size], flush=True)


def start(command):
    """Starts a worker; returns the process once it is ready."""
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True
    )
    if process.stdout is None or process.stdout.readline().strip() != "ready":
        raise SystemExit(f"error: {' '.join(command)} failed")
    return process


def measure(workers):
    """Returns {batch size: {name: seconds per pass, one per round}}."""
    seconds: dict[int, dict[str, list[float]]] = {
        size: {name: [] for name in workers} for size in REPEATS
    }
    for size in REPEATS:
        for _ in range(_ROUNDS.value):
            for name, worker in workers.items():
                worker.stdin.write(f"{size}\n")
                worker.stdin.flush()
                seconds[size][name].append(float(worker.stdout.readline()))
    return seconds


def summary(seconds):
    """Returns one row per batch size and contender; a ratio is the median over the rounds."""
    rows = []
    for size, by_name in seconds.items():
        ours = np.array(by_name["exported"])
        for name, values in by_name.items():
            median = float(np.median(values))
            ratio = float(np.median(np.array(values) / ours))
            rows.append(
                {
                    "batch": size,
                    "what": name,
                    "ms": 1000 * median,
                    "images_per_second": size / median,
                    "exported_is_faster_by": ratio,
                }
            )
    return rows


def main(argv):
    """Measures, and prints a table."""
    del argv
    if _WORKER.value == "exported":
        take_turns(latency.exported_function(str(_MODEL.value)))
        return
    if _WORKER.value == "keras":
        take_turns(keras_function())
        return
    this = [sys.executable, "-m", "benchmarks.inference"]
    with tempfile.TemporaryDirectory() as scratch:
        model = os.path.join(scratch, "cifar")
        export_network(model)
        commands = {
            "exported": [*this, "--worker=exported", f"--model={model}/1"],
            "keras": [*this, "--worker=keras"],
        }
        if _OFFICIAL.value:
            checkout = str(pathlib.Path(_OFFICIAL.value).resolve())
            commands["official"] = [
                _OFFICIAL_PYTHON.value,
                "-m",
                "benchmarks.official_inference",
                checkout,
            ]
        workers = {name: start(command) for name, command in commands.items()}
        rows = summary(measure(workers))
        for worker in workers.values():
            worker.communicate()
    print(
        table(
            ["batch", "what", "ms/batch", "images/s", "exported is faster by"],
            [[f"{v:,.2f}" if isinstance(v, float) else v for v in row.values()] for row in rows],
        )
    )
    if _JSON.value:
        write_whole(_JSON.value, json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    app.run(main)
