"""Workloads that the benchmarks share, and how memory is measured."""

import resource

from pdarts_tf.genotype import GENOTYPES

IMAGE_SIZE = 32
CLASSES = 10


def peak_memory_mb():
    """Returns the largest resident memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def random_batch(batch_size, image_size=IMAGE_SIZE):
    """Returns a batch of random images, (batch_size, image_size, image_size, 3), and labels."""
    import tensorflow as tf

    images = tf.random.stateless_normal((batch_size, image_size, image_size, 3), (0, 0))
    labels = tf.random.stateless_uniform((batch_size,), (1, 1), 0, CLASSES, tf.int64)
    return images, labels


def make_supernet(stage, space, image_size=IMAGE_SIZE, *, arch_order="first", **options):
    """Returns the supernet of a stage, built and with its optimizers.

    Args:
        stage: `StageConfig`.
        space: `SearchSpace`.
        image_size: Height and width of the images.
        arch_order: See `Supernet.compile`.
        **options: Further arguments of `Supernet`.
    """
    import pdarts_tf as pd

    model = pd.Supernet(
        space,
        init_channels=stage.init_channels,
        num_layers=stage.num_layers,
        num_classes=CLASSES,
        skip_dropout_rate=stage.skip_dropout_rate,
        name="supernet",
        **options,
    )
    model.build((None, image_size, image_size, 3))
    model.compile(pd.weight_optimizer(), pd.arch_optimizer(), arch_order=arch_order)
    model.build_optimizers()
    return model


def make_network(config, image_size=IMAGE_SIZE, **options):
    """Returns P-DARTS' evaluation network for training, built and with its optimizer.

    Args:
        config: `TrainConfig`, of which it takes the size of the network.
        image_size: Height and width of the images.
        **options: Further arguments of `SupervisedNetwork`.
    """
    import pdarts_tf as pd
    from pdarts_tf.stems import stem_for
    from pdarts_tf.training.supervised import SupervisedNetwork

    model = SupervisedNetwork(
        GENOTYPES["PDARTS"],
        init_channels=config.init_channels,
        num_layers=config.layers,
        num_classes=CLASSES,
        stem=stem_for(config.stem, (image_size, image_size)),
        auxiliary=config.auxiliary,
        drop_path_rate=config.drop_path_rate,
        name="network",
        **options,
    )
    model.build((None, image_size, image_size, 3))
    model.compile(pd.weight_optimizer())
    model.optimizer.build(model.trainable_variables)
    return model
