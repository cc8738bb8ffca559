"""Networks without their classifier: features, their weights, and other classes on top of them."""

from typing import Any

import keras
import numpy as np
import pytest

import pdarts_tf as pd
from pdarts_tf.interop.torch_names import network_slots
from pdarts_tf.training.supervised import SupervisedNetwork

PIXELS = np.random.default_rng(0).normal(size=(4, 8, 8, 3)).astype(np.float32)
SMALL: dict[str, Any] = {"init_channels": 4, "num_layers": 3}


def network(**options):
    return pd.EvaluationNetwork(pd.GENOTYPES["DARTS_V2"], num_classes=3, **SMALL, **options)


@pytest.fixture(scope="module")
def whole():
    """A network with a classifier, whose statistics are not those of initialization."""
    made = network(drop_path_rate=0.1)
    made.build((None, 8, 8, 3))
    rng = np.random.default_rng(1)
    for variable in made.weights:
        if "moving" in variable.path or "norm" in variable.path:
            variable.assign(rng.uniform(0.5, 1.5, variable.shape))
    return made


def test_features_are_what_the_classifier_sees(whole):
    features = whole.without_top()
    np.testing.assert_allclose(whole.head(features(PIXELS)), whole(PIXELS), atol=1e-6)


@pytest.mark.parametrize(
    ("pooling", "expected"), [(None, (4, 2, 2, 64)), ("avg", (4, 64)), ("max", (4, 64))]
)
def test_features_have_the_shape_of_their_pooling(pooling, expected):
    assert network(include_top=False, pooling=pooling)(PIXELS).shape == expected


def test_pooled_features_are_those_of_all_pixels(whole):
    features = np.asarray(whole.without_top(None)(PIXELS))
    np.testing.assert_allclose(whole.without_top("max")(PIXELS), features.max((1, 2)), atol=1e-6)


@pytest.mark.slow
def test_other_classes_are_learned_on_top(whole):
    features = whole.without_top()
    model = keras.Sequential([features, keras.layers.Dense(5)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("sgd", loss)
    before = features.stem_layers[0].kernel.numpy()
    model.fit(PIXELS, np.arange(4), shuffle=False, verbose=0)
    assert model(PIXELS).shape == (4, 5)
    assert np.any(features.stem_layers[0].kernel.numpy() != before)


def test_frozen_features_do_not_learn(whole):
    features = whole.without_top()
    features.trainable = False
    assert not features.trainable_variables
    assert whole.trainable_variables


def test_frozen_features_are_the_same_in_training(whole):
    features = whole.without_top()
    features.drop_path_rate = 0.0
    features.trainable = False
    expected = features(PIXELS)
    np.testing.assert_allclose(features(PIXELS, training=True), expected, atol=1e-6)
    np.testing.assert_allclose(features(PIXELS), expected, atol=1e-6)


def test_saved_features_are_loaded(whole, tmp_path):
    features = whole.without_top("max")
    features.save(tmp_path / "features.keras")
    loaded = keras.saving.load_model(tmp_path / "features.keras")
    np.testing.assert_allclose(loaded(PIXELS), features(PIXELS), atol=1e-6)


def test_counts_leave_the_classifier_out(whole):
    features = whole.without_top()
    assert pd.count_parameters(whole) - pd.count_parameters(features) == 64 * 3 + 3
    assert pd.count_macs(whole, 8) - pd.count_macs(features, 8) == 64 * 3


def test_official_weights_are_taken_without_their_classifier(whole):
    slots = network_slots(whole)
    arrays = {name: np.full(slot.torch_shape, 0.5, np.float32) for name, slot in slots.items()}
    features = network(include_top=False)
    pd.load_torch_state_dict(features, arrays)
    assert (features.stem_layers[0].kernel.numpy() == 0.5).all()


def test_a_training_of_the_commands_gives_its_features():
    trained = SupervisedNetwork(pd.GENOTYPES["DARTS_V2"], num_classes=3, auxiliary=True, **SMALL)
    trained.build((None, 24, 24, 3))
    features = trained.without_top()
    assert type(features) is pd.EvaluationNetwork
    for own, copied in zip(trained.cells[-1].weights, features.cells[-1].weights, strict=True):
        np.testing.assert_array_equal(own, copied)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"pooling": "avg"}, "pass include_top=False"),
        ({"include_top": False, "pooling": "mean"}, "must be None, 'avg' or 'max'. Received"),
        ({"include_top": False, "auxiliary": True}, "pass auxiliary=False"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(options, expected):
    with pytest.raises(ValueError, match=expected):
        network(**options)


def test_a_network_without_weights_has_no_features():
    with pytest.raises(ValueError, match="Build the network first"):
        network().without_top()
