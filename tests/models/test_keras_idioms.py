"""Networks under Keras' own `compile` and `fit`: pixels of uint8, one loss for two heads."""

import keras
import numpy as np
import pytest

import pdarts_tf as pd
from pdarts_tf.layers.mixed_op import compute_mixed_operations
from pdarts_tf.layers.stem import as_pixels
from pdarts_tf.models.auxiliary_loss import AUXILIARY_WEIGHT
from tests.supernets import uniform_space

CELL = [("skip_connect", 0), ("max_pool_3x3", 1)]
GENOTYPE = pd.Genotype(CELL, [2], CELL, [2])
PIXELS = np.random.default_rng(0).integers(0, 256, (4, 24, 24, 3)).astype(np.uint8)
LABELS = np.array([0, 2, 1, 2])
CROSS_ENTROPY = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def network(loss=None, **compiled):
    """A network with an auxiliary head, which a step leaves as it is."""
    model = pd.EvaluationNetwork(GENOTYPE, 2, 3, num_classes=3, auxiliary=True)
    model.compile(keras.optimizers.SGD(0.0), loss=loss, run_eagerly=True, **compiled)
    return model


def fit(model, labels, **options):
    """The history of one step."""
    return model.fit(PIXELS, labels, shuffle=False, verbose=0, **options).history


def supernet():
    model = pd.Supernet(uniform_space("skip_connect", "max_pool_3x3"), 2, 3, num_classes=3)
    model.compute = compute_mixed_operations  # which is not worth a trace here
    return model


@pytest.mark.parametrize("make", [network, supernet])
@pytest.mark.parametrize("dtype", [np.uint8, np.int64])
def test_integers_are_the_same_pixels_as_floats(make, dtype):
    model = make()
    expected = model(PIXELS.astype(np.float32))
    np.testing.assert_array_equal(model(PIXELS.astype(dtype)), expected)


def test_integers_are_computed_with_in_half_precision():
    model = pd.EvaluationNetwork(GENOTYPE, 2, 3, num_classes=3, dtype="mixed_float16")
    assert np.isfinite(model(PIXELS)).all()


def test_images_of_text_are_refused():
    with pytest.raises(ValueError, match=r"Images must be numbers\. Received: string"):
        as_pixels(keras.ops.convert_to_tensor([["pixel"]]), "float32")


def categorical(labels, logits):
    return keras.losses.categorical_crossentropy(labels, logits, from_logits=True)


@pytest.mark.parametrize(
    ("loss", "labels"),
    [
        (CROSS_ENTROPY, LABELS),
        (keras.losses.CategoricalCrossentropy(from_logits=True), np.eye(3)[LABELS]),
        (categorical, np.eye(3)[LABELS]),
    ],
    ids=["sparse", "one-hot", "function"],
)
def test_one_loss_is_that_of_both_heads(loss, labels):
    model = network(loss)
    logits, auxiliary = model(PIXELS, training=True)
    expected = CROSS_ENTROPY(LABELS, logits) + AUXILIARY_WEIGHT * CROSS_ENTROPY(LABELS, auxiliary)
    history = fit(model, labels)
    assert history["loss"] == pytest.approx([float(expected)], rel=1e-5)


def test_both_heads_learn_from_one_loss():
    model = network(CROSS_ENTROPY)
    model.optimizer.learning_rate = 0.1
    model.build(PIXELS.shape)
    before = [variable.numpy() for variable in model.auxiliary_head.trainable_variables]
    fit(model, LABELS)
    after = model.auxiliary_head.trainable_variables
    assert all(np.any(v.numpy() != old) for v, old in zip(after, before, strict=True))


def test_metrics_and_validation_are_those_of_the_classifier():
    model = network(CROSS_ENTROPY, metrics=["accuracy"])
    history = model.fit(
        PIXELS, LABELS, shuffle=False, verbose=0, validation_data=(PIXELS, LABELS)
    ).history
    loss = float(CROSS_ENTROPY(LABELS, model(PIXELS)))
    assert history["val_loss"] == pytest.approx([loss], rel=1e-5)
    hits = np.argmax(model(PIXELS), -1) == LABELS
    assert history["val_accuracy"] == pytest.approx([hits.mean()])
    assert set(history) == {"loss", "accuracy", "val_loss", "val_accuracy"}


def test_class_weights_count_in_both_heads():
    (plain,) = fit(network(CROSS_ENTROPY), LABELS)["loss"]
    twice = dict.fromkeys(range(3), 2.0)
    history = (
        network(CROSS_ENTROPY)
        .fit(PIXELS, LABELS, shuffle=False, verbose=0, class_weight=twice)
        .history
    )
    assert history["loss"] == pytest.approx([2.0 * plain], rel=1e-5)


def test_penalties_of_weights_are_added_once():
    (plain,) = fit(network(CROSS_ENTROPY), LABELS)["loss"]
    model = network(CROSS_ENTROPY)
    model.build(PIXELS.shape)
    model.head.kernel.regularizer = keras.regularizers.L2(10.0)
    penalty = 10.0 * np.sum(np.square(model.head.kernel.numpy()))
    history = fit(model, LABELS)
    assert history["loss"] == pytest.approx([plain + penalty], rel=1e-5)


def test_two_losses_need_two_arrays_of_labels():
    model = network([CROSS_ENTROPY, CROSS_ENTROPY])
    with pytest.raises(ValueError, match="`loss` must be one loss"):
        fit(model, LABELS)
    assert "loss" in fit(model, (LABELS, LABELS))
