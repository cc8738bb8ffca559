"""Windows of images to crop and resize, as functions of sizes and a seed.

Windows are int32 tensors of shape (4,): top, left, height and width, in pixels of the image.

Reference: Szegedy et al., "Going Deeper with Convolutions" (arXiv 1409.4842), section 6.
"""

import math

import tensorflow as tf

MIN_AREA = 0.08
MAX_ASPECT = 4 / 3
CENTRE_PORTION = 224 / 256
"""For ImageNet's test images, the short side is resized to 256 pixels, and 224 of them are used."""
_ATTEMPTS = 10


def resize(images: tf.Tensor, size: tuple[int, int]) -> tf.Tensor:
    """Resizes images by bilinear interpolation with antialiasing, and rounds.

    Args:
        images: uint8 tensor of shape (height, width, channels) or (batch, height, width, channels).
        size: New height and width in pixels.

    Returns:
        uint8 tensor; the images themselves if they have that size.
    """
    if tuple(images.shape[-3:-1]) == tuple(size):
        return images
    resized = tf.image.resize(images, size, antialias=True)
    return tf.cast(tf.round(resized), tf.uint8)


def whole(shape: tf.Tensor) -> tf.Tensor:
    """Returns the window of the whole image.

    Args:
        shape: Height and width of the image, int32 of shape (2,).
    """
    return tf.concat([[0, 0], shape], 0)


def centre(shape: tf.Tensor, aspect: float) -> tf.Tensor:
    """Returns a centred window: 224/256 of the largest one with the given aspect ratio.

    Cropping before resizing, rather than after it, allows a JPEG to be decoded in part.

    Args:
        shape: Height and width of the image, int32 of shape (2,).
        aspect: Aspect ratio of the window, width / height.

    Example:

    >>> centre(tf.constant([256, 512]), aspect=1.0).numpy().tolist()
    [16, 144, 224, 224]
    """
    height, width = tf.unstack(tf.cast(shape, tf.float32))
    largest = tf.minimum(height, width / aspect) * CENTRE_PORTION
    size = tf.maximum(tf.cast(tf.round(tf.stack([largest, largest * aspect])), tf.int32), 1)
    return tf.concat([(shape - size) // 2, size], 0)


def random(shape: tf.Tensor, aspect: float, seed: tf.Tensor) -> tf.Tensor:
    """Returns a random window with 8 to 100 % of the area, stretched by up to 4/3.

    The first of ten draws that lies within the image is used; if none does, the largest centred
    window with an allowed aspect ratio.

    Args:
        shape: Height and width of the image, int32 of shape (2,).
        aspect: Aspect ratio of an unstretched window, width / height.
        seed: Two integers.
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
    """Returns the largest height and width with an allowed aspect ratio, int32 of shape (2,)."""
    allowed = tf.clip_by_value(width / height, aspect / MAX_ASPECT, aspect * MAX_ASPECT)
    size = tf.stack([tf.minimum(height, width / allowed), tf.minimum(width, height * allowed)])
    return tf.maximum(tf.cast(tf.round(size), tf.int32), 1)
