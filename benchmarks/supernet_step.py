"""Time and memory of the search step, per stage of the paper, beside the official code.

    python -m benchmarks.supernet_step
    python -m benchmarks.supernet_step --official=CHECKOUT --official_python=PYTHON_WITH_TORCH

Per stage (5/11/17 cells, 8/5/3 candidates per edge, drawn at random) both run in processes of their
own, one after the other, on the same space: 16 channels, 32x32 images. Only the ratio of the two
means something on another machine. --json=FILE writes the same numbers.
"""

import json
import subprocess
import sys
import time

import numpy as np
from absl import app, flags

from benchmarks.official_task import OFFICIAL_STEP, official_task
from benchmarks.workloads import make_supernet, peak_memory_mb, random_batch
from pdarts_tf.config import SearchConfig
from pdarts_tf.cost.tables import table
from pdarts_tf.runs.files import write_whole
from pdarts_tf.search_space import random_space

_STAGES = flags.DEFINE_list("stages", ["1", "2", "3"], "Stages to measure.")
_BATCH_SIZE = flags.DEFINE_integer("batch_size", 32, "Images per step.", lower_bound=1)
_REPEATS = flags.DEFINE_integer("repeats", 5, "Steps of each kind; the median counts.", 1)
_OFFICIAL = flags.DEFINE_string("official", None, "Checkout of the official code, to compare with.")
_OFFICIAL_PYTHON = flags.DEFINE_string(
    "official_python", sys.executable, "Python that can import torch."
)
_JSON = flags.DEFINE_string("json", None, "File to write the numbers to.")
_WORKER = flags.DEFINE_integer("worker", None, "Internal: measure this stage, print JSON.")

COLUMNS = {
    "stage": "stage",
    "graph_nodes": "graph nodes",
    "first_step_seconds": "s to first step",
    "weight_step_seconds": "s/weight step",
    "arch_step_seconds": "s/alpha step",
    "images_per_second": "images/s",
    "peak_memory_mb": "peak MB",
    "official_images_per_second": "official images/s",
    "official_peak_memory_mb": "official peak MB",
    "ratio": "ratio",
}


def measure(stage, batch_size, repeats):
    """Returns the numbers of one stage, measured in this process."""
    from pdarts_tf.training.runtime import configure

    configure()
    import tensorflow as tf

    images, labels = random_batch(batch_size)
    before = peak_memory_mb()
    model = make_supernet(stage, random_space(stage.num_candidates))
    steps = {"weight": tf.function(model.weight_step), "arch": tf.function(model.arch_step)}
    start = time.perf_counter()
    graphs = [step.get_concrete_function(images, labels).graph for step in steps.values()]
    for step in steps.values():
        step(images, labels)
    first = time.perf_counter() - start
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(repeats):
        for name, step in steps.items():
            start = time.perf_counter()
            step(images, labels)
            seconds[name].append(time.perf_counter() - start)
    weight, arch = (float(np.median(seconds[name])) for name in ("weight", "arch"))
    return {
        "stage": stage.index + 1,
        "graph_nodes": sum(_num_nodes(graph.as_graph_def()) for graph in graphs),
        "first_step_seconds": first,
        "weight_step_seconds": weight,
        "arch_step_seconds": arch,
        "images_per_second": batch_size / (weight + arch),
        "peak_memory_mb": peak_memory_mb() - before,
    }


def _num_nodes(graph):
    return len(graph.node) + sum(len(each.node_def) for each in graph.library.function)


def _run(command, text=None):
    """Runs a worker and returns the JSON it prints last."""
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"error: {' '.join(command)} failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def _compare(stage):
    """Returns the numbers of one stage, with those of the official code if it is given."""
    numbers = {"batch_size": _BATCH_SIZE.value, "repeats": _REPEATS.value}
    options = [f"--{name}={value}" for name, value in numbers.items()]
    ours = [sys.executable, "-m", "benchmarks.supernet_step", f"--worker={stage.index}", *options]
    result = _run(ours)
    if _OFFICIAL.value:
        task = official_task(
            stage, random_space(stage.num_candidates), _OFFICIAL.value, _BATCH_SIZE.value
        )
        task["timing"] = {"rounds": _REPEATS.value, "steps": 1}
        official = _run([_OFFICIAL_PYTHON.value, "-m", OFFICIAL_STEP], json.dumps(task))
        result |= {
            "official_images_per_second": official["images_per_s"],
            "official_peak_memory_mb": official["peak_mb"],
        }
        result["ratio"] = result["images_per_second"] / result["official_images_per_second"]
    return result


def main(argv):
    """Measures the stages and prints a table."""
    del argv
    stages = SearchConfig().stages
    if _WORKER.value is not None:
        print(json.dumps(measure(stages[_WORKER.value], _BATCH_SIZE.value, _REPEATS.value)))
        return
    results = [_compare(stages[int(number) - 1]) for number in _STAGES.value]
    columns = [key for key in COLUMNS if key in results[0]]
    rows = [
        [f"{r[key]:,.2f}" if isinstance(r[key], float) else f"{r[key]:,}" for key in columns]
        for r in results
    ]
    print(table([COLUMNS[key] for key in columns], rows))
    if _JSON.value:
        write_whole(_JSON.value, json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    app.run(main)
