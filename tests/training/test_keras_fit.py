"""A supernet under Keras' `compile`, `fit` and `evaluate`: right numbers, or an error at once."""

import json
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

import pdarts_tf as pd
from pdarts_tf.training.supervised import SupervisedNetwork
from tests.one_layer import OneLayer
from tests.source_tree import ROOT
from tests.supernets import compile_search, skip_images, uniform_space

SPACE = uniform_space("avg_pool_3x3", "skip_connect")
TRAIN, VALID = skip_images(1), skip_images(2)
DATA = TRAIN, VALID
CELL = [("skip_connect", 0), ("sep_conv_3x3", 1)]


def supernet(**options):
    """A compiled supernet that is quick to trace."""
    model = OneLayer(SPACE, num_classes=3)
    model.build((None, 8, 8, 3))
    compile_search(model, **options)
    return model


def fit(model, **options):
    """The history of one step."""
    data = tf.data.Dataset.from_tensors(DATA)
    return model.fit(data, shuffle=False, verbose=0, **options).history


@pytest.mark.parametrize(
    "other", ["sgd", None, keras.optimizers.SGD(0.1)], ids=["a name", "nothing", "of Keras"]
)
def test_other_optimizers_are_refused_with_what_to_pass(other):
    model = OneLayer(SPACE, num_classes=3)
    with pytest.raises(ValueError, match=r"`weight_optimizer` .* pdarts_tf\.weight_optimizer\("):
        model.compile(other, pd.arch_optimizer())
    with pytest.raises(ValueError, match=r"`arch_optimizer` .* pass pdarts_tf\.arch_optimizer\("):
        model.compile(pd.weight_optimizer(), other)
    network = SupervisedNetwork(pd.Genotype(CELL, [2], CELL, [2]), 2, 3)
    with pytest.raises(ValueError, match=r"pass pdarts_tf\.weight_optimizer\("):
        network.compile(other)


def test_other_arguments_of_compile_are_refused_with_what_to_pass():
    model = OneLayer(SPACE, num_classes=3)
    with pytest.raises(TypeError, match=r"weight_optimizer=.*, arch_optimizer=.*: optimizer, loss"):
        model.compile(optimizer="adam", loss="mse")


def measured(model):
    """Loss and accuracy of the validation images, by NumPy."""
    images, labels = (each.numpy() for each in VALID)
    logits = model(images).numpy().astype(np.float64)
    log_p = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    loss = -log_p[np.arange(len(labels)), labels].mean()
    return pytest.approx([loss, (logits.argmax(-1) == labels).mean()], rel=1e-5)


@pytest.mark.parametrize(
    "data",
    [
        VALID,
        tuple(each.numpy() for each in VALID),
        (VALID[0], tf.cast(VALID[1][:, None], tf.uint8)),
        (*VALID, np.ones(4)),
        tf.data.Dataset.from_tensor_slices(VALID).batch(3),
    ],
    ids=["tensors", "arrays", "column of uint8", "weights", "dataset"],
)
def test_validation_of_images_and_labels(data):
    model = supernet()
    history = fit(model, validation_data=data)
    assert [*history["val_loss"], *history["val_accuracy"]] == measured(model)


def test_evaluate_of_images_and_labels():
    model = supernet()
    loss, accuracy = model.evaluate(*VALID, verbose=0)
    assert [loss, accuracy] == measured(model)
    assert model.evaluate(*VALID, verbose=0, return_dict=True) == {
        "loss": loss,
        "accuracy": accuracy,
    }


def test_weights_of_images_count_in_an_evaluation():
    model = supernet()
    images, labels = VALID
    weighted = model.evaluate(images, labels, sample_weight=np.array([1, 1, 0, 0]), verbose=0)
    assert weighted == pytest.approx(model.evaluate(images[:2], labels[:2], verbose=0))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"validation_data": DATA}, r"\(images, labels\) or .*, such as validation_data="),
        ({"validation_data": tf.data.Dataset.from_tensors(DATA)}, "such as validation_data="),
        ({"validation_data": (VALID[0], tf.one_hot(VALID[1], 3))}, "Labels must be class numbers"),
        ({"validation_data": (VALID[0], np.ones(4))}, "Labels must be class numbers"),
        ({"validation_split": 0.5}, "leave it out, and pass validation_data="),
        ({"class_weight": {3: 1.0}}, "for classes 0 to 2. Received: 3: 1.0"),
        ({"class_weight": {0: -1.0}}, "weights of at least 0"),
        ({"class_weight": {0: float("nan")}}, "weights of at least 0"),
        ({"class_weight": {"cat": 1.0}}, "Received: 'cat': 1.0"),
    ],
)
def test_what_does_not_fit_is_refused_before_the_first_step(options, message):
    model = supernet()
    with pytest.raises(ValueError, match=message):
        fit(model, **options)
    assert int(model.optimizer.iterations.value) == 0


@pytest.mark.parametrize(
    "data", [TRAIN, (TRAIN, VALID, TRAIN), ((TRAIN[0],), VALID)], ids=["one", "three", "no labels"]
)
def test_data_that_are_no_pairs_of_batches_are_refused(data):
    with pytest.raises(ValueError, match=r"pairs of batches.*tf\.data\.Dataset\.zip.*Received:"):
        supernet().train_step(data)


def test_arrays_are_pairs_too():
    arrays = tuple(tuple(map(np.asarray, each)) for each in DATA)
    assert set(supernet().fit(*arrays, shuffle=False, verbose=0).history) == set(fit(supernet()))
    assert len(supernet().train_on_batch(*arrays)) == 6


def moved(model):
    """Velocity of the classifier's bias and the alphas: what the two gradients have done."""
    return [model.optimizer.velocities[-1].numpy(), *(a.numpy() for a in model.arch_variables)]


def test_class_weights_are_those_of_the_images_in_both_losses():
    weights = {0: 0.5, 2: 3.0}
    by_class, by_image = supernet(), supernet()
    fit(by_class, class_weight=weights)
    table = np.array([0.5, 1.0, 3.0], np.float32)
    by_image.train_step(tuple((x, y, table[y]) for x, y in DATA))
    for value, expected in zip(moved(by_class), moved(by_image), strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-5)


def test_class_weights_multiply_the_losses_of_this_fit_only():
    doubled = supernet()
    history, plain = fit(doubled, class_weight=dict.fromkeys(range(3), 2.0)), fit(supernet())
    assert history["arch_loss"] == pytest.approx([2.0 * plain["arch_loss"][0]], rel=1e-5)
    assert history["loss"] == pytest.approx([2.0 * plain["loss"][0]], rel=1e-3)
    assert fit(doubled)["loss"][0] < 1.5 * plain["loss"][0]


@pytest.mark.parametrize("order", ["first", "second"])
def test_class_weights_of_compile_are_those_of_the_images_in_both_losses(order):
    by_class, by_image = supernet(arch_order=order), supernet(arch_order=order)
    table = np.array([0.5, 1.0, 3.0], np.float32)
    options = {"arch_order": order, "class_weights": table}
    by_class.compile(by_class.optimizer, by_class.arch_optimizer, **options)
    by_class.train_step(DATA)
    by_image.train_step(tuple((x, y, table[y]) for x, y in DATA))
    for value, expected in zip(moved(by_class), moved(by_image), strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-5)


def test_those_of_a_fit_are_instead_of_those_of_compile():
    model = supernet()
    model.compile(model.optimizer, model.arch_optimizer, class_weights=[5.0, 5.0, 5.0])
    history = fit(model, class_weight={})
    assert history["loss"] == pytest.approx(fit(supernet())["loss"], rel=1e-5)
    assert model.class_weights == (5.0, 5.0, 5.0)


def test_class_weights_count_in_the_second_order():
    names = ("loss", "arch_loss")
    plain = supernet(arch_order="second").train_step(DATA)
    ones = supernet(arch_order="second")
    ones = ones.train_step(tuple((x, y, np.ones(4)) for x, y in DATA))
    twice = supernet(arch_order="second")
    twice = twice.train_step(tuple((x, y, np.full(4, 2.0)) for x, y in DATA))
    for name in names:
        assert float(ones[name]) == pytest.approx(float(plain[name]), rel=1e-6)
        assert float(twice[name]) > 1.5 * float(plain[name])


@pytest.fixture(scope="module")
def mirrored(tmp_path_factory):
    """What `tests.mirrored_fit` has written."""
    path = tmp_path_factory.mktemp("mirrored") / "results.json"
    command = [sys.executable, "-m", "tests.mirrored_fit", str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(path.read_text())


@pytest.mark.slow
def test_a_supernet_under_a_strategy_learns_as_on_one_device(mirrored):
    assert mirrored["mirrored"].keys() == mirrored["one"].keys() >= {"loss", "val_loss"}
    for name, values in mirrored["one"].items():
        assert mirrored["mirrored"][name] == pytest.approx(values, rel=1e-4), name


@pytest.mark.parametrize(
    ("case", "message"),
    [
        ("remainder", "drop_remainder=True, and a multiple of 2 images"),
        ("odd", "drop_remainder=True, and a multiple of 2 images"),
        ("outside", "inside strategy.scope()"),
        ("by hand", "model.build((None, height, width, channels)), model.build_optimizers()"),
        ("generator", "build the model first, in strategy.scope()"),
    ],
)
@pytest.mark.slow
def test_what_replicas_cannot_do_is_refused_with_what_to_do(mirrored, case, message):
    assert message in mirrored[case]
