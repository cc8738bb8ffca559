"""The official names of an evaluation network: every weight has one, and errors name the first."""

import dataclasses

import numpy as np
import pytest

import pdarts_tf as pd
from pdarts_tf.interop.torch_names import network_slots
from pdarts_tf.primitives import TABLE
from tests.networks import STEM_KERNELS, golden_network
from tests.torch_tensors import Tensor


@pytest.fixture(params=["cifar", "imagenet"])
def golden(request):
    """A golden network; each test starts from its weights."""
    golden = golden_network(request.param)
    golden.restart()
    return golden


@pytest.fixture(scope="module")
def amoeba():
    """A network with every primitive that the golden ones lack."""
    model = pd.EvaluationNetwork(pd.GENOTYPES["AmoebaNet"], 2, 4)
    model.build((None, 8, 8, 3))
    return model


def state_dict(model):
    """Random arrays under the official names of a model."""
    rng = np.random.default_rng(0)
    slots = network_slots(model)
    return {name: rng.normal(size=slot.torch_shape) for name, slot in slots.items()}


def weights(model):
    return [weight.copy() for weight in model.get_weights()]


def assert_unchanged(model, before):
    for weight, old in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, old)


def test_every_weight_has_an_official_name(amoeba):
    named = {id(slot.variable) for slot in network_slots(amoeba).values()}
    nameless = [variable.name for variable in amoeba.weights if id(variable) not in named]
    assert sorted(nameless) == ["drop_path_rate", "forward_passes"]


def test_operations_follow_the_genotype_under_their_official_names(amoeba):
    # Cell 0 is normal, cell 1 a reduction: its edge 8 is a conv_7x1_1x7, its edge 3 a sep_conv_7x7.
    names = network_slots(amoeba)
    assert names["cells.1._ops.8.1.weight"].torch_shape == (4, 4, 1, 7)
    assert names["cells.1._ops.8.2.weight"].torch_shape == (4, 4, 7, 1)
    assert names["cells.1._ops.3.op.5.weight"].torch_shape == (4, 1, 7, 7)
    assert names["cells.0._ops.2.op.2.weight"].torch_shape == (2, 2, 1, 1)
    assert not any(name.startswith("cells.0._ops.0.") for name in names)  # a pool


def test_arrays_land_in_our_layout(amoeba):
    arrays = state_dict(amoeba)
    pd.load_torch_state_dict(amoeba, arrays)
    row = amoeba.cells[1].operations[8].kernels[0]
    official = arrays["cells.1._ops.8.1.weight"]
    np.testing.assert_allclose(row, official.transpose(2, 3, 1, 0), rtol=1e-6)


def test_a_missing_parameter_is_named_and_nothing_changes(golden):
    name = STEM_KERNELS[golden.stem]
    arrays = {key: array + 1 for key, array in golden.state_dict.items() if key != name}
    before = weights(golden.model)
    with pytest.raises(ValueError, match=rf"lacks '{name}' of shape \(\d+, 3, 3, 3\)"):
        pd.load_torch_state_dict(golden.model, arrays)
    assert_unchanged(golden.model, before)


def test_a_surplus_parameter_is_named(golden):
    arrays = {**golden.state_dict, "cells.9._ops.0.weight": np.zeros((2, 3))}
    with pytest.raises(ValueError, match=r"has 'cells\.9\._ops\.0\.weight' of shape \(2, 3\)"):
        pd.load_torch_state_dict(golden.model, arrays)


def test_a_parameter_of_another_shape_is_named(golden):
    arrays = {**golden.state_dict, "classifier.weight": np.zeros((7, 64))}
    with pytest.raises(ValueError, match=r"must have shape \(10, 64\)\. Received: \(7, 64\)"):
        pd.load_torch_state_dict(golden.model, arrays)


def test_a_primitive_that_the_official_code_lacks_is_named(amoeba, monkeypatch):
    row = dataclasses.replace(TABLE["sep_conv_7x7"], torch_names=None)
    monkeypatch.setitem(TABLE, "sep_conv_7x7", row)
    before = weights(amoeba)
    with pytest.raises(ValueError, match=r"has no primitive 'sep_conv_7x7', and so no weights"):
        pd.load_torch_state_dict(amoeba, {})
    assert_unchanged(amoeba, before)


def test_a_model_without_auxiliary_head_ignores_one():
    golden = golden_network("cifar")
    model = pd.EvaluationNetwork(pd.GENOTYPES["PDARTS"], 4, 5)
    model.build(golden.images.shape)
    pd.load_torch_state_dict(model, golden.state_dict)
    logits = model(golden.images)
    np.testing.assert_allclose(logits, golden.arrays["eval_logits"], rtol=0, atol=1e-4)


def test_a_model_with_auxiliary_head_needs_one(golden):
    arrays = {name: a for name, a in golden.state_dict.items() if not name.startswith("aux")}
    with pytest.raises(ValueError, match="lacks 'auxiliary_head"):
        pd.load_torch_state_dict(golden.model, arrays)


def test_a_model_without_weights_is_built_for_the_images_of_the_file():
    built = pd.EvaluationNetwork(pd.GENOTYPES["PDARTS"], init_channels=4, num_layers=3)
    built.build((None, 8, 8, 2))
    arrays = {n: np.ones(slot.torch_shape) for n, slot in network_slots(built).items()}
    model = pd.EvaluationNetwork(pd.GENOTYPES["PDARTS"], init_channels=4, num_layers=3)
    pd.load_torch_state_dict(model, arrays)
    assert model(np.zeros((1, 8, 8, 2), np.float32)).shape == (1, 10)


def test_a_file_that_does_not_tell_the_channels_of_images_is_refused():
    model = pd.EvaluationNetwork(pd.GENOTYPES["PDARTS"], init_channels=4, num_layers=3)
    with pytest.raises(ValueError, match="how many channels images have"):
        pd.load_torch_state_dict(model, {})


@pytest.mark.parametrize("wrap", [dict, lambda arrays: {"state_dict": arrays, "epoch": 3}])
def test_parameters_of_pytorch_are_read_wherever_they_are(amoeba, wrap):
    arrays = state_dict(amoeba)
    tensors = {f"_orig_mod.{name}": Tensor(array) for name, array in arrays.items()}
    pd.load_torch_state_dict(amoeba, wrap(tensors))
    received = amoeba.get_weights()
    pd.load_torch_state_dict(amoeba, arrays)
    assert_unchanged(amoeba, received)


@pytest.mark.parametrize("counter", ["total_ops", "total_params", "num_batches_tracked"])
def test_counters_are_ignored(amoeba, counter):
    arrays = state_dict(amoeba)
    pd.load_torch_state_dict(amoeba, {**arrays, f"cells.0.{counter}": np.zeros(1)})


@pytest.mark.parametrize(
    ("odd", "message"),
    [
        ({0: np.zeros(1)}, "expected names of parameters as keys. Received: 0"),
        ({"classifier.bias": None}, "expected tensors only. Received: 'classifier.bias', None"),
        ({"classifier.bias": np.array("a")}, "'classifier.bias' to be an array of numbers"),
        ({"classifier.bias": np.zeros(())}, r"must have shape \(10,\)\. Received: \(\)"),
    ],
)
def test_arrays_that_are_none_are_one_line_and_nothing_changes(amoeba, odd, message):
    before = weights(amoeba)
    with pytest.raises(ValueError, match=message):
        pd.load_torch_state_dict(amoeba, state_dict(amoeba) | odd)
    assert_unchanged(amoeba, before)


@pytest.mark.parametrize("shape", [(), (3,), (6, 0, 3, 3)])
def test_a_stem_of_odd_shape_does_not_tell_the_channels(shape):
    model = pd.EvaluationNetwork(pd.GENOTYPES["PDARTS"], init_channels=4, num_layers=3)
    with pytest.raises(ValueError, match=r"'stem.0.weight' must have 4 dimensions"):
        pd.load_torch_state_dict(model, {"stem.0.weight": np.zeros(shape)})
