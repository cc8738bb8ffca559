"""The bilevel step: who moves when, metrics, and what a search finds."""

import functools

import numpy as np
import pytest
import tensorflow as tf

import pdarts_tf as pd
from tests.one_layer import OneLayer
from tests.supernets import (
    build_skip_supernet,
    compile_search,
    restore,
    skip_images,
    skip_supernet,
    snapshot,
    uniform_space,
)


@pytest.fixture
def skips():
    """A small supernet in its initial state, compiled, with large steps of the alphas."""
    model, before = skip_supernet()
    restore(model.weights, before)
    compile_search(model, arch_rate=0.1)
    model.search_alphas = True
    return model


def moved(variables, before):
    """Whether each variable differs from its value before."""
    return [
        not np.array_equal(variable.numpy(), value)
        for variable, value in zip(variables, before, strict=True)
    ]


@pytest.mark.slow
def test_a_step_of_the_alphas_leaves_every_weight(skips):
    weights, alphas = snapshot(skips.trainable_variables), snapshot(skips.arch_variables)
    skips.arch_step(*skip_images())
    assert not any(moved(skips.trainable_variables, weights))
    assert all(moved(skips.arch_variables, alphas))


def test_a_step_of_the_alphas_leaves_the_optimizer_of_the_weights(skips):
    before = snapshot(skips.optimizer.variables)
    skips.arch_step(*skip_images())
    assert not any(moved(skips.optimizer.variables, before))


def test_a_step_of_the_weights_leaves_the_alphas_and_their_optimizer(skips):
    variables = [*skips.arch_variables, *skips.arch_optimizer.variables]
    before, weights = snapshot(variables), snapshot(skips.trainable_variables)
    skips.weight_step(*skip_images())
    assert not any(moved(variables, before))
    assert all(moved(skips.trainable_variables, weights))


def test_a_bilevel_step_moves_both_groups(skips):
    variables = [*skips.arch_variables, *skips.trainable_variables]
    before = snapshot(variables)
    skips.train_step((skip_images(1), skip_images(2)))
    assert all(moved(variables, before))


def test_alphas_learn_from_the_second_half_and_weights_from_the_first(skips):
    skips.train_step((skip_images(1), skip_images(2)))
    together = snapshot([*skips.arch_variables, *skips.trainable_variables])
    other = build_skip_supernet(like=skips)
    compile_search(other, arch_rate=0.1)
    other.arch_step(*skip_images(2))
    other.weight_step(*skip_images(1))
    assert not any(moved([*other.arch_variables, *other.trainable_variables], together))


def test_warm_up_moves_weights_only(skips):
    skips.search_alphas = False
    alphas, weights = snapshot(skips.arch_variables), snapshot(skips.trainable_variables)
    skips.train_step((skip_images(1), skip_images(2)))
    assert not any(moved(skips.arch_variables, alphas))
    assert all(moved(skips.trainable_variables, weights))
    assert int(skips.arch_optimizer.iterations.value) == 0


def test_warm_up_reports_nothing_of_the_alphas(skips):
    skips.search_alphas = False
    results = skips.train_step((skip_images(1), skip_images(2)))
    assert set(results) == {"loss", "accuracy", "weight_grad_norm"}


def test_metrics_are_means_over_the_steps(skips):
    data = skip_images(1), skip_images(2)
    first = {name: float(value) for name, value in skips.train_step(data).items()}
    skips.reset_metrics()
    second = {name: float(value) for name, value in skips.train_step(data).items()}

    again = build_skip_supernet(like=skips)
    compile_search(again, arch_rate=0.1)
    again.train_step(data)
    for name, value in again.train_step(data).items():
        assert float(value) == pytest.approx((first[name] + second[name]) / 2), name


def test_metrics_of_a_step(skips):
    images, labels = skip_images()
    results = skips.train_step(((images, labels), (images, labels)))
    assert set(results) == {
        "loss",
        "accuracy",
        "weight_grad_norm",
        "arch_loss",
        "arch_accuracy",
        "arch_grad_norm",
    }
    assert float(results["accuracy"]) in (0.0, 0.25, 0.5, 0.75, 1.0)
    assert all(np.isfinite(float(value)) for value in results.values())
    assert float(results["weight_grad_norm"]) > 0.0


def test_validation_weights_images_and_moves_nothing(skips):
    images, labels = skip_images()
    before = snapshot(skips.weights)
    results = skips.test_step((images, labels, tf.constant([1.0, 1.0, 1.0, 0.0])))
    assert not any(moved(skips.weights, before))
    logits = skips(images)[:3]
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels[:3], logits)
    assert float(results["valid_loss"]) == pytest.approx(np.mean(losses), rel=1e-5)
    hits = np.argmax(logits, -1) == labels[:3]
    assert float(results["valid_accuracy"]) == pytest.approx(np.mean(hits))


def three_steps(seed, like):
    """Weights and metrics after three steps of a new model."""
    model = build_skip_supernet(seed, like)
    compile_search(model, arch_rate=0.1)
    for step in range(3):
        results = model.train_step((skip_images(step), skip_images(10 + step)))
    return snapshot(model.weights), {name: float(value) for name, value in results.items()}


def test_the_same_seed_gives_identical_results(skips):
    first, again = (three_steps(7, skips) for _ in range(2))
    for value, other in zip(first[0], again[0], strict=True):
        np.testing.assert_array_equal(value, other)
    assert first[1] == again[1]


def test_another_seed_gives_other_results(skips):
    first, other = three_steps(7, skips), three_steps(8, skips)
    assert first[1]["loss"] != other[1]["loss"]
    assert not np.array_equal(first[0][0], other[0][0])


def one_layer():
    """A supernet that is quick to trace."""
    model = OneLayer(uniform_space("avg_pool_3x3", "skip_connect"), num_classes=3)
    model.build((None, 8, 8, 3))
    return model


@pytest.fixture(params=[one_layer, pytest.param(build_skip_supernet, marks=pytest.mark.slow)])
def fitted(request):
    """A supernet to call `fit` of, and its variables before."""
    model = request.param()
    compile_search(model, arch_rate=0.1)
    return model, snapshot(model.trainable_variables), snapshot(model.arch_variables)


def test_fit_searches_a_dataset_of_pairs_of_batches(fitted):
    model, weights, alphas = fitted
    batches = [(skip_images(step), skip_images(10 + step)) for step in range(3)]
    data = tf.data.Dataset.from_tensor_slices(
        tf.nest.map_structure(lambda *tensors: tf.stack(tensors), *batches)
    )
    history = model.fit(data, epochs=2, verbose=0, shuffle=False).history
    assert all(moved(model.trainable_variables, weights) + moved(model.arch_variables, alphas))
    assert int(model.optimizer.iterations.value) == 6
    assert int(model.arch_optimizer.iterations.value) == 6
    assert {len(values) for values in history.values()} == {2}
    assert {"loss", "arch_loss"} <= set(history)


def test_fit_follows_the_end_of_the_warm_up(fitted):
    model, _, alphas = fitted
    data = tf.data.Dataset.from_tensors((skip_images(0), skip_images(1)))
    model.search_alphas = False
    model.fit(data, verbose=0, shuffle=False)
    assert not any(moved(model.arch_variables, alphas))
    model.search_alphas = True
    model.fit(data, verbose=0, shuffle=False)
    assert all(moved(model.arch_variables, alphas))


def distant_pixels(rng, count):
    """Images whose right half repeats the left one, or inverts it: two classes.

    Every pixel is noise, so that only a comparison of pixels four apart tells the classes. The stem
    sees three pixels in a row, a skip-connect one, a dilated 5x5 convolution nine.
    """
    labels = rng.integers(0, 2, count)
    left = rng.choice([-1.0, 1.0], (count, 8, 4, 1))
    right = np.where(labels == 1, 1.0, -1.0)[:, None, None, None] * left
    return as_batch(np.concatenate([left, right], 2), labels)


def brightness(rng, count):
    """The same noise, but brighter in one of the two classes: every pixel tells them."""
    labels = rng.integers(0, 2, count)
    noise = rng.choice([-1.0, 1.0], (count, 8, 8, 1))
    return as_batch(noise + (labels - 0.5)[:, None, None, None], labels)


def as_batch(images, labels):
    """Images and labels as tensors."""
    return tf.constant(images.astype(np.float32)), tf.constant(labels)


@pytest.fixture(scope="module")
def searched():
    """Function of a problem -> probability of a dilated convolution on each edge of a normal cell.

    The reduction cells can only hand on what they get.
    """
    space = pd.SearchSpace(
        uniform_space("skip_connect", "dil_conv_5x5").normal,
        uniform_space("none", "skip_connect").reduce,
    )
    compute = None

    @functools.cache
    def search(problem):
        nonlocal compute
        model = pd.Supernet(space, init_channels=4, num_layers=3, num_classes=2, seed=1)
        model.build((None, 8, 8, 1))
        compute = model.compute = compute or model.compute
        compile_search(model, weight_rate=0.1, arch_rate=0.05)
        rng = np.random.default_rng(1)
        for _ in range(30):
            model.train_step((problem(rng, 32), problem(rng, 32)))
        return tf.nn.softmax(model.arch_variables[0].value).numpy()[:, 1]

    return search


@pytest.mark.slow
def test_the_operation_that_the_data_needs_wins(searched):
    probabilities = searched(distant_pixels)
    assert probabilities.mean() > 0.56
    assert (probabilities > 0.5).sum() >= 9


@pytest.mark.slow
def test_an_operation_that_the_data_does_not_need_gains_less(searched):
    assert searched(brightness).mean() < searched(distant_pixels).mean() - 0.03
