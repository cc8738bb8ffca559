"""Time and size of a checkpoint: python -m benchmarks.checkpoint_cost

Writes checkpoints of the first supernet of the published search (5 cells, 16 channels, 8 candidates
per edge) and of the published CIFAR network (20 cells, 36 channels) into the present directory, as
runs do, and shows their share of the default interval. Run it with nothing else running.
"""

import statistics
import tempfile
import time

from absl import app

from pdarts_tf.training.runtime import configure

REPETITIONS = 9


def checkpoint_of(model, optimizers):
    """Returns {name: variable} of a run with that model."""
    from pdarts_tf.runs import checkpoint

    return checkpoint.variables_of(model, *optimizers) | checkpoint.metrics_of(model)


def supernet():
    """Returns the variables of a search in its last stage."""
    from pdarts_tf.search_space import SearchSpace
    from pdarts_tf.training.bilevel import Supernet
    from pdarts_tf.training.optimizers import arch_optimizer, weight_optimizer

    space = SearchSpace.full()
    model = Supernet(space, init_channels=16, num_layers=5, num_classes=10)
    model.build((None, 32, 32, 3))
    model.compile(weight_optimizer(), arch_optimizer())
    model.build_optimizers()
    return checkpoint_of(model, (model.optimizer, model.arch_optimizer))


def network():
    """Returns the variables of a training."""
    from pdarts_tf.genotype import GENOTYPES
    from pdarts_tf.training.optimizers import weight_optimizer
    from pdarts_tf.training.supervised import SupervisedNetwork

    model = SupervisedNetwork(
        GENOTYPES["PDARTS"], init_channels=36, num_layers=20, num_classes=10, auxiliary=True
    )
    model.build((None, 32, 32, 3))
    model.compile(weight_optimizer())
    model.optimizer.build(model.trainable_variables)
    return checkpoint_of(model, (model.optimizer,))


def measure(variables):
    """Returns (median seconds, bytes) of writing a checkpoint."""
    from pdarts_tf.runs import checkpoint

    seconds = []
    with tempfile.TemporaryDirectory(dir=".") as directory:
        for index in range(REPETITIONS):
            start = time.perf_counter()
            checkpoint.save(directory, index, variables, {}, 2)
            seconds.append(time.perf_counter() - start)
        size = len(checkpoint.archive(variables, {}))
    return statistics.median(seconds), size


def main(_):
    """Measures, and prints one line each."""
    configure()
    from pdarts_tf.config import CheckpointConfig

    interval = 60 * CheckpointConfig().checkpoint_every_minutes
    for name, variables in (("supernet", supernet()), ("network", network())):
        seconds, size = measure(variables)
        print(
            f"{name}: {size / 2**20:.1f} MiB in {1000 * seconds:.0f} ms, "
            f"{seconds / interval:.3%} of {interval:.0f} s"
        )


if __name__ == "__main__":
    app.run(main)
