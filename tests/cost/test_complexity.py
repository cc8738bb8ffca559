"""Parameters and multiply-accumulates: the official counts, exactly."""

import json
import math

import numpy as np
import pytest

import pdarts_tf as pd
from pdarts_tf.cost.complexity import model_blocks
from tests.networks import GOLDENS
from tests.supernets import uniform_space

COUNTS = json.loads((GOLDENS / "counts.json").read_text())
NETWORKS = [name for name in COUNTS if not name.startswith("supernet/")]
SUPERNETS = [name for name in COUNTS if name.startswith("supernet/")]
# Layers are built alike for every number of channels and classes, so one setting per genotype will
# do, and one genotype for the other stem.
BUILT = [
    *(
        pytest.param(name, marks=[] if name.startswith("PDARTS") else pytest.mark.slow)
        for name in NETWORKS
        if name.endswith("/imagenet")
    ),
    "PDARTS/cifar10",
]


def network(name, auxiliary=True):
    """The network of one golden count, not built."""
    genotype, setting = name.split("/")
    count = COUNTS[name]
    stem = "imagenet" if setting == "imagenet" else "cifar"
    sizes = count["init_channels"], count["layers"], count["classes"]
    return pd.EvaluationNetwork(pd.GENOTYPES[genotype], *sizes, stem=stem, auxiliary=auxiliary)


@pytest.mark.parametrize("name", NETWORKS)
def test_counts_are_the_official_ones(name):
    model, count = network(name), COUNTS[name]
    assert pd.count_parameters(model) == count["params"]
    assert pd.count_parameters(model, include_auxiliary=True) == count["params_with_auxiliary"]
    assert pd.count_macs(model, count["image_size"]) == count["macs"]
    assert not model.built


def test_there_are_twenty_of_them():
    assert len(NETWORKS) == 20


@pytest.mark.parametrize("name", BUILT)
def test_built_variables_are_as_many_as_counted(name):
    model = network(name)
    model.build((None, None, None, 3))
    built = sum(math.prod(variable.shape) for variable in model.trainable_variables)
    assert built == COUNTS[name]["params_with_auxiliary"]


@pytest.mark.parametrize("name", SUPERNETS)
def test_supernets_are_counted_without_their_alphas(name):
    count = COUNTS[name]
    space = uniform_space(*count["operations"])
    model = pd.Supernet(space, count["init_channels"], count["layers"], count["classes"])
    assert pd.count_parameters(model) == count["params_without_alphas"]


def test_a_supernet_counts_the_candidates_of_each_edge():
    space = pd.SearchSpace.full().drop_lowest(*np.random.default_rng(0).normal(size=(2, 14, 8)), 5)
    model = pd.Supernet(space, 4, 3)
    model.build((None, None, None, 1))
    built = sum(math.prod(variable.shape) for variable in model.trainable_variables)
    assert pd.count_parameters(model) == built


def test_a_head_that_is_not_there_is_not_counted():
    model = network("PDARTS/cifar10", auxiliary=False)
    assert pd.count_parameters(model, include_auxiliary=True) == COUNTS["PDARTS/cifar10"]["params"]


def test_the_channels_of_the_images_count():
    gray = pd.EvaluationNetwork(pd.GENOTYPES["PDARTS"], 2, 3)
    rgb_parameters, rgb_macs = pd.count_parameters(gray), pd.count_macs(gray, 8)
    gray.build((None, 8, 8, 1))
    assert rgb_parameters - pd.count_parameters(gray) == 2 * 9 * 6
    assert rgb_macs - pd.count_macs(gray, 8) == 2 * 9 * 6 * 64


def test_convolutions_count_per_pixel():
    model = pd.EvaluationNetwork(pd.GENOTYPES["PDARTS"], 2, 3, num_classes=10)
    classifier = model.head.units * model.cells[-1].output_channels
    square, wide = (pd.count_macs(model, size) for size in (8, (8, 16)))
    assert wide - classifier == 2 * (square - classifier)


def test_blocks_come_in_order_and_with_their_outputs():
    model = pd.EvaluationNetwork(pd.GENOTYPES["PDARTS"], 4, 4, num_classes=10, stem="imagenet")
    blocks = [
        (block.name, block.kind, block.channels, block.height, block.width)
        for block in model_blocks(model, (64, 96))
    ]
    assert blocks == [
        ("stem", "stem", 4, 8, 12),
        ("cell 0", "normal", 16, 8, 12),
        ("cell 1", "reduce", 32, 4, 6),
        ("cell 2", "reduce", 64, 2, 3),
        ("cell 3", "normal", 64, 2, 3),
        ("classifier", "classifier", 10, 1, 1),
    ]


def test_sizes_that_do_not_halve_are_refused():
    with pytest.raises(ValueError, match=r"multiples of 4, .* Received: 8x30; .* 8x28 and 8x32"):
        pd.count_macs(pd.EvaluationNetwork(pd.GENOTYPES["PDARTS"]), (8, 30))


def test_other_models_are_refused():
    with pytest.raises(ValueError, match="`model` must be"):
        pd.count_parameters(object())
