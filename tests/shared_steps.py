"""Steps on however many devices there are: python -m tests.shared_steps OUT.npz DEVICES

Runs with 1 or 2 logical CPU devices, or as a worker of TF_CONFIG, what has to come out the same,
and writes all numbers. A process of its own, since TensorFlow's devices cannot be changed later.
"""

import sys

import numpy as np

import pdarts_tf as pd
from pdarts_tf.training.devices import Devices, spread
from pdarts_tf.training.runtime import configure

BATCH = 8
STEPS = {"first": 5, "second": 2}
"""Bilevel steps by the order of the gradient of the alphas."""
# By edge; on all others a skip-connect, and on all edges none.
OPERATIONS = {0: "sep_conv_3x3", 3: "dil_conv_3x3", 4: "max_pool_3x3", 11: "avg_pool_3x3"}
GENOTYPE = pd.GENOTYPES["DARTS_V2"]


def search_space():
    """Every edge has one operation or none, and few have a costly one, which is quick to trace."""
    edges = [("none", OPERATIONS.get(edge, "skip_connect")) for edge in range(14)]
    mask = np.array([[name in names for name in pd.PRIMITIVES] for names in edges])
    return pd.SearchSpace(mask, mask)


def labelled_images(seed):
    """Images (8, 8, 8, 3) whose halves differ in mean, and labels."""
    rng = np.random.default_rng(seed)
    images = rng.normal(size=(BATCH, 8, 8, 3)) + 0.1 * np.arange(BATCH).reshape(-1, 1, 1, 1)
    return images.astype(np.float32), rng.integers(0, 3, BATCH)


def arrays(prefix, variables):
    return {f"{prefix}/{variable.path}": np.asarray(variable) for variable in variables}


def normalization(strategy):
    """Synchronized batch norm of images far from 0, and its gradients."""
    import tensorflow as tf

    from pdarts_tf.layers import replicas
    from pdarts_tf.layers.normalization import normalize_global_batch

    images, _ = labelled_images(0)
    rng = np.random.default_rng(1)
    scale, offset = tf.constant([1.0, 0.5, -2.0]), tf.constant([0.0, 3.0, -1.0])
    upstream = rng.normal(size=images.shape).astype(np.float32)

    def step(batch):
        x, dy = batch
        with tf.GradientTape() as tape:
            tape.watch([x, scale, offset])
            y, mean, variance = normalize_global_batch(x, scale, offset)
        dx, dscale, doffset = tape.gradient(y, [x, scale, offset], dy)
        sums = replicas.total([dscale, doffset])
        return {"y": y, "dx": dx}, {"mean": mean, "variance": variance}, sums

    batch = spread(strategy, (tf.constant(images + 10.0), tf.constant(upstream)))
    parts, statistics, sums = tf.function(lambda b: strategy.run(step, (b,)))(batch)
    local = strategy.experimental_local_results
    result = {f"norm/{name}": np.concatenate(local(v)) for name, v in parts.items()}
    result |= {f"norm/{name}": np.asarray(local(v)[0]) for name, v in statistics.items()}
    names = ("dscale", "doffset")
    result |= {f"norm/{n}": np.asarray(local(v)[0]) for n, v in zip(names, sums, strict=True)}
    return result | {"norm/dy": upstream}


def bilevel(strategy, arch_order="first"):
    """Bilevel steps with dropout and synchronized batch norms, and a validation."""
    import tensorflow as tf

    from pdarts_tf.training.epoch_progress import EpochProgress
    from pdarts_tf.training.loop import TrainingLoop

    with strategy.scope():
        model = pd.Supernet(
            search_space(),
            init_channels=2,
            num_layers=3,
            num_classes=3,
            skip_dropout_rate=0.4,
            seed=3,
            sync_batch_norm=True,
        )
        model.build((None, 8, 8, 3))
        model.compile(
            weight_optimizer=pd.weight_optimizer(0.025),
            arch_optimizer=pd.arch_optimizer(6e-3),
            arch_order=arch_order,
        )
        model.build_optimizers()
    batches = [
        tuple(tuple(map(tf.constant, labelled_images(seed))) for seed in (i, i + 100))
        for i in range(STEPS[arch_order])
    ]
    loop = TrainingLoop(model, strategy=strategy)
    progress = EpochProgress()
    loop.run_epoch(0, iter(batches), len(batches), progress)
    weights = tf.constant([1.0] * 6 + [0.0] * 2)  # the second half counts less than the first
    logs = dict(progress.logs) | loop.evaluate([(*batches[0][0], weights)])
    optimizers = [*model.optimizer.variables, *model.arch_optimizer.variables]
    prefix = "bilevel" if arch_order == "first" else "second_order"
    state = arrays(prefix, [*model.weights, *optimizers])
    return state | {f"{prefix}_logs/{name}": value for name, value in logs.items()}


def supervised(strategy, sync_batch_norm, dtype="float32"):
    """Two steps of an evaluation network with drop-path.

    Without synchronized batch norms a single device computes its batch in two parts, and the
    images have shares of two classes that weigh differently.
    """
    import tensorflow as tf

    from pdarts_tf.training.epoch_progress import EpochProgress
    from pdarts_tf.training.loop import TrainingLoop
    from pdarts_tf.training.supervised import SupervisedNetwork

    with strategy.scope():
        model = SupervisedNetwork(
            GENOTYPE,
            init_channels=2,
            num_layers=3,
            num_classes=3,
            drop_path_rate=0.5,
            sync_batch_norm=sync_batch_norm,
            dtype=dtype,
        )
        model.build((None, 8, 8, 3))
        alone = strategy.num_replicas_in_sync == 1 and not sync_batch_norm
        model.compile(
            pd.weight_optimizer(),
            gradient_accumulation=2 if alone else 1,
            class_weights=None if sync_batch_norm else [0.5, 1.0, 2.0],
        )
        model.optimizer.build(model.trainable_variables)
        for variable in model.optimizer.variables:
            if variable.name == "loss_scale":
                variable.assign(256.0)  # small enough for these gradients
    batches = [tuple(map(tf.constant, labelled_images(i))) for i in range(2)]
    if not sync_batch_norm:
        batches = [(x, 0.7 * tf.one_hot(y, 3) + 0.3 * tf.one_hot(y[::-1], 3)) for x, y in batches]
    progress = EpochProgress()
    TrainingLoop(model, strategy=strategy).run_epoch(0, iter(batches), 2, progress)
    prefix = "synchronized" if sync_batch_norm else "local"
    prefix = prefix if dtype == "float32" else dtype.removeprefix("mixed_")
    state = arrays(prefix, [*model.weights, *model.optimizer.variables])
    return state | {f"{prefix}_logs/{name}": value for name, value in progress.logs.items()}


def main(path, num_devices):
    """Writes the numbers of all of the above."""
    devices = Devices.from_environment("auto", num_devices)
    configure(num_devices)
    import tensorflow as tf

    # Few steps: optimizing their graphs takes longer than they do.
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    strategy = devices.make_strategy()
    results = normalization(strategy) | bilevel(strategy) | supervised(strategy, True)
    results |= bilevel(strategy, "second")
    if not devices.multi_worker:
        results |= supervised(strategy, False) | supervised(strategy, True, "mixed_float16")
    np.savez(path, **results)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
