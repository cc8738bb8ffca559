"""A small trained network and its export, which the tests of this folder share."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

import pdarts_tf as pd
from pdarts_tf.config import TrainConfig
from pdarts_tf.runs.run_directory import BEST_WEIGHTS, RunDirectory

# Every primitive of the search space is in one of the two cells.
GENOTYPE = pd.Genotype(
    normal=[
        ("sep_conv_3x3", 0),
        ("skip_connect", 1),
        ("dil_conv_3x3", 0),
        ("max_pool_3x3", 1),
        ("avg_pool_3x3", 2),
        ("sep_conv_5x5", 1),
        ("dil_conv_5x5", 3),
        ("skip_connect", 0),
    ],
    normal_concat=[2, 3, 4, 5],
    reduce=[
        ("skip_connect", 0),
        ("max_pool_3x3", 1),
        ("dil_conv_5x5", 0),
        ("sep_conv_3x3", 1),
        ("avg_pool_3x3", 0),
        ("dil_conv_3x3", 1),
        ("sep_conv_5x5", 2),
        ("skip_connect", 3),
    ],
    reduce_concat=[2, 3, 4, 5],
)
DATA: dict = {
    "name": "animals",
    "class_names": ["cat", "dog", "émeu"],
    "image_shape": [8, 12, 3],
    "num_train": 9,
    "num_test": 3,
    "mean": [0.4, 0.5, 0.6],
    "std": [0.2, 0.25, 0.3],
}
CONFIG = TrainConfig(
    genotype=str(GENOTYPE), layers=3, init_channels=4, auxiliary=False, drop_path_rate=0.1
)


@dataclasses.dataclass
class Trained:
    """A network as a training leaves it."""

    run_dir: Path
    network: pd.EvaluationNetwork

    def logits(self, pixels):
        """What the network says of images (batch, height, width, channels) from 0 to 255."""
        from pdarts_tf.data.augmentation import normalize

        images = normalize(pixels, DATA["mean"], DATA["std"])
        return self.network(images, training=False).numpy()


def trained(run_dir):
    """Makes a run directory with a network whose statistics are not those of initialization."""
    import types

    from pdarts_tf.runs import checkpoint
    from pdarts_tf.train.evaluation import make_network

    shape = types.SimpleNamespace(num_classes=3, image_shape=tuple(DATA["image_shape"]))
    network = make_network(CONFIG, shape)
    random = np.random.default_rng(5)
    for variable in network.weights:
        if "norm" in variable.path:
            variable.assign(random.uniform(0.5, 1.5, variable.shape))
    network.head.kernel.assign(random.normal(size=network.head.kernel.shape))
    with RunDirectory(run_dir, CONFIG, DATA) as run:
        archive = checkpoint.archive(checkpoint.variables_of(network), {"epochs": 1})
        run.write(BEST_WEIGHTS, archive)
    return Trained(run_dir, network)


@pytest.fixture(scope="session")
def trained_run(tmp_path_factory):
    """The network and its run directory."""
    return trained(tmp_path_factory.mktemp("runs") / "animals")


@pytest.fixture(scope="session")
def exported_model_dir(trained_run, tmp_path_factory):
    """The directory of the exported model: version 1 for a CPU, version 2 for a GPU."""
    from export import exporter
    from pdarts_tf.train.stored_network import stored_network

    model = tmp_path_factory.mktemp("models") / "animals"
    weights = trained_run.run_dir / BEST_WEIGHTS
    network = stored_network(CONFIG, DATA, weights)
    for kind in ("CPU", "GPU"):
        exporter.write_saved_model(network, DATA, model, serve_on=kind)
    return model


@pytest.fixture(scope="session")
def pictures():
    """Five images (5, 8, 12, 3) uint8."""
    return np.random.default_rng(6).integers(0, 256, (5, *DATA["image_shape"]), np.uint8)
