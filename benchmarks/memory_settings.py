"""Peak memory of one step for each of the settings that save some, and what they cost in time.

    python -m benchmarks.memory_settings
    python -m benchmarks.memory_settings --networks=evaluation --settings=plain,rematerialize

Every measurement is a process of its own: the largest resident memory after a step, less that
before the network was made. Of the first step, which compiles, the processor time of all threads is
measured with that of tracing; the second step is timed. Times mean something beside each other, and
on an idle machine, only. --json=FILE writes the same numbers.
"""

import json
import subprocess
import sys
import time
from typing import Any

from absl import app, flags

from benchmarks.workloads import IMAGE_SIZE, peak_memory_mb
from pdarts_tf.config import SearchConfig
from pdarts_tf.cost.tables import table
from pdarts_tf.runs.files import write_whole
from pdarts_tf.search_space import random_space

SETTINGS: dict[str, dict[str, Any]] = {
    "plain": {},
    "rematerialize": {"rematerialize": True},
    "accumulation": {"gradient_accumulation": 4},
    "bfloat16": {"dtype": "mixed_bfloat16"},
    "float16": {"dtype": "mixed_float16"},
    "jit_compile": {"compile_cells": True},
    "jit_compile=step": {"compile_step": True},
}
NETWORKS = {
    "supernet": "first stage of the search, 5 cells of 16 channels",
    "evaluation": "P-DARTS, 8 cells of 16 channels",
}
_NETWORKS = flags.DEFINE_list("networks", list(NETWORKS), "Networks to measure.")
_SETTINGS = flags.DEFINE_list("settings", list(SETTINGS), f"Of {', '.join(SETTINGS)}.")
_BATCH_SIZE = flags.DEFINE_integer("batch_size", 64, "Images per step.", lower_bound=4)
_JSON = flags.DEFINE_string("json", None, "File to write the numbers to.")
_WORKER = flags.DEFINE_string("worker", None, "Internal: NETWORK,SETTING to measure, prints JSON.")


def _supernet(**options):
    import pdarts_tf as pd

    stage = SearchConfig().stages[0]
    return pd.Supernet(
        random_space(stage.num_candidates),
        init_channels=stage.init_channels,
        num_layers=stage.num_layers,
        **options,
    )


def _network(**options):
    import pdarts_tf as pd
    from pdarts_tf.training.supervised import SupervisedNetwork

    return SupervisedNetwork(
        pd.GENOTYPES["PDARTS"],
        init_channels=16,
        num_layers=8,
        auxiliary=True,
        drop_path_rate=0.3,
        **options,
    )


def measure(network, setting, batch_size):
    """Returns the numbers of one network with one setting, measured in this process."""
    import pdarts_tf as pd
    from pdarts_tf.training.runtime import configure

    configure()
    import tensorflow as tf

    options = dict(SETTINGS[setting])
    parts = options.pop("gradient_accumulation", 1)
    images = tf.random.stateless_normal((batch_size, IMAGE_SIZE, IMAGE_SIZE, 3), (0, 0))
    labels = tf.random.stateless_uniform((batch_size,), (1, 1), 0, 10, tf.int64)
    before, begun = peak_memory_mb(), time.process_time()
    model = (_supernet if network == "supernet" else _network)(**options)
    model.build(images.shape)
    if network == "supernet":
        model.compile(weight_optimizer=pd.weight_optimizer(), arch_optimizer=pd.arch_optimizer())
        model.build_optimizers()
        run = model.weight_step
    else:
        model.compile(pd.weight_optimizer(), gradient_accumulation=parts)
        model.optimizer.build(model.trainable_variables)
        run = lambda *batch: model.train_step(batch)  # noqa: E731, a name for either
    step = tf.function(run, autograph=False, jit_compile=model.compile_step or None)
    graph = step.get_concrete_function(images, labels)
    traced = peak_memory_mb()
    graph(images, labels)
    first = time.process_time() - begun
    start = time.perf_counter()
    graph(images, labels)
    return {
        "network": network,
        "setting": setting,
        "peak_mb": peak_memory_mb() - before,
        "step_mb": peak_memory_mb() - traced,
        "first_cpu_seconds": first,
        "seconds": time.perf_counter() - start,
    }


def _measured(network, setting):
    command = [sys.executable, "-m", "benchmarks.memory_settings", f"--worker={network},{setting}"]
    command.append(f"--batch_size={_BATCH_SIZE.value}")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"error: {' '.join(command)} failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def main(argv):
    """Measures and prints a table."""
    del argv
    if _WORKER.value is not None:
        network, setting = _WORKER.value.split(",")
        print(json.dumps(measure(network, setting, _BATCH_SIZE.value)))
        return
    results = [
        _measured(network, setting)
        for network in _NETWORKS.value
        for setting in _SETTINGS.value
        if (network, setting) != ("supernet", "accumulation")
    ]
    header = ("network", "setting", "peak MB", "of which in steps", "CPU s to first step", "s/step")
    rows = [
        (
            r["network"],
            r["setting"],
            f"{r['peak_mb']:,.0f}",
            f"{r['step_mb']:,.0f}",
            f"{r['first_cpu_seconds']:,.0f}",
            f"{r['seconds']:.2f}",
        )
        for r in results
    ]
    print(table(header, rows))
    for name in _NETWORKS.value:
        print(f"{name}: {NETWORKS[name]}, {_BATCH_SIZE.value} images {IMAGE_SIZE}x{IMAGE_SIZE}")
    if _JSON.value:
        write_whole(_JSON.value, json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    app.run(main)
