"""Networks in plain Keras compute what the networks do that they stand for."""

import keras
import numpy as np
import pytest

import pdarts_tf as pd
from export import keras_weights
from export.keras_source import NetworkSizes, network_source
from pdarts_tf.errors import RunError
from pdarts_tf.genotype import GENOTYPES
from pdarts_tf.primitives import TABLE

SHAPES = {
    "cifar": (8, 12, 3), "stride2": (8, 16, 3), "stride4": (32, 16, 3), "imagenet": (32, 64, 3),
}  # fmt: skip
SMALL = {"init_channels": 4, "num_layers": 3, "num_classes": 5}
EXACT = [name for name in TABLE if name != "avg_pool_3x3"]


def both(genotype, stem="cifar", shape=None, change=None):
    """An evaluation network, whose weights a function changes, and the same in plain Keras."""
    network = pd.EvaluationNetwork(genotype, **SMALL, stem=stem)
    shape = shape or SHAPES[stem]
    network.build((None, *shape))
    for variable in network.weights:
        if variable.trainable or "moving" in variable.path:
            variable.assign((change or randomized)(variable))
    plain = keras_weights.build(network_source(genotype, NetworkSizes(shape, 4, 3, 5, stem)))
    keras_weights.copy_weights(network, plain)
    return network, plain


def randomized(variable, random=np.random.default_rng(0)):  # noqa: B008, one stream for all
    """Batch norms unlike those of initialization; kernels as they are."""
    norm = "norm" in variable.path and "kernel" not in variable.path
    return random.uniform(0.5, 1.5, variable.shape) if norm else variable.numpy()


def one_of_each(variable, random=np.random.default_rng(1)):  # noqa: B008
    """Kernels that move single pixels, and batch norms that change nothing."""
    if "moving_variance" in variable.path:
        return np.full(variable.shape, 1 - 1e-5)
    if "gamma" in variable.path:
        return np.ones(variable.shape)
    kernel = np.zeros(variable.shape)
    if "kernel" in variable.path:
        depthwise = variable.shape[-1] == 1 and variable.shape[0] > 1
        for channel in range(variable.shape[-2 if depthwise else -1]):
            place = [random.integers(size) for size in variable.shape]
            place[-2 if depthwise else -1] = channel
            kernel[tuple(place)] = 1
    return kernel


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        *((name, "cifar") for name in GENOTYPES),
        *(("PDARTS", stem) for stem in SHAPES if stem != "cifar"),
    ],
)
def test_published_genotypes(name, stem):
    network, plain = both(GENOTYPES[name], stem)
    images = np.random.default_rng(2).normal(size=(2, *SHAPES[stem])).astype(np.float32)
    expected = network(images).numpy()
    assert np.ptp(expected) > 0.1
    np.testing.assert_allclose(plain.model(images), expected, rtol=1e-5, atol=1e-5)
    assert plain.num_parameters == pd.count_parameters(network)


@pytest.mark.parametrize("name", EXACT)
def test_primitives_in_exact_arithmetic(name):
    edges = [(name, 0), ("max_pool_3x3", 1), (name, 2), ("skip_connect", 1)]
    network, plain = both(
        pd.Genotype(edges, [2, 3], edges, [2, 3]), shape=(16, 24, 3), change=one_of_each
    )
    images = np.random.default_rng(3).integers(0, 99, (2, 16, 24, 3)).astype(np.float32)
    last = network.without_top(None)(images)
    features = keras.Model(plain.model.input, plain.model.layers[-3].output)(images)
    assert np.unique(last).size > 20
    np.testing.assert_array_equal(features, last)


def test_what_leads_nowhere_has_no_weights():
    edges = [("sep_conv_3x3", 1), ("skip_connect", 1), ("dil_conv_5x5", 0), ("max_pool_3x3", 2)]
    network, plain = both(pd.Genotype(edges, [2], edges, [2]))
    images = np.random.default_rng(4).normal(size=(2, *SHAPES["cifar"])).astype(np.float32)
    np.testing.assert_allclose(plain.model(images), network(images), rtol=1e-5, atol=1e-5)
    assert plain.num_parameters < pd.count_parameters(network)


def test_other_weights_are_noticed():
    network, _ = both(GENOTYPES["DARTS_V1"])
    source = network_source(GENOTYPES["DARTS_V1"], NetworkSizes(SHAPES["cifar"], 4, 3, 5))
    wrong = source.replace("epsilon=1e-5", "epsilon=1e-1")
    data = {"image_shape": SHAPES["cifar"], "mean": [0.5] * 3, "std": [0.25] * 3}
    with pytest.raises(RunError, match="the exported model's logits differ from the network's by"):
        keras_weights.trained_network(network, wrong, data)
