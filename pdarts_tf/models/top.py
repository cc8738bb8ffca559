"""The end of an evaluation network, with or without its classifier; checks of its arguments."""

from collections.abc import Callable

import keras
import tensorflow as tf

from pdarts_tf.layers.auxiliary import AuxiliaryHead
from pdarts_tf.stems import STEMS, check_image_size, least_auxiliary_size

POOLINGS: dict[str | None, Callable[[tf.Tensor], tf.Tensor]] = {
    None: tf.identity,
    "avg": lambda features: tf.reduce_mean(features, (1, 2)),
    "max": lambda features: tf.reduce_max(features, (1, 2)),
}
"""Functions of features (batch, height, width, channels), by the name that Keras has for them."""


def check_arguments(num_classes: int, stem: str, drop_path_rate: float) -> None:
    """Checks arguments of a network.

    Raises:
        ValueError: One is out of range.
    """
    if stem not in STEMS:
        raise ValueError(f"`stem` must be one of {', '.join(STEMS)}. Received: {stem!r}")
    if num_classes < 1:
        raise ValueError(f"`num_classes` must be at least 1. Received: {num_classes!r}")
    check_rate(drop_path_rate)


def check_top(include_top: bool, pooling: str | None, auxiliary: bool) -> None:
    """Checks the arguments about the end of a network.

    Raises:
        ValueError: They do not fit each other.
    """
    if pooling not in POOLINGS:
        raise ValueError(f"`pooling` must be None, 'avg' or 'max'. Received: {pooling!r}")
    if include_top and pooling is not None:
        raise ValueError(
            "`pooling` is for networks without a classifier: pass include_top=False. "
            f"Received: {pooling!r}"
        )
    if auxiliary and not include_top:
        raise ValueError(
            "An auxiliary head needs a classifier beside it: pass auxiliary=False with "
            "include_top=False."
        )


def statistics_of(stem: str, sync_batch_norm: bool) -> str:
    """Returns the kind of statistics of a network's batch norms, see `layers.normalization`."""
    if sync_batch_norm:
        return "global"
    return "float64" if STEMS[stem].exact else "batch"


def make_auxiliary_head(
    num_classes: int, stem: str, seed: int, statistics: str, dtype: keras.DTypePolicy
) -> AuxiliaryHead:
    """Returns the auxiliary head of a network; see `AuxiliaryHead`."""
    return AuxiliaryHead(
        num_classes,
        STEMS[stem].auxiliary_stride,
        seed=seed,
        statistics=statistics,
        dtype=dtype,
        name="auxiliary_head",
    )


def check_images(height: int, width: int, stem: str, auxiliary: bool) -> None:
    """Checks that a network can take images of a size.

    Raises:
        ValueError: It cannot.
    """
    check_image_size(height, width, stem)
    least = least_auxiliary_size(stem)
    if auxiliary and min(height, width) < least:
        raise ValueError(
            f"With stem={stem!r}, an auxiliary head needs images of at least {least} "
            f"pixels: build the network with auxiliary=False. Received: {height}x{width}"
        )


def check_rate(rate: float) -> None:
    """Checks a rate of drop-path.

    Raises:
        ValueError: It is not in [0, 1).
    """
    if not 0.0 <= rate < 1.0:
        raise ValueError(f"`drop_path_rate` must be in [0, 1). Received: {rate!r}")
