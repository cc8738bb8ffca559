"""Models that are trained come back from a file with their optimizers, and go on alike."""

import keras
import numpy as np
import pytest

import pdarts_tf as pd
from pdarts_tf.layers.mixed_op import compute_mixed_operations
from pdarts_tf.training.supervised import SupervisedNetwork
from tests.supernets import compile_search, skip_images, uniform_space

CELL = [("skip_connect", 0), ("sep_conv_3x3", 1)]
DATA = skip_images(1)


def searched(dtype):
    """A supernet after one bilevel step."""
    model = pd.Supernet(
        uniform_space("skip_connect", "avg_pool_3x3"),
        init_channels=2,
        num_layers=3,
        num_classes=3,
        skip_dropout_rate=0.5,
        dtype=dtype,
        name="supernet",
    )
    model.compute = compute_mixed_operations  # a few steps are done before they are traced
    model.build((None, 8, 8, 3))
    compile_search(model, weight_rate=0.3, arch_rate=0.2)
    model.train_step((DATA, DATA))
    return model


def trained(dtype):
    """A network after one step."""
    model = SupervisedNetwork(
        pd.Genotype(CELL, [2], CELL, [2]),
        init_channels=2,
        num_layers=3,
        num_classes=3,
        drop_path_rate=0.5,
        dtype=dtype,
        name="network",
    )
    model.build((None, 8, 8, 3))
    optimizer = pd.weight_optimizer(0.3, momentum=0.8)
    model.compile(
        optimizer,
        label_smoothing=0.1,
        auxiliary_weight=0.3,
        gradient_accumulation=2,
        class_weights=[1.0, 2.0, 0.5],
    )
    optimizer.build(model.trainable_variables)
    model.train_step(DATA)
    return model


def state(model):
    """All variables of a model and its optimizers by name."""
    optimizers = [getattr(model, name, None) for name in ("optimizer", "arch_optimizer")]
    variables = [v for each in optimizers if each is not None for v in each.variables]
    return {v.path: v.numpy() for v in [*model.weights, *variables]}


def assert_same_state(model, other):
    expected, received = state(model), state(other)
    assert list(received) == list(expected)
    for name, value in expected.items():
        np.testing.assert_array_equal(received[name], value, err_msg=name)


def reloaded(model, path):
    model.save(path / "model.keras")
    return keras.saving.load_model(path / "model.keras")


@pytest.mark.parametrize("dtype", ["float32", "mixed_float16"])
def test_a_supernet_goes_on_with_its_search(dtype, tmp_path):
    model = searched(dtype)
    model.skip_dropout_rate = 0.25
    loaded = reloaded(model, tmp_path)
    assert isinstance(loaded, pd.Supernet)
    assert (loaded.space, loaded.skip_dropout_rate) == (model.space, 0.25)
    assert_same_state(model, loaded)
    loaded.compute = model.compute
    for each in (model, loaded):
        each.train_step((DATA, DATA))
    assert_same_state(model, loaded)


@pytest.mark.parametrize("dtype", ["float32", "mixed_float16"])
def test_a_network_goes_on_with_its_training(dtype, tmp_path):
    model = trained(dtype)
    loaded = reloaded(model, tmp_path)
    assert loaded.get_compile_config() == model.get_compile_config()
    assert_same_state(model, loaded)
    for each in (model, loaded):
        each.train_step(DATA)
    assert_same_state(model, loaded)


@pytest.mark.parametrize("make", [searched, trained])
def test_a_clone_computes_the_same_with_the_same_weights(make):
    model = make("float32")
    clone = keras.models.clone_model(model)
    assert [v.path for v in clone.weights] == [v.path for v in model.weights]
    clone.set_weights(model.get_weights())
    if make is searched:
        clone.compute = model.compute
    np.testing.assert_array_equal(clone(DATA[0]), model(DATA[0]))


def test_a_supernet_that_is_not_compiled_is_cloned():
    model = pd.Supernet(pd.SearchSpace.full(), init_channels=2, num_layers=3)
    clone = keras.models.clone_model(model)
    assert clone.get_config() == model.get_config()
    assert not clone.compiled


def test_the_public_names_are_registered():
    assert keras.saving.get_registered_name(pd.Supernet) == "pdarts_tf>Supernet"
    assert keras.saving.get_registered_name(pd.EvaluationNetwork) == "pdarts_tf>EvaluationNetwork"
