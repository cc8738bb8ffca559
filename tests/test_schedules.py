"""Schedules: formulas by hand-computed values, ends, and refused arguments."""

import math

import pytest

from pdarts_tf.schedules import (
    cosine,
    cosine_with_warmup,
    drop_path,
    linear_with_warmup,
    skip_dropout,
)


@pytest.mark.parametrize(
    ("epoch", "expected"), [(0, 0.025), (5, 0.0226127124), (12.5, 0.0125), (20, 0.0023872876)]
)
def test_cosine_over_a_search_stage(epoch, expected):
    assert cosine(epoch, 25, 0.025) == pytest.approx(expected, abs=1e-10)


def test_cosine_ends_at_zero():
    assert cosine(600, 600, 0.025) == 0.0


@pytest.mark.parametrize(
    ("epoch", "expected"),
    [(0, 0.1), (3, 0.4), (4, 0.5), (5, 0.5), (54, 0.4), (249, 0.5 / 245), (250, 0.0)],
)
def test_linear_with_warmup_over_imagenet_training(epoch, expected):
    assert linear_with_warmup(epoch, 250, 0.5, 5) == pytest.approx(expected, rel=1e-12)


def test_linear_without_warmup_starts_at_base():
    assert linear_with_warmup(0, 10, 0.5, 0) == 0.5


@pytest.mark.parametrize(
    ("epoch", "expected"), [(0, 0.1), (4, 0.5), (5, 0.5), (10, 0.375), (15, 0.125), (20, 0.0)]
)
def test_cosine_with_warmup_decays_over_the_remaining_epochs(epoch, expected):
    # 15 epochs remain, so epochs 10 and 15 are a third and two thirds of the way.
    assert cosine_with_warmup(epoch, 20, 0.5, 5) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("schedule", [linear_with_warmup, cosine_with_warmup])
def test_warmup_never_exceeds_base_between_epochs(schedule):
    assert schedule(4.5, 20, 0.5, 5) == 0.5


@pytest.mark.parametrize(("epoch", "expected"), [(0, 0.7 * 24 / 25), (9, 0.7 * 15 / 25)])
def test_skip_dropout_falls_linearly_while_only_weights_learn(epoch, expected):
    assert skip_dropout(epoch, 25, 10, 0.7) == pytest.approx(expected, rel=1e-12)


def test_skip_dropout_starts_again_when_alphas_learn():
    assert skip_dropout(10, 25, 10, 0.7) == 0.7


def test_skip_dropout_then_decays_exponentially():
    assert skip_dropout(15, 25, 10, 0.7) == pytest.approx(0.7 / math.e, rel=1e-12)


def test_skip_dropout_reaches_zero_if_alphas_never_learn():
    assert skip_dropout(24.5, 25, 25, 0.7) == 0.0


@pytest.mark.parametrize(("epoch", "expected"), [(0, 0.0), (150, 0.075), (600, 0.3)])
def test_drop_path_rises_linearly(epoch, expected):
    assert drop_path(epoch, 600, 0.3) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("epoch", [-1, 26, math.nan])
@pytest.mark.parametrize(
    "schedule",
    [
        lambda epoch: cosine(epoch, 25, 0.1),
        lambda epoch: linear_with_warmup(epoch, 25, 0.1, 2),
        lambda epoch: cosine_with_warmup(epoch, 25, 0.1, 2),
        lambda epoch: skip_dropout(epoch, 25, 10, 0.1),
        lambda epoch: drop_path(epoch, 25, 0.1),
    ],
)
def test_epoch_outside_the_training_is_refused(schedule, epoch):
    with pytest.raises(ValueError, match=r"Expected epoch to be from 0 to epochs=25\. Received"):
        schedule(epoch)


def test_skip_dropout_has_no_value_after_the_stage():
    with pytest.raises(ValueError, match="epoch to be less than epochs=25"):
        skip_dropout(25, 25, 10, 0.4)


def test_training_without_epochs_is_refused():
    with pytest.raises(ValueError, match=r"epochs to be at least 1\. Received: 0"):
        cosine(0, 0, 0.1)


@pytest.mark.parametrize("base", [-0.1, math.inf, math.nan])
def test_base_that_is_no_learning_rate_is_refused(base):
    with pytest.raises(ValueError, match="base to be finite and at least 0"):
        cosine(0, 25, base)


@pytest.mark.parametrize("warmup_epochs", [-1, 20])
@pytest.mark.parametrize("schedule", [linear_with_warmup, cosine_with_warmup])
def test_warmup_must_leave_an_epoch(schedule, warmup_epochs):
    with pytest.raises(ValueError, match="warmup_epochs to be from 0 to 19"):
        schedule(0, 20, 0.5, warmup_epochs)


def test_warmup_longer_than_the_stage_is_refused():
    with pytest.raises(ValueError, match="warmup_epochs to be from 0 to 25"):
        skip_dropout(0, 25, 26, 0.4)


@pytest.mark.parametrize("rate", [-0.1, 1.0, math.nan])
def test_rates_must_be_probabilities_below_one(rate):
    with pytest.raises(ValueError, match="initial to be at least 0 and less than 1"):
        skip_dropout(0, 25, 10, rate)
    with pytest.raises(ValueError, match="final to be at least 0 and less than 1"):
        drop_path(0, 25, rate)
