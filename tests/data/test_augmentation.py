"""Augmentation, against plain NumPy."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from pdarts_tf.data.augmentation import Augmentation, cutout, normalize, random_crop_flip

MEAN, STD = (0.5, 0.25, 0.75), (0.2, 0.3, 0.4)


def noise(*shape, seed=0):
    """Pixels from 1 to 255, so that a black border is told from them."""
    return np.random.default_rng(seed).integers(1, 256, shape, np.uint8)


def windows(image, padding, flip):
    """Every crop that one image may become: {(top, left, mirrored): pixels}."""
    height, width, _ = image.shape
    padded = np.pad(image, [(padding, padding), (padding, padding), (0, 0)])
    return {
        (top, left, mirrored): padded[top : top + height, left : left + width][
            :, :: -1 if mirrored else 1
        ]
        for top in range(2 * padding + 1)
        for left in range(2 * padding + 1)
        for mirrored in ([False, True] if flip else [False])
    }


def crops_found(image, count, seed, **settings):
    """Which window each of `count` augmented copies of an image is: tuples as in `windows`."""
    known = {pixels.tobytes(): crop for crop, pixels in windows(image, **settings).items()}
    cropped = random_crop_flip(np.stack([image] * count), seed, **settings).numpy()
    return [known[pixels.tobytes()] for pixels in cropped]


@given(
    height=st.integers(1, 6),
    width=st.integers(1, 6),
    channels=st.integers(1, 3),
    padding=st.integers(0, 3),
    flip=st.booleans(),
    seed=st.integers(0, 2**31 - 1),
)
def test_each_image_becomes_a_window_of_its_padded_self(
    height, width, channels, padding, flip, seed
):
    images = noise(5, height, width, channels, seed=seed)
    cropped = random_crop_flip(images, [seed, 1], padding, flip).numpy()
    assert cropped.shape == images.shape
    assert cropped.dtype == images.dtype
    for before, after in zip(images, cropped, strict=True):
        allowed = {pixels.tobytes() for pixels in windows(before, padding, flip).values()}
        assert after.tobytes() in allowed


def test_every_shift_and_both_directions_are_equally_likely():
    crops = crops_found(noise(4, 4, 1), 10_000, [1, 2], padding=2, flip=True)
    counts = np.array([crops.count(crop) for crop in sorted(set(crops))])
    expected = 10_000 / (5 * 5 * 2)
    assert len(counts) == 50
    assert ((counts - expected) ** 2 / expected).sum() < 85.4  # chi square, 49 degrees, p = 0.001


def test_shifts_and_directions_are_independent_of_each_other_and_of_the_neighbour_image():
    crops = np.array(crops_found(noise(6, 6, 1), 4000, [3, 4], padding=3, flip=True))
    choices = crops.reshape(2000, 6).T  # top, left, mirrored of an image and of the next
    correlations = np.corrcoef(choices)[np.triu_indices(6, 1)]
    assert np.abs(correlations).max() < 4 / np.sqrt(2000)


def test_without_flip_no_image_is_mirrored():
    crops = crops_found(noise(8, 8, 1), 200, [5, 6], padding=1, flip=False)
    assert len(set(crops)) == 9


def test_crop_works_on_floats_as_on_bytes():
    images = noise(4, 6, 6, 3)
    np.testing.assert_array_equal(
        random_crop_flip(images.astype(np.float32), [1, 2]), random_crop_flip(images, [1, 2])
    )


def test_crop_takes_a_batch_of_unknown_size():
    crop = tf.function(
        random_crop_flip,
        input_signature=[
            tf.TensorSpec([None, 6, 6, 3], tf.uint8),
            tf.TensorSpec([2], tf.int64),
        ],
    )
    images, seed = noise(4, 6, 6, 3), tf.constant([1, 2], tf.int64)
    np.testing.assert_array_equal(crop(images, seed), random_crop_flip(images, seed))


@given(
    size=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    length=st.integers(0, 8),
    seed=st.integers(0, 2**31 - 1),
)
def test_cutout_is_that_of_the_official_code_for_some_centre(size, length, seed):
    height, width = size
    images = np.ones((6, height, width, 2), np.float32)
    allowed = set()
    for y in range(height):
        for x in range(width):
            mask = np.ones((height, width), np.float32)
            top, bottom = np.clip([y - length // 2, y + length // 2], 0, height)
            left, right = np.clip([x - length // 2, x + length // 2], 0, width)
            mask[top:bottom, left:right] = 0
            allowed.add(mask.tobytes())
    for image in cutout(images, [seed, 1], length).numpy():
        np.testing.assert_array_equal(image[..., 0], image[..., 1])
        assert image[..., 0].tobytes() in allowed


def test_cutout_keeps_the_other_pixels():
    images = noise(4, 8, 8, 3).astype(np.float32) - 128.5
    cut = cutout(images, [1, 2], 4).numpy()
    kept = cut != 0
    np.testing.assert_array_equal(cut[kept], images[kept])


def test_cutout_centres_are_uniform_over_the_image():
    cut = cutout(np.ones((9000, 3, 5, 1), np.float32), [7, 8], 2).numpy()[..., 0]
    # A square of length 2 reaches from one pixel above and left of its centre up to the centre.
    last = [np.argwhere(mask == 0).max(axis=0) for mask in cut]
    counts = np.unique(last, axis=0, return_counts=True)[1]
    assert len(counts) == 15
    assert ((counts - 600) ** 2 / 600).sum() < 36.1  # chi square, 14 degrees, p = 0.001


def test_normalize_is_the_formula():
    images = noise(2, 4, 4, 3)
    normalized = normalize(images, MEAN, STD)
    assert normalized.dtype == tf.float32
    np.testing.assert_allclose(normalized, (images / 255 - MEAN) / STD, rtol=1e-5, atol=1e-6)


def test_nothing_switched_on_only_normalises():
    images = noise(2, 4, 4, 3)
    augmented = Augmentation(padding=0, flip=False)(images, tf.constant([1, 2]), MEAN, STD)
    np.testing.assert_array_equal(augmented, normalize(images, MEAN, STD))


def test_the_border_is_black_and_what_is_cut_out_has_the_mean_colour():
    images = np.full((200, 8, 8, 3), 255, np.uint8)
    augmented = Augmentation(padding=2, cutout_length=4)(images, tf.constant([1, 2]), MEAN, STD)
    colours = np.unique(augmented.numpy().reshape(-1, 3), axis=0)
    white, black = (1 - np.array(MEAN)) / STD, -np.array(MEAN) / STD
    np.testing.assert_allclose(colours, np.stack([black, np.zeros(3), white]), rtol=1e-5)


def test_the_seed_alone_decides():
    images = noise(8, 8, 8, 3)
    augment = Augmentation(cutout_length=4)
    one, again, other = (
        augment(images, tf.constant(seed, tf.int64), MEAN, STD).numpy()
        for seed in ([1, 2], [1, 2], [1, 3])
    )
    np.testing.assert_array_equal(one, again)
    assert all((a != b).any() for a, b in zip(one, other, strict=True))


def test_negative_padding_is_an_error():
    with pytest.raises(ValueError, match="Received: padding=-1"):
        Augmentation(padding=-1)


def test_negative_cutout_length_is_an_error():
    with pytest.raises(ValueError, match="Received: cutout_length=-1"):
        Augmentation(cutout_length=-1)
