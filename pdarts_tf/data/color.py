"""Colour jitter: random changes of brightness, contrast, saturation and hue, in random order.

The changes and their ranges are those of torchvision's ColorJitter, which published ImageNet
recipes use: blending with black, with the mean grey, and with the grey image; rotating the hue.

Reference: Howard, "Some Improvements on Deep Convolutional Neural Network Based Image
Classification" (arXiv 1312.5402).
"""

import functools
from collections.abc import Sequence

import tensorflow as tf

_GREY = (0.299, 0.587, 0.114)  # ITU-R 601, of red, green and blue
_NUM_CHANGES = 4


def color_jitter(image: tf.Tensor, seed: tf.Tensor, strengths: Sequence[float]) -> tf.Tensor:
    """Changes the colours of an image at random.

    Factors of brightness, contrast and saturation are uniform in 1 - strength (at least 0) to
    1 + strength; the rotation of the hue is uniform up to its strength. A strength of 0 disables a
    change. Grey images change in brightness and contrast only; alpha channels do not change.

    Args:
        image: float32 tensor of shape (height, width, channels), with values from 0 to 1 and 1, 3
            or 4 channels.
        seed: Two integers.
        strengths: Strengths of brightness, contrast, saturation and hue; the last at most 0.5.

    Returns:
        Tensor of the shape and type of `image`.
    """
    colored = image.shape[-1] > 1
    used = [float(s) if colored or i < 2 else 0.0 for i, s in enumerate(strengths)]
    order_seed, amount_seed = tf.unstack(tf.random.split(seed, 2))
    order = tf.argsort(tf.random.stateless_uniform([_NUM_CHANGES], order_seed))
    lowest = tf.constant([*(max(0.0, 1 - s) for s in used[:3]), -used[3]])
    highest = tf.constant([*(1 + s for s in used[:3]), used[3]])
    portions = tf.random.stateless_uniform([_NUM_CHANGES], amount_seed)
    amounts = lowest + portions * (highest - lowest)
    result = changed(image[..., :3], order, amounts, [strength > 0 for strength in used])
    return tf.concat([result, image[..., 3:]], -1)


def changed(
    image: tf.Tensor, order: tf.Tensor, amounts: tf.Tensor, used: Sequence[bool]
) -> tf.Tensor:
    """Applies the four changes to an image, in a given order.

    Args:
        image: float32 tensor of shape (height, width, 1 or 3), with values from 0 to 1.
        order: The changes in order, of shape (4,): 0 brightness, 1 contrast, 2 saturation, 3 hue.
        amounts: Amounts of the changes, of shape (4,): three factors, and the rotation of the hue
            as a fraction of a full turn.
        used: Whether each change is applied.

    Returns:
        Tensor of the shape and type of `image`.
    """
    for place in range(_NUM_CHANGES):
        image = _changed_once(image, order[place], amounts, used)
    return image


def _changed_once(
    image: tf.Tensor, which: tf.Tensor, amounts: tf.Tensor, used: Sequence[bool]
) -> tf.Tensor:
    changes = (_brightness, _contrast, _saturation, _turn_hue)
    branches = [
        functools.partial(changes[i], image, amounts[i])
        if used[i]
        else functools.partial(tf.identity, image)
        for i in range(_NUM_CHANGES)
    ]
    return tf.switch_case(which, branches)


def _brightness(image: tf.Tensor, factor: tf.Tensor) -> tf.Tensor:
    return tf.clip_by_value(image * factor, 0.0, 1.0)


def _contrast(image: tf.Tensor, factor: tf.Tensor) -> tf.Tensor:
    return _blend(image, tf.reduce_mean(_grey(image)), factor)


def _saturation(image: tf.Tensor, factor: tf.Tensor) -> tf.Tensor:
    return _blend(image, _grey(image), factor)


def _turn_hue(image: tf.Tensor, part: tf.Tensor) -> tf.Tensor:
    return tf.image.adjust_hue(image, part)


def _blend(image: tf.Tensor, other: tf.Tensor, factor: tf.Tensor) -> tf.Tensor:
    return tf.clip_by_value(other + factor * (image - other), 0.0, 1.0)


def _grey(image: tf.Tensor) -> tf.Tensor:
    """Returns the luma of an image, of shape (height, width, 1)."""
    if image.shape[-1] == 1:
        return image
    # Twice as fast as a sum over the last axis.
    red, green, blue = tf.split(image, 3, -1)
    return _GREY[0] * red + _GREY[1] * green + _GREY[2] * blue
