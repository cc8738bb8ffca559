"""Latencies: which networks are measured, how others are predicted, which one is chosen."""

import dataclasses
import math

import pytest

from pdarts_tf.cost.candidates import ImageSetting, candidates
from pdarts_tf.cost.latency_model import fitted, largest_within, probes
from pdarts_tf.genotype import GENOTYPES

IMAGES = ImageSetting((32, 32, 3), 10, "cifar")
TRIED = candidates({"": GENOTYPES["PDARTS"]}, IMAGES)


def linear(network):
    """A machine that the prediction is right about."""
    return 0.5 + 0.2 * network.layers + network.macs / 20e6


def busy(network):
    """One on which wide networks are slower than the prediction says."""
    return linear(network) * (1 + network.init_channels / 40)


def recorded(latency):
    """A measuring function, and the networks that it has measured."""
    seen = []

    def measure(network):
        seen.append(network)
        return latency(network)

    return measure, seen


def test_the_smallest_and_middle_networks_of_both_depths_are_measured():
    found = {(each.layers, each.init_channels) for each in probes(TRIED)}
    assert found == {(5, 4), (5, 36), (20, 4), (20, 36)}


def test_where_sizes_are_given_fewer_are_measured():
    assert len(probes(candidates({"": GENOTYPES["PDARTS"]}, IMAGES, (8,), (4, 8)))) == 2
    (single,) = candidates({"": GENOTYPES["PDARTS"]}, IMAGES, (8,), (4,))
    assert probes([single]) == [single]


def test_a_linear_latency_is_predicted_exactly():
    expected = fitted({each: linear(each) for each in probes(TRIED)})
    for network in TRIED:
        assert expected(network) == pytest.approx(linear(network))


def test_larger_networks_are_never_predicted_to_be_faster():
    small, middle = probes(TRIED)[:2]
    expected = fitted({small: 5.0, middle: 4.0})  # of a machine that was busy at first
    larger = dataclasses.replace(middle, macs=10 * middle.macs)
    assert expected(larger) >= expected(middle)


@pytest.mark.parametrize("limit", [2.0, 5.0, 20.0, 60.0])
def test_the_largest_that_fits_is_chosen_after_a_few_measurements(limit):
    measure, seen = recorded(linear)
    found, measured = largest_within(TRIED, limit, measure)
    assert found == next(each for each in TRIED if linear(each) <= limit)
    assert list(measured) == seen
    assert len(seen) == len(set(seen)) <= 5


@pytest.mark.parametrize("limit", [2.5, 8.0, 30.0])
def test_what_is_chosen_was_itself_measured_to_fit(limit):
    measure, seen = recorded(busy)
    found, measured = largest_within(TRIED, limit, measure)
    assert found is not None
    assert measured[found] == busy(found) <= limit
    assert len(seen) <= 12
    # The prediction is wrong, but corrected: not much is left of the budget.
    assert measured[found] > 0.75 * limit


def test_if_all_fit_the_largest_is_chosen():
    found, _ = largest_within(TRIED, math.inf, linear)
    assert found == TRIED[0]


def test_if_the_smallest_does_not_fit_nothing_else_is_measured():
    measure, seen = recorded(linear)
    assert largest_within(TRIED, 1.0, measure) == (None, {TRIED[-1]: linear(TRIED[-1])})
    assert seen == [TRIED[-1]]
