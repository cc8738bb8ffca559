"""The evaluation network: the official numbers of both stems, drop-path, and its arguments."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import pdarts_tf as pd
from pdarts_tf.models.cells import EvaluationCell
from tests.networks import golden_network

PDARTS = pd.GENOTYPES["PDARTS"]
# Three nodes, of which the output has one; an input that no edge reads; edges from node to node.
ODD_CELL = [
    ("skip_connect", 1),
    ("conv_7x1_1x7", 1),
    ("sep_conv_7x7", 2),
    ("dil_conv_3x3", 2),
    ("max_pool_3x3", 3),
    ("skip_connect", 1),
]
ODD = pd.Genotype(ODD_CELL, [4], ODD_CELL[:2], [2])


def cross_entropy(labels, logits):
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
    return tf.reduce_mean(losses)


def images(*shape):
    values = np.random.default_rng(shape).normal(size=shape)
    return tf.constant(values, tf.float32)


def assert_close(actual, expected, tolerance):
    """Compares with a tolerance relative to the largest expected value."""
    expected = np.asarray(expected)
    np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance * np.abs(expected).max())


@pytest.fixture(scope="module", params=["cifar", "imagenet"])
def golden(request):
    golden = golden_network(request.param)
    golden.restart()
    return golden


@pytest.fixture(scope="module")
def trained(golden):
    """(logits, auxiliary logits, loss, gradient of the first convolution), in training mode."""
    labels = golden.arrays["y"].astype(np.int32)
    kernel = golden.model.stem_layers[0].kernel.value
    golden.restart()
    with tf.GradientTape() as tape:
        logits, auxiliary = golden.model(golden.images, training=True)
        loss = cross_entropy(labels, logits) + 0.4 * cross_entropy(labels, auxiliary)
    return logits, auxiliary, loss, tape.gradient(loss, kernel)


def test_inference_gives_the_official_logits(golden):
    golden.restart()
    logits = golden.model(golden.images)
    np.testing.assert_allclose(logits, golden.arrays["eval_logits"], rtol=0, atol=1e-4)


def test_training_gives_the_official_logits_and_loss(golden, trained):
    logits, auxiliary, loss, _ = trained
    assert_close(logits, golden.arrays["train_logits"], 1e-3)
    assert_close(auxiliary, golden.arrays["aux_logits"], 1e-3)
    assert_close(loss, golden.arrays["loss"], 1e-3)


def test_training_gives_the_official_gradient(golden, trained):
    # Two images through the auxiliary head amplify rounding: in float64 the official code itself
    # is 8e-4 away from its golden numbers for ImageNet.
    assert_close(trained[-1], golden.arrays["grad/stem"].transpose(2, 3, 1, 0), 1e-3)


@pytest.fixture(scope="module")
def dropping():
    """A network with drop-path, and images for it."""
    x = images(4, 8, 8, 3)
    model = pd.EvaluationNetwork(
        PDARTS, init_channels=2, num_layers=3, num_classes=3, drop_path_rate=0.5
    )
    model.build(x.shape)
    return model, x


@pytest.fixture
def restarted(dropping):
    """The same in its first state."""
    model, x = dropping
    model.drop_path_rate = 0.5
    model.forward_passes.assign(0)
    return model, x


def test_equal_seeds_and_passes_drop_the_same_paths(restarted):
    model, x = restarted
    first = model(x, training=True).numpy()
    second = model(x, training=True).numpy()
    model.forward_passes.assign(0)
    np.testing.assert_array_equal(model(x, training=True), first)
    assert not np.allclose(first, second)


def test_another_seed_drops_other_paths(restarted):
    model, x = restarted
    other = pd.EvaluationNetwork(
        PDARTS, init_channels=2, num_layers=3, num_classes=3, drop_path_rate=0.5, seed=1
    )
    other.build(x.shape)
    for variable, value in zip(other.weights, model.get_weights(), strict=True):
        variable.assign(value)
    assert not np.allclose(other(x, training=True), model(x, training=True))


def test_a_rate_of_zero_drops_nothing(restarted):
    model, x = restarted
    without = pd.EvaluationNetwork(PDARTS, init_channels=2, num_layers=3, num_classes=3)
    without.build(x.shape)
    model.drop_path_rate = 0.0
    np.testing.assert_allclose(model(x, training=True), without(x, training=True), atol=1e-6)


def test_inference_drops_nothing(restarted):
    model, x = restarted
    np.testing.assert_array_equal(model(x), model(x))
    assert model.forward_passes.numpy() == 0


def test_identities_are_not_dropped():
    skips = pd.Genotype([("skip_connect", 0), ("skip_connect", 1)], [2], PDARTS.reduce[:2], [2])
    x = images(2, 8, 8, 3)
    model = pd.EvaluationNetwork(
        skips, init_channels=2, num_layers=5, num_classes=3, drop_path_rate=0.9
    )
    model.build(x.shape)
    cell = model.cells[0]  # a normal one
    inputs = images(2, 8, 8, 6), images(2, 8, 8, 6)
    dropped = cell(inputs, (tf.constant(0.9), tf.constant([1, 2]), None), training=True)
    np.testing.assert_array_equal(dropped, cell(inputs, training=True))


@pytest.mark.parametrize("reduction", [False, True])
def test_none_on_an_edge_adds_zero(reduction):
    edges = [("none", 0), ("sep_conv_3x3", 1), ("none", 2), ("none", 1)]
    cell = EvaluationCell(4, edges, [2, 3], reduction=reduction)
    x = tf.constant(images(2, 8, 8, 4))
    cell.build([x.shape, x.shape])
    y = cell([x, x])
    operation = cell.operations[1]
    expected = operation(cell.preprocess[1](x))
    np.testing.assert_allclose(y[..., :4], expected, rtol=1e-5, atol=1e-6)
    assert not np.any(y[..., 4:])


def test_none_costs_no_parameters_and_no_macs():
    edges = (("sep_conv_3x3", 0), ("skip_connect", 1))
    zeros = pd.Genotype((("sep_conv_3x3", 0), ("none", 1)), [2], (("none", 0), ("none", 1)), [2])
    plain = pd.Genotype(edges, [2], (("max_pool_3x3", 0), ("max_pool_3x3", 1)), [2])
    networks = [pd.EvaluationNetwork(each, 2, 3) for each in (zeros, plain)]
    for network in networks:
        network.build((None, 8, 8, 3))
    assert len({pd.count_parameters(each) for each in networks}) == 1
    assert len({pd.count_macs(each, 8) for each in networks}) == 1


def test_factorized_reduces_are_dropped():
    skips = pd.Genotype(PDARTS.normal, [2], [("skip_connect", 0), ("skip_connect", 1)], [2])
    model = pd.EvaluationNetwork(
        skips, init_channels=2, num_layers=3, num_classes=3, drop_path_rate=0.9
    )
    model.build((None, 8, 8, 3))
    cell = model.cells[1]  # a reduction
    inputs = [images(2, 8, 8, model.cells[i].output_channels if i == 0 else 6) for i in (1, 0)]
    dropped = cell(inputs, (tf.constant(0.9999), tf.constant([1, 2]), None), training=True)
    np.testing.assert_array_equal(dropped, np.zeros((2, 4, 4, 4)))


def test_the_rate_can_be_changed_only_if_drop_path_was_built(restarted):
    model, _ = restarted
    model.drop_path_rate = 0.25
    assert model.drop_path_rate == 0.25
    without = pd.EvaluationNetwork(PDARTS, init_channels=2, num_layers=3)
    without.drop_path_rate = 0.0
    with pytest.raises(ValueError, match="built without drop-path"):
        without.drop_path_rate = 0.1
    with pytest.raises(ValueError, match=r"in \[0, 1\)"):
        model.drop_path_rate = 1.0


@pytest.mark.parametrize("stem", ["cifar", "imagenet"])
def test_cells_of_any_number_of_nodes(stem):
    model = pd.EvaluationNetwork(ODD, init_channels=2, num_layers=3, num_classes=7, stem=stem)
    x = images(2, 32, 64, 1)
    assert model(x, training=True).shape == (2, 7)
    assert model(x).shape == (2, 7)


def test_equal_seeds_give_equal_weights():
    models = [
        pd.EvaluationNetwork(ODD, init_channels=2, num_layers=3, seed=seed) for seed in (3, 3, 4)
    ]
    for model in models:
        model.build((None, 8, 8, 3))
    first, same, other = (model.stem_layers[0].kernel.numpy() for model in models)
    np.testing.assert_array_equal(first, same)
    assert not np.allclose(first, other)


def test_trainable_variables_are_what_the_optimizer_owns(dropping):
    model, _ = dropping
    trainable = {id(variable) for variable in model.trainable_variables}
    assert id(model.forward_passes) not in trainable
    statistics = [v for v in model.trainable_variables if "moving" in v.path or "drop" in v.path]
    assert not statistics


def test_a_saved_network_comes_back(tmp_path):
    model = pd.EvaluationNetwork(
        ODD,
        init_channels=2,
        num_layers=3,
        num_classes=7,
        auxiliary=True,
        drop_path_rate=0.3,
        seed=5,
    )
    x = images(2, 24, 24, 3)
    model(x, training=True)
    model.drop_path_rate = 0.125
    model.save(tmp_path / "network.keras")
    loaded = keras.models.load_model(tmp_path / "network.keras")
    np.testing.assert_array_equal(loaded(x), model(x))
    assert loaded.get_config() == model.get_config()
    assert (loaded.drop_path_rate, loaded.forward_passes.numpy()) == (0.125, 1)


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("genotype", "PDARTS"),
        ("init_channels", 3),
        ("num_layers", 2),
        ("num_classes", 0),
        ("stem", "mnist"),
        ("drop_path_rate", 1.0),
        ("drop_path_rate", -0.1),
    ],
)
def test_arguments_out_of_range_are_refused(argument, value):
    with pytest.raises(ValueError, match=rf"`{argument}`.*Received: .*{value}"):
        pd.EvaluationNetwork(**{"genotype": PDARTS, argument: value})


@pytest.mark.parametrize(("stem", "size", "divisor"), [("cifar", 30, 4), ("imagenet", 48, 32)])
def test_sizes_that_do_not_halve_are_refused(stem, size, divisor):
    model = pd.EvaluationNetwork(ODD, init_channels=2, num_layers=3, stem=stem)
    with pytest.raises(ValueError, match=f"multiples of {divisor}.* Received: {size}x64"):
        model.build((None, size, 64, 3))


def test_unknown_sizes_are_refused_when_called():
    model = pd.EvaluationNetwork(ODD, init_channels=2, num_layers=3)
    model.build((None, None, None, 3))
    with pytest.raises(ValueError, match="must be known"):
        model(keras.Input((None, None, 3)))


@pytest.mark.parametrize(("stem", "size", "least"), [("cifar", 20, 24), ("imagenet", 160, 192)])
def test_images_too_small_for_the_auxiliary_head_are_refused(stem, size, least):
    model = pd.EvaluationNetwork(ODD, init_channels=2, num_layers=3, stem=stem, auxiliary=True)
    with pytest.raises(ValueError, match=f"at least {least} pixels.*auxiliary=False"):
        model.build((None, size, size, 3))
