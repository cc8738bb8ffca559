"""Dropout that is stateless in a seed, so that a resumed run draws the same masks.

A mask belongs to the place of an image in the global batch. Devices that share a batch therefore
draw different masks, and the same ones together as a single device would.
"""

import functools
from collections.abc import Sequence
from typing import Any, Protocol

import keras
import tensorflow as tf

_PHILOX = 1
_BLOCK = 4  # numbers of 32 bits per value of Philox' counter

Dropout = tuple[tf.Tensor, tf.Tensor, tf.Tensor | None]
"""(rate, seed, first_image) of the masks of a cell, see `drop_elements`."""


class CountsPasses(Protocol):
    """A model whose masks follow from its seed and from how often it has been trained."""

    seed: int
    num_layers: int
    forward_passes: keras.Variable


def drop_elements(
    x: tf.Tensor, rate: tf.Tensor, seed: tf.Tensor, first_image: tf.Tensor | None = None
) -> tf.Tensor:
    """Zeroes elements with probability `rate` and scales the others by 1 / (1 - rate).

    Args:
        x: (batch, ...).
        rate: Scalar tensor, 0 <= rate < 1.
        seed: Two int32.
        first_image: Place of the first image in the global batch; None if x is all of it.

    Returns:
        A tensor as x.

    Reference: P-DARTS, section 3.3, "operation-level dropout".
    """
    keep = _uniform(tf.shape(x), seed, first_image) >= rate
    return tf.where(keep, x / tf.cast(1.0 - rate, x.dtype), tf.zeros((), x.dtype))


def drop_path(
    x: tf.Tensor, rate: tf.Tensor, seed: tf.Tensor, first_image: tf.Tensor | None = None
) -> tf.Tensor:
    """Zeroes whole samples with probability `rate` and scales the others by 1 / (1 - rate).

    Args:
        x: (batch, height, width, channels), the output of one operation.
        rate: Scalar tensor, 0 <= rate < 1.
        seed: Two int32.
        first_image: As in `drop_elements`.

    Returns:
        A tensor as x; its expectation over the seeds is x.

    Reference: Larsson, Maire, Shakhnarovich, "FractalNet" (arXiv 1605.07648), in the form that
    NASNet (arXiv 1707.07012, section 4) and P-DARTS (section 4.3) train with.
    """
    (factor,) = drop_path_factors(x, rate, [seed], first_image)
    return x * factor


def drop_path_factors(
    x: tf.Tensor, rate: tf.Tensor, seeds: Sequence[tf.Tensor], first_image: tf.Tensor | None = None
) -> list[tf.Tensor]:
    """Returns factors of drop-path, 0 or 1 / (1 - rate), for several operations at once.

    They are factors and not selections, so that the graph keeps small masks for the gradient.

    Args:
        x: Tensor of the batch size and type that the factors get, (batch, ...).
        rate, first_image: See `drop_path`.
        seeds: Two int32 per operation.

    Returns:
        A tensor (batch, 1, 1, 1) per seed.
    """
    shape = (x.shape[0] or tf.shape(x)[0], 1, 1, 1)
    numbers = tf.stack([_uniform(shape, seed, first_image) for seed in seeds])
    return tf.unstack(tf.cast(numbers >= rate, x.dtype) / tf.cast(1.0 - rate, x.dtype))


def split_seed(seed: tf.Tensor, num: int) -> tf.Tensor:
    """Returns `num` independent seeds, (num, 2) int32, from one of two int32."""
    # Generators read their seeds in host memory: drawn on a GPU, they would have to come back.
    with tf.device("CPU:0"):
        return tf.random.stateless_uniform((num, 2), seed, minval=None, maxval=None, dtype=tf.int32)


def add_pass_counter(model: keras.Model) -> keras.Variable:
    """Adds the variable `forward_passes` to a model, the number of its training passes.

    With the model's seed it fixes every mask, also after a resume.
    """
    return model.add_weight(
        shape=(),
        initializer="zeros",
        trainable=False,
        dtype="int32",
        aggregation="only_first_replica",
        name="forward_passes",
    )


def draw_seeds(model: CountsPasses) -> list[tf.Tensor]:
    """Counts a training pass, and returns its seeds: two int32 for each of the model's cells."""
    model.forward_passes.assign_add(1)
    key = tf.stack([model.seed, tf.convert_to_tensor(model.forward_passes)])
    return tf.unstack(split_seed(key, model.num_layers))


def _uniform(
    shape: tf.Tensor | Sequence[Any], seed: tf.Tensor, first_image: tf.Tensor | None
) -> tf.Tensor:
    """Draws uniform numbers in [0, 1): rows `first_image` and following of those of a batch.

    Only the rows that are asked for are drawn: Philox numbers its blocks by a counter, which can
    begin anywhere.
    """
    # The raw operation: `tf.random.stateless_uniform` scales what is in [0, 1) already.
    key, counter = tf.raw_ops.StatelessRandomGetKeyCounter(seed=seed)
    draw = functools.partial(tf.raw_ops.StatelessRandomUniformV2, key=key, alg=_PHILOX)
    if first_image is None:
        return draw(shape=shape, counter=counter)
    size = tf.reduce_prod(shape)
    first = tf.cast(first_image, tf.int64) * tf.cast(tf.reduce_prod(shape[1:]), tf.int64)
    numbers = draw(
        shape=[size + _BLOCK - 1],
        counter=counter + tf.cast(tf.stack([first // _BLOCK, 0]), tf.uint64),
    )
    # Of `first`, without leaving int32: where it begins is read in host memory.
    rest = (first_image % _BLOCK) * (tf.reduce_prod(shape[1:]) % _BLOCK) % _BLOCK
    return tf.reshape(tf.slice(numbers, [rest], [size]), shape)
