"""Layers and networks come back from their configuration and from a file, and compute the same."""

import json
from typing import Any

import keras
import numpy as np
import pytest

import pdarts_tf as pd
from pdarts_tf.layers.auxiliary import AuxiliaryHead
from pdarts_tf.layers.mixed_op import MixedOperations
from pdarts_tf.layers.normalization import BatchNormalization
from pdarts_tf.layers.operations import Operation
from pdarts_tf.layers.preprocess import Preprocess
from pdarts_tf.layers.stem import ConvNorm
from pdarts_tf.models.cells import EvaluationCell, SearchCell
from pdarts_tf.models.supernet import SearchNetwork
from tests.supernets import uniform_space

CANDIDATES = [["none", "skip_connect", "max_pool_3x3", "dil_conv_3x3"]] * 5  # of two nodes
WEIGHTS = np.random.default_rng(1).dirichlet([1.0] * 4, 5).astype(np.float32)
EDGES = [("skip_connect", 0), ("sep_conv_3x3", 1), ("max_pool_3x3", 2), ("dil_conv_3x3", 0)]
GENOTYPE = pd.Genotype(EDGES, [2, 3], EDGES, [3])
# Every argument differs from its default, so that one that is lost shows.
ONE_INPUT: dict[str, keras.layers.Layer] = {
    "norm": BatchNormalization(affine=False, statistics="float64"),
    "stem": ConvNorm(4, 2, seed=1, statistics="global", dtype="mixed_bfloat16"),
    "preprocess": Preprocess(4, 2, affine=False, seed=1, statistics="global"),
    "auxiliary": AuxiliaryHead(5, 2, seed=2, statistics="float64", dtype="mixed_float16"),
    "operation": Operation("sep_conv_3x3", 2, affine=False, seed=1, statistics="global"),
}
CELL: dict[str, Any] = {"seed": 3, "statistics": "global", "for_xla": True}
PLACE: dict[str, Any] = {"reduction": True, "reduction_prev": True, **CELL}
WITH_WEIGHTS: dict[str, keras.layers.Layer] = {
    "mixed operations": MixedOperations(CANDIDATES, True, **CELL),
    "search cell": SearchCell(4, CANDIDATES, **PLACE),
}
EVALUATION_CELL = EvaluationCell(4, EDGES, [2, 3], **PLACE)


def normal(*shape):
    return np.random.default_rng(shape).normal(size=shape).astype(np.float32)


def randomize(model):
    """Gives a model weights and statistics that no initialization gives."""
    for variable in model.weights:
        values = normal(*variable.shape)
        if variable.dtype == "float32":
            variable.assign(np.exp(values) if "variance" in variable.path else values)


def assert_comes_back(model, data, path):
    """Saves, loads and clones a model of random weights."""
    randomize(model)
    expected = model(data)
    model.save(path / "model.keras")
    loaded = keras.saving.load_model(path / "model.keras")
    np.testing.assert_array_equal(loaded(data), expected)
    assert [v.path for v in loaded.weights] == [v.path for v in model.weights]
    clone = keras.models.clone_model(model)
    if not clone.built:
        clone.build(data.shape)
    clone.set_weights(model.get_weights())
    np.testing.assert_array_equal(clone(data), expected)


@pytest.mark.parametrize("name", ONE_INPUT)
def test_a_layer_comes_back(name, tmp_path):
    images = keras.Input((8, 8, 4))
    model = keras.Model(images, ONE_INPUT[name](images))
    assert_comes_back(model, normal(2, 8, 8, 4), tmp_path)


@pytest.mark.parametrize("name", WITH_WEIGHTS)
def test_mixed_operations_come_back(name, tmp_path):
    sizes = ((16, 16, 4), (8, 8, 4)) if name == "search cell" else ((8, 8, 4),) * 2
    inputs = [keras.Input(size) for size in sizes]
    weights = keras.Input(batch_shape=WEIGHTS.shape)
    model = keras.Model([inputs, weights], WITH_WEIGHTS[name](inputs, weights))
    assert_comes_back(model, [[normal(2, *size) for size in sizes], WEIGHTS], tmp_path)


def test_an_evaluation_cell_comes_back(tmp_path):
    sizes = (16, 16, 6), (8, 8, 4)
    inputs = [keras.Input(size) for size in sizes]
    model = keras.Model(inputs, EVALUATION_CELL(inputs))
    assert_comes_back(model, [normal(2, *size) for size in sizes], tmp_path)


def test_a_search_network_comes_back(tmp_path):
    model = SearchNetwork(
        uniform_space("skip_connect", "avg_pool_3x3"),
        init_channels=2,
        num_layers=3,
        num_classes=4,
        skip_dropout_rate=0.5,
        seed=3,
        rematerialize=True,
        dtype="mixed_bfloat16",
    )
    model.build((None, 8, 8, 3))
    assert_comes_back(model, normal(2, 8, 8, 3), tmp_path)


def test_an_evaluation_network_comes_back(tmp_path):
    model = pd.EvaluationNetwork(
        GENOTYPE, init_channels=2, num_layers=3, num_classes=4, stem="imagenet", seed=3
    )
    model.build((None, 32, 32, 3))
    assert_comes_back(model, normal(2, 32, 32, 3), tmp_path)


SEARCH = SearchNetwork(
    uniform_space("skip_connect", "avg_pool_3x3"),
    init_channels=2,
    num_layers=4,
    num_classes=4,
    skip_dropout_rate=0.5,
    seed=3,
    sync_batch_norm=True,
    rematerialize=True,
    compile_cells=True,
    compile_step=True,
    dtype="mixed_bfloat16",
)
NETWORK = pd.EvaluationNetwork(
    GENOTYPE,
    init_channels=2,
    num_layers=4,
    num_classes=4,
    stem="imagenet",
    auxiliary=True,
    drop_path_rate=0.5,
    seed=3,
    sync_batch_norm=True,
    rematerialize=True,
    compile_cells=True,
    compile_step=True,
    dtype="mixed_bfloat16",
)


@pytest.mark.parametrize(
    "layer",
    [*ONE_INPUT.values(), *WITH_WEIGHTS.values(), EVALUATION_CELL, SEARCH, NETWORK],
    ids=lambda layer: type(layer).__name__,
)
def test_a_configuration_is_plain_and_complete(layer):
    config = layer.get_config()
    again = type(layer).from_config(json.loads(json.dumps(config)))
    assert again.get_config() == config


def norms(model):
    return [each for each in model._flatten_layers() if isinstance(each, BatchNormalization)]


@pytest.mark.parametrize(
    ("options", "statistics"),
    [
        ({}, "batch"),
        ({"stem": "imagenet"}, "float64"),
        ({"stem": "imagenet", "sync_batch_norm": True}, "global"),
    ],
)
def test_every_batch_norm_of_a_network_has_its_statistics(options, statistics):
    model = pd.EvaluationNetwork(GENOTYPE, init_channels=2, num_layers=3, auxiliary=True, **options)
    assert {norm.statistics for norm in norms(model)} == {statistics}


@pytest.mark.parametrize(("sync", "statistics"), [(False, "batch"), (True, "global")])
def test_every_batch_norm_of_a_supernet_has_its_statistics(sync, statistics):
    model = pd.Supernet(pd.SearchSpace.full(), init_channels=2, num_layers=3, sync_batch_norm=sync)
    found = {norm.statistics for norm in norms(model)}
    assert found | {cell.mixed.statistics for cell in model.cells} == {statistics}


@pytest.mark.parametrize("kind", ["network", "supernet"])
def test_every_layer_but_the_classifiers_has_the_dtype_of_its_model(kind):
    options = {"init_channels": 2, "num_layers": 3, "dtype": "mixed_float16"}
    if kind == "network":
        model = pd.EvaluationNetwork(GENOTYPE, auxiliary=True, **options)
    else:
        model = pd.Supernet(pd.SearchSpace.full(), **options)
    policies = {each.name: each.dtype_policy.name for each in model._flatten_layers()}
    assert policies.pop("classifier") == "float32"
    assert set(policies.values()) == {"mixed_float16"}
    assert keras.config.dtype_policy().name == "float32"


@pytest.mark.parametrize("options", [{}, {"compile_cells": True}, {"compile_step": True}], ids=str)
def test_only_cells_that_xla_compiles_are_built_for_it(options):
    space = pd.SearchSpace.full()
    model = pd.Supernet(space, init_channels=2, num_layers=3, **options)
    assert {cell.mixed.for_xla for cell in model.cells} == {bool(options)}
    network = pd.EvaluationNetwork(GENOTYPE, 2, 3, **options)
    assert {cell.for_xla for cell in network.cells} == {bool(options)}
