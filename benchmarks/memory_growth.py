"""Memory of a training, estimated and measured; the work behind `benchmarks.memory_estimate`.

python -m benchmarks.memory_growth 3 32 first    # measures stage 3 at 32 images, in this process
"""

import json
import subprocess
import sys

from benchmarks.workloads import (
    CLASSES,
    IMAGE_SIZE,
    make_network,
    make_supernet,
    peak_memory_mb,
    random_batch,
)
from pdarts_tf.config import SearchConfig, TrainConfig
from pdarts_tf.cost.memory import network_memory, supernet_memory
from pdarts_tf.genotype import GENOTYPES
from pdarts_tf.search_space import random_space

WHAT = ("1", "2", "3", "network")
"""The stages of the paper, and its evaluation network with auxiliary head."""

STEPS = 3


def estimate(what, arch_order="first"):
    """Returns the `Memory` of one of `WHAT`, for an order of the gradient of the alphas."""
    size = IMAGE_SIZE, IMAGE_SIZE
    if what == "network":
        config = TrainConfig()
        network = config.init_channels, config.layers, CLASSES, "cifar"
        return network_memory(GENOTYPES["PDARTS"], *network, size, auxiliary=config.auxiliary)
    stage = SearchConfig().stages[int(what) - 1]
    return supernet_memory(
        random_space(stage.num_candidates),
        stage.init_channels,
        stage.num_layers,
        CLASSES,
        "cifar",
        size,
        skip_dropout=stage.skip_dropout_rate > 0,
        arch_order=arch_order,
    )


def compare(what, batch_size, arch_order="first"):
    """Returns a row of the table, with what a process of its own has measured."""
    command = [sys.executable, "-m", "benchmarks.memory_growth", what, str(batch_size), arch_order]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"error: {' '.join(command)} failed:\n{done.stderr}")
    measured = json.loads(done.stdout.splitlines()[-1])
    estimated = estimate(what, arch_order).total(batch_size) / 2**20
    return {
        "what": what if what == "network" else f"stage {what}",
        "batch": batch_size,
        "estimated MB": round(estimated),
        "measured MB": round(measured),
        "ratio": round(estimated / measured, 2),
    }


def measure(what, batch_size, arch_order):
    """Returns by how many MB the steps of a training raise the peak of this process' memory."""
    from pdarts_tf.training.runtime import configure

    configure()
    from pdarts_tf.training.epoch_progress import EpochProgress
    from pdarts_tf.training.loop import TrainingLoop

    batch = random_batch(batch_size)
    if what == "network":
        model = make_network(TrainConfig())
    else:
        stage = SearchConfig().stages[int(what) - 1]
        model = make_supernet(stage, random_space(stage.num_candidates), arch_order=arch_order)
        batch = batch, batch
    before = peak_memory_mb()
    TrainingLoop(model).run_epoch(0, iter([batch] * STEPS), STEPS, EpochProgress())
    return peak_memory_mb() - before


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], int(sys.argv[2]), sys.argv[3])))
