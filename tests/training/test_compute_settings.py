"""Settings of how steps are computed, each against the plain step: what comes out agrees."""

import dataclasses

import keras
import numpy as np
import pytest

import pdarts_tf as pd
from pdarts_tf.config.compute import PRECISIONS
from pdarts_tf.training.supervised import SupervisedNetwork
from tests.supernets import compile_search, skip_images, uniform_space

CELL = [("skip_connect", 0), ("sep_conv_3x3", 1)]
TINY = pd.Genotype(CELL, [2], CELL, [2])
# Relative to the largest value: bfloat16 has 8 bits, float16 has 11.
TOLERANCES = {"none": 1e-5, "bfloat16": 0.1, "float16": 0.02}


@dataclasses.dataclass
class Stepped:
    """A model after a step, and what it looked like before."""

    logs: dict
    steps: dict
    model: keras.Model


def after_step(model, data):
    before = {v.path: v.numpy() for v in model.weights}
    logs = {name: float(value) for name, value in model.train_step(data).items()}
    return Stepped(logs, {v.path: v.numpy() - before[v.path] for v in model.weights}, model)


def assert_agree(received, expected, tolerance):
    """Losses, and how every weight and statistic has moved."""
    for name in ("loss", "weight_grad_norm"):
        assert received.logs[name] == pytest.approx(expected.logs[name], rel=tolerance), name
    assert received.steps.keys() == expected.steps.keys()
    moved = np.concatenate([step.ravel() for step in expected.steps.values()])
    again = np.concatenate([step.ravel() for step in received.steps.values()])
    assert np.linalg.norm(again - moved) <= tolerance * np.linalg.norm(moved)


def batch(halves_equal=False):
    rng = np.random.default_rng(0)
    images = rng.normal(size=(8, 8, 8, 3)).astype(np.float32)
    labels = rng.integers(0, 6, 8)
    if halves_equal:
        images[4:], labels[4:] = images[:4], labels[:4]
    return images, labels


def trained(data, precision="none", drop_path_rate=0.5, parts=1, genotype=TINY, **options):
    model = SupervisedNetwork(
        genotype,
        init_channels=2,
        num_layers=3,
        num_classes=6,
        drop_path_rate=drop_path_rate,
        dtype=PRECISIONS[precision],
        name="n",
        **options,
    )
    model.build((None, 8, 8, 3))
    model.compile(pd.weight_optimizer(0.1), gradient_accumulation=parts)
    model.optimizer.build(model.trainable_variables)
    return after_step(model, data)


@pytest.fixture(scope="module")
def plain():
    """A training step with drop-path."""
    return trained(batch())


def test_a_rematerialized_training_step_is_the_same(plain):
    assert_agree(trained(batch(), rematerialize=True), plain, 1e-6)


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_a_training_step_in_mixed_precision_is_close(plain, precision):
    received = trained(batch(), precision)
    assert_agree(received, plain, TOLERANCES[precision])
    assert received.logs["loss"] != plain.logs["loss"]
    assert {v.dtype for v in received.model.weights} == {"float32", "int32"}
    assert received.model.cells[0].compute_dtype == precision


def test_only_float16_scales_its_loss():
    scaled = trained(batch(), "float16").model.optimizer
    plain = trained(batch(), "bfloat16").model.optimizer
    assert float(scaled.scale_loss(1.0)) > 1.0
    assert plain.scale_loss(1.0) == 1.0


def test_two_equal_parts_are_accumulated_to_the_step_of_both():
    """Every part has the statistics of the whole, so that nothing but rounding may differ."""
    expected = trained(batch(halves_equal=True), drop_path_rate=0.0)
    received = trained(batch(halves_equal=True), drop_path_rate=0.0, parts=2)
    unbiased = [path for path in expected.steps if path.endswith("moving_variance")]
    for path in unbiased:  # n / (n - 1) differs for half as many images
        del expected.steps[path], received.steps[path]
    assert_agree(received, expected, 1e-5)


def test_a_compiled_training_step_is_close():
    """With operations of every kind: those that XLA cannot compile would fail."""
    kinds = ("max_pool_3x3", "avg_pool_3x3", "dil_conv_3x3", "sep_conv_3x3")
    cell = [(name, source % 2) for source, name in enumerate(kinds)]
    options = {"genotype": pd.Genotype(cell, [2, 3], cell, [2, 3]), "drop_path_rate": 0.0}
    assert_agree(trained(batch(), compile_cells=True, **options), trained(batch(), **options), 1e-4)


def searched(
    precision="none", skip_dropout_rate=0.5, names=("skip_connect", "dil_conv_3x3"), **options
):
    space = uniform_space(*names)
    model = pd.Supernet(
        space,
        init_channels=4,
        num_layers=3,
        num_classes=3,
        skip_dropout_rate=skip_dropout_rate,
        seed=3,
        dtype=PRECISIONS[precision],
        name="s",
        **options,
    )
    model.build((None, 8, 8, 3))
    compile_search(model)
    return after_step(model, (skip_images(1), skip_images(2)))


@pytest.fixture(scope="module")
def plain_search():
    """A bilevel step with dropout."""
    return searched()


def test_a_rematerialized_bilevel_step_is_the_same(plain_search):
    assert_agree(searched(rematerialize=True), plain_search, 1e-6)


@pytest.mark.parametrize("precision", ["float16", pytest.param("bfloat16", marks=pytest.mark.slow)])
def test_a_bilevel_step_in_mixed_precision_is_close(plain_search, precision):
    received = searched(precision)
    assert_agree(received, plain_search, TOLERANCES[precision])
    assert received.logs["arch_loss"] == pytest.approx(plain_search.logs["arch_loss"], rel=0.05)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_compiled_bilevel_step_is_close():
    options = {"skip_dropout_rate": 0.0, "names": pd.PRIMITIVES}
    assert_agree(searched(compile_cells=True, **options), searched(**options), 1e-4)
