"""Features of an evaluation network without its classifier."""

from collections.abc import Callable

import tensorflow as tf

POOLINGS: dict[str | None, Callable[[tf.Tensor], tf.Tensor]] = {
    None: tf.identity,
    "avg": lambda features: tf.reduce_mean(features, (1, 2)),
    "max": lambda features: tf.reduce_max(features, (1, 2)),
}
"""Functions of features (batch, height, width, channels), by the name that Keras has for them."""


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
