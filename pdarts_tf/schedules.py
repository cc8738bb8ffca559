"""Schedules: pure functions of the epoch.

Epochs are counted from 0: a training of E epochs runs epochs 0 .. E - 1. Fractions of an epoch are
accepted. Every function raises ValueError for arguments outside their documented ranges.
"""

import math
from collections.abc import Callable


def cosine(epoch: float, epochs: int, base: float) -> float:
    """Returns a cosine decay to 0: base * (1 + cos(pi * epoch / epochs)) / 2.

    Args:
        epoch: Epoch, 0 .. epochs.
        epochs: Number of epochs of the training, at least 1.
        base: Value in epoch 0, at least 0.

    Reference: DARTS (arXiv 1806.09055), appendix A.1, without the shift by one epoch that an old
    scheduler gave its code.

    Example:

    >>> [round(cosine(epoch, 4, 0.1), 6) for epoch in range(5)]
    [0.1, 0.085355, 0.05, 0.014645, 0.0]
    """
    _check_epoch(epoch, epochs)
    _check_base(base)
    return 0.5 * base * (1.0 + math.cos(math.pi * epoch / epochs))


def linear_with_warmup(epoch: float, epochs: int, base: float, warmup_epochs: int) -> float:
    """Returns a linear warm-up to the base value, followed by a linear decay to 0.

    base * (epoch + 1) / warmup_epochs while epoch < warmup_epochs, then
    base * (epochs - epoch) / (epochs - warmup_epochs).

    Args:
        epoch: Epoch, 0 .. epochs.
        epochs: Number of epochs of the training, warm-up included.
        base: Largest value, at least 0.
        warmup_epochs: Number of epochs of the warm-up, 0 .. epochs - 1.

    Reference: P-DARTS (arXiv 1904.12760), section 4.4 (ImageNet).

    Example:

    >>> [linear_with_warmup(epoch, 6, 0.5, 2) for epoch in range(7)]
    [0.25, 0.5, 0.5, 0.375, 0.25, 0.125, 0.0]
    """
    _check_epoch(epoch, epochs)
    _check_base(base)
    _check_warmup(warmup_epochs, epochs - 1)
    if epoch < warmup_epochs:
        return _warmup(epoch, base, warmup_epochs)
    return base * (epochs - epoch) / (epochs - warmup_epochs)


def cosine_with_warmup(epoch: float, epochs: int, base: float, warmup_epochs: int) -> float:
    """Returns a linear warm-up to the base value, followed by a cosine decay to 0.

    base * (epoch + 1) / warmup_epochs while epoch < warmup_epochs, then
    `cosine(epoch - warmup_epochs, epochs - warmup_epochs, base)`.

    Args:
        epoch: Epoch, 0 .. epochs.
        epochs: Number of epochs of the training, warm-up included.
        base: Largest value, at least 0.
        warmup_epochs: Number of epochs of the warm-up, 0 .. epochs - 1.

    Example:

    >>> [round(cosine_with_warmup(epoch, 6, 0.5, 2), 6) for epoch in range(7)]
    [0.25, 0.5, 0.5, 0.426777, 0.25, 0.073223, 0.0]
    """
    _check_epoch(epoch, epochs)
    _check_base(base)
    _check_warmup(warmup_epochs, epochs - 1)
    if epoch < warmup_epochs:
        return _warmup(epoch, base, warmup_epochs)
    return cosine(epoch - warmup_epochs, epochs - warmup_epochs, base)


LEARNING_RATE_SCHEDULES: dict[str, Callable[[float, int, float, int], float]] = {
    "cosine": cosine_with_warmup,
    "linear": linear_with_warmup,
}
"""Learning-rate schedules by name: functions (epoch, epochs, base, warmup_epochs) -> rate."""


def skip_dropout(epoch: float, epochs: int, warmup_epochs: int, initial: float) -> float:
    """Returns the rate of the dropout after skip-connects in one stage of a search.

    initial * (epochs - epoch - 1) / epochs while epoch < warmup_epochs (only the weights are
    trained), then initial * exp(-0.2 * (epoch - warmup_epochs)): the rate is reset to its initial
    value when the alphas start to be trained, and has nearly vanished at the end of the stage.

    Args:
        epoch: Epoch of the stage, 0 .. epochs, exclusive.
        epochs: Number of epochs of the stage.
        warmup_epochs: Number of epochs in which only the weights are trained, 0 .. epochs.
        initial: Initial rate, in [0, 1).

    Returns:
        A rate in [0, 1).

    Reference: P-DARTS (arXiv 1904.12760), section 3.3; the formula is that of the official code.

    Example:

    >>> [round(skip_dropout(epoch, 25, 10, 0.4), 6) for epoch in (0, 9, 10, 11, 24)]
    [0.384, 0.24, 0.4, 0.327492, 0.024324]
    """
    _check_epoch(epoch, epochs)
    if epoch == epochs:
        raise ValueError(f"Expected epoch to be less than epochs={epochs}. Received: {epoch!r}")
    _check_warmup(warmup_epochs, epochs)
    _check_rate("initial", initial)
    if epoch < warmup_epochs:
        # A fraction of the last epoch would make it negative.
        return initial * max(epochs - epoch - 1, 0) / epochs
    return initial * math.exp(-0.2 * (epoch - warmup_epochs))


def drop_path(epoch: float, epochs: int, final: float) -> float:
    """Returns the drop-path rate of an evaluation network: final * epoch / epochs.

    Args:
        epoch: Epoch, 0 .. epochs.
        epochs: Number of epochs of the training.
        final: Rate at the end of the training, in [0, 1).

    Reference: P-DARTS (arXiv 1904.12760), section 4.3.

    Example:

    >>> [round(drop_path(epoch, 600, 0.3), 6) for epoch in (0, 300, 599)]
    [0.0, 0.15, 0.2995]
    """
    _check_epoch(epoch, epochs)
    _check_rate("final", final)
    return final * epoch / epochs


def _warmup(epoch: float, base: float, warmup_epochs: int) -> float:
    """Returns a linear ramp that reaches the base value in the warm-up's last epoch and stays."""
    return min(base, base * (epoch + 1) / warmup_epochs)


def _check_epoch(epoch: float, epochs: int) -> None:
    if epochs < 1:
        raise ValueError(f"Expected epochs to be at least 1. Received: {epochs!r}")
    if not 0 <= epoch <= epochs:  # false for NaN as well
        raise ValueError(f"Expected epoch to be from 0 to epochs={epochs}. Received: {epoch!r}")


def _check_warmup(warmup_epochs: int, largest: int) -> None:
    if not 0 <= warmup_epochs <= largest:
        raise ValueError(
            f"Expected warmup_epochs to be from 0 to {largest}. Received: {warmup_epochs!r}"
        )


def _check_base(base: float) -> None:
    if not 0 <= base < math.inf:
        raise ValueError(f"Expected base to be finite and at least 0. Received: {base!r}")


def _check_rate(name: str, rate: float) -> None:
    if not 0 <= rate < 1:
        raise ValueError(f"Expected {name} to be at least 0 and less than 1. Received: {rate!r}")
