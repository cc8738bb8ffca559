"""RandAugment and MixUp: what they do to images and labels, and that the seed alone decides."""

import hashlib
import subprocess
import sys

import keras
import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from pdarts_tf.data import keras_augmentation
from pdarts_tf.data.augmentation import Augmentation
from pdarts_tf.data.images import Split
from pdarts_tf.data.keras_augmentation import MixUp, RandAugment
from pdarts_tf.data.pipeline import training_batches
from tests.image_files import pixels
from tests.source_tree import ROOT

SEED = tf.constant([1, 2], tf.int64)


def traced(augment):
    return tf.function(augment, autograph=False)


@pytest.fixture(scope="module")
def augment():
    """RandAugment of coloured images, traced once."""
    images = tf.TensorSpec([None, 8, 8, 3], tf.uint8)
    return traced(RandAugment(0.5)).get_concrete_function(images, tf.TensorSpec([2], tf.int64))


def only(*names, strength=0.5):
    """RandAugment with some of its operations, which is traced sooner."""
    augment = RandAugment(strength)
    places = [keras_augmentation._OPERATIONS.index(name) for name in names]
    augment._operations = [augment._operations[place] for place in places]
    return augment


def coloured(num_images=8, channels=3):
    return tf.constant(pixels(num_images, (8, 8, channels), 0))


class Adds(keras.layers.Layer):
    """An operation that leaves a mark: it adds a number."""

    def __init__(self, number):
        super().__init__()
        self.number = number

    def get_random_transformation(self, data, training=True, seed=None):
        return None

    def transform_images(self, images, transformation, training=True):
        return images + self.number


def marked(*numbers):
    """RandAugment whose operations add numbers."""
    augment = RandAugment(0.5)
    augment._operations = [Adds(float(number)) for number in numbers]
    return traced(augment)


def test_operations_are_all_those_of_the_layer():
    assert set(keras_augmentation._OPERATIONS) == set(keras.layers.RandAugment._AUGMENT_LAYERS)


def test_every_image_has_two_operations_and_every_pair_is_equally_likely():
    sums = marked(0, 1, 4)(tf.zeros((3600, 1, 1, 3)), SEED)[:, 0, 0, 0].numpy()
    values, counts = np.unique(sums, return_counts=True)
    assert values.tolist() == [0, 1, 2, 4, 5, 8]  # pairs of different ones come in both orders
    expected = [400, 800, 400, 800, 800, 400]
    assert scipy.stats.chisquare(counts, expected).pvalue > 0.01


def test_values_stay_pixels(augment):
    changed = augment(coloured(64), SEED)
    assert changed.dtype == tf.float32
    assert changed.shape == (64, 8, 8, 3)
    assert 0 <= changed.numpy().min() < changed.numpy().max() <= 255


def test_images_of_a_batch_do_not_depend_on_each_other(augment):
    images = coloured()
    others = tf.concat([images[:1], 255 - images[1:]], 0)
    np.testing.assert_array_equal(augment(others, SEED)[0], augment(images, SEED)[0])


def test_equal_images_become_different_ones(augment):
    changed = augment(tf.repeat(coloured(1), 8, 0), SEED).numpy()
    assert len({image.tobytes() for image in changed}) > 4


def test_a_grey_image_becomes_what_it_would_as_a_coloured_one():
    augment = traced(only("random_color_degeneration", "equalization"))
    grey = coloured(channels=1)
    changed = augment(grey, SEED)
    assert changed.shape == grey.shape
    np.testing.assert_array_equal(changed, augment(tf.repeat(grey, 3, -1), SEED)[..., :1])


def test_alpha_channels_do_not_change():
    images = coloured(channels=4)
    changed = marked(1)(images, SEED).numpy()
    np.testing.assert_array_equal(changed - images, [[[[2, 2, 2, 0]] * 8] * 8] * 8)


def test_amounts_grow_with_the_strength():
    images = np.full((64, 1, 1, 3), 20, np.uint8)
    changes = [
        np.abs(traced(only("random_brightness", strength=each))(images, SEED) - images).mean()
        for each in (0.1, 0.9)
    ]
    # Two operations of uniform amounts, each of half the strength on average.
    assert changes[0] == pytest.approx(0.1 * 255, rel=0.15)
    assert changes[1] > 5 * changes[0]


def test_mixing_takes_the_same_shares_of_images_and_labels():
    labels = np.arange(6)
    images = np.float32(10) ** labels.reshape(-1, 1, 1, 1) * np.ones((1, 2, 2, 3), np.float32)
    mixed, shares = MixUp(1.0, num_classes=6)(images, labels, SEED)
    assert shares.shape == (6, 6)
    np.testing.assert_allclose(shares.numpy().sum(-1), 1, rtol=1e-6)
    assert ((shares.numpy() > 0).sum(-1) <= 2).all()
    expected = np.einsum("bc,chwd->bhwd", shares, images)
    np.testing.assert_allclose(mixed, expected, rtol=1e-5)


def test_shares_are_of_the_beta_distribution():
    labels = np.zeros(4000, np.int64)
    labels[2000:] = 1
    shares = MixUp(0.4, 2)(np.zeros((4000, 1, 1, 1), np.float32), labels, SEED)[1].numpy()
    mixed = shares[(shares > 0).all(-1)]
    own = np.where(np.arange(4000) < 2000, shares[:, 0], shares[:, 1])[(shares > 0).all(-1)]
    assert len(mixed) == pytest.approx(2000, rel=0.1)  # with an image of the other class
    assert scipy.stats.kstest(own, scipy.stats.beta(0.4, 0.4).cdf).pvalue > 0.01


def stream(first_step=0):
    """Batches with all that is random, from a step on; six steps, two an epoch."""
    split = Split(coloured(8).numpy(), np.arange(8) % 3)
    rand_augment = only("random_brightness", "random_contrast")
    return training_batches(
        split,
        batch_size=4,
        steps_per_epoch=2,
        seed=(0, 1),
        first_step=first_step,
        last_step=6,
        augmentation=Augmentation(padding=1, cutout_length=2, rand_augment=rand_augment),
        mean=(0.5,) * 3,
        std=(0.25,) * 3,
        mixup=MixUp(0.4, num_classes=3),
    )


def digest(batches):
    """Digests of batches, by which those of two processes are compared."""
    return [
        hashlib.sha256(images.tobytes() + shares.tobytes()).hexdigest()
        for images, shares in batches.as_numpy_iterator()
    ]


@pytest.fixture(scope="module")
def digests():
    return digest(stream())


def test_batches_have_shares_for_labels():
    assert stream().element_spec == (
        tf.TensorSpec([4, 8, 8, 3], tf.float32),
        tf.TensorSpec([4, 3], tf.float32),
    )


def test_every_step_has_another_batch(digests):
    assert len(set(digests)) == 6


@pytest.mark.parametrize("first_step", [5, 1])
def test_a_batch_depends_on_its_step_and_not_on_those_before(digests, first_step):
    assert digest(stream(first_step)) == digests[first_step:]


@pytest.mark.slow
def test_another_process_has_the_same_batches(digests):
    code = "from tests.data.test_keras_augmentation import *; print(*digest(stream(3)))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == digests[3:]
