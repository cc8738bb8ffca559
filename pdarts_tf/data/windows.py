"""Which part of an image a batch shows, and at what size: functions of sizes and a seed.

Windows are (4,) int32: top, left, height, width, in pixels of the image.

Reference: Szegedy et al., "Going Deeper with Convolutions" (arXiv 1409.4842), section 6.
"""

import math

import tensorflow as tf

MIN_AREA = 0.08
MAX_ASPECT = 4 / 3
CENTRE_PORTION = 224 / 256
"""ImageNet's test images: the short side is resized to 256 pixels, 224 of which are seen."""
_ATTEMPTS = 10


def resize(images: tf.Tensor, size: tuple[int, int]) -> tf.Tensor:
    """Images of another size: bilinear, antialiased, rounded.

    Args:
        images: (height, width, channels) or (batch, height, width, channels) uint8.
        size: new height and width in pixels.

    Returns:
        uint8 images; the same if they have that size.
    """
    if tuple(images.shape[-3:-1]) == tuple(size):
        return images
    resized = tf.image.resize(images, size, antialias=True)
    return tf.cast(tf.round(resized), tf.uint8)


def whole(shape: tf.Tensor) -> tf.Tensor:
    """The window that is the whole image.

    Args:
        shape: (2,) int32, height and width of the image.
    """
    return tf.concat([[0, 0], shape], 0)


def centre(shape: tf.Tensor, aspect: float) -> tf.Tensor:
    """The middle of an image: 224/256 of the largest window of that aspect.

    Cropping before resizing, not after it, is what lets a JPEG be decoded in part.

    Args:
        shape: (2,) int32, height and width of the image.
        aspect: width / height of the window.
    """
    height, width = tf.unstack(tf.cast(shape, tf.float32))
    largest = tf.minimum(height, width / aspect) * CENTRE_PORTION
    size = tf.maximum(tf.cast(tf.round(tf.stack([largest, largest * aspect])), tf.int32), 1)
    return tf.concat([(shape - size) // 2, size], 0)


def random(shape: tf.Tensor, aspect: float, seed: tf.Tensor) -> tf.Tensor:
    """A random part of an image: 8 to 100 % of its area, stretched by up to 4/3.

    Of ten draws the first that lies within the image counts; if none does, the largest window in
    the middle whose aspect is allowed.

    Args:
        shape: (2,) int32, height and width of the image.
        aspect: width / height that an unstretched window has.
        seed: (2,) integers.
    """
    area_seed, aspect_seed, place_seed = tf.unstack(tf.random.split(seed, 3))
    height, width = tf.unstack(tf.cast(shape, tf.float32))
    area = tf.random.stateless_uniform([_ATTEMPTS], area_seed, MIN_AREA, 1.0) * height * width
    limit = math.log(MAX_ASPECT)
    stretch = tf.exp(tf.random.stateless_uniform([_ATTEMPTS], aspect_seed, -limit, limit)) * aspect
    sizes = tf.stack([tf.round(tf.sqrt(area / stretch)), tf.round(tf.sqrt(area * stretch))], 1)
    sizes = tf.cast(sizes, tf.int32)
    fits = tf.reduce_all((sizes >= 1) & (sizes <= shape), 1)
    size = tf.where(
        tf.reduce_any(fits),
        sizes[tf.argmax(tf.cast(fits, tf.int32))],
        _largest(height, width, aspect),
    )
    places = tf.random.stateless_uniform([2], place_seed)
    free = tf.cast(shape - size + 1, tf.float32)
    place = tf.minimum(tf.cast(tf.floor(places * free), tf.int32), shape - size)
    place = tf.where(tf.reduce_any(fits), place, (shape - size) // 2)
    return tf.concat([place, size], 0)


def _largest(height: tf.Tensor, width: tf.Tensor, aspect: float) -> tf.Tensor:
    """(2,) int32: the largest height and width with an aspect that a random window may have."""
    allowed = tf.clip_by_value(width / height, aspect / MAX_ASPECT, aspect * MAX_ASPECT)
    size = tf.stack([tf.minimum(height, width / allowed), tf.minimum(width, height * allowed)])
    return tf.maximum(tf.cast(tf.round(size), tf.int32), 1)
