"""Networks in several sizes: their counts, their order, and which of them no other one beats."""

import dataclasses

import pytest

from pdarts_tf.cost.candidates import DEPTHS, WIDTHS, ImageSetting, candidates, front
from pdarts_tf.cost.description import SETTINGS, as_dict
from pdarts_tf.genotype import GENOTYPES, Genotype
from pdarts_tf.models.stacking import reduction_cells

PDARTS, OTHER = GENOTYPES["PDARTS"], GENOTYPES["DARTS_V1"]
DIGITS = ImageSetting((8, 8, 1), 10, "cifar")


@pytest.mark.parametrize("name", SETTINGS)
def test_counts_are_those_of_describe(name):
    setting = SETTINGS[name]
    images = ImageSetting(
        (setting.image_size, setting.image_size, 3), setting.num_classes, setting.stem
    )
    (network,) = candidates({"": PDARTS}, images, (setting.num_layers,), (setting.init_channels,))
    described = as_dict(PDARTS)["settings"][name]
    assert (network.parameters, network.macs) == (described["parameters"], described["macs"])


def test_every_genotype_has_every_depth_and_width_from_the_largest_to_the_smallest():
    found = candidates({"M=1": PDARTS, "M=0": OTHER}, DIGITS)
    assert len(found) == 2 * len(DEPTHS) * len(WIDTHS)
    assert len({(each.limit, each.layers, each.init_channels) for each in found}) == len(found)
    assert [each.macs for each in found] == sorted((each.macs for each in found), reverse=True)


def test_size_is_multiply_accumulates_then_parameters_then_fewer_skip_connects():
    (network,) = candidates({"": PDARTS}, DIGITS, (5,), (4,))
    skips = [("skip_connect", 0)] * 4  # PDARTS has two
    smallest = dataclasses.replace(network, genotype=Genotype(skips, [3], skips, [3]))
    wider = dataclasses.replace(network, parameters=network.parameters + 1)
    largest = dataclasses.replace(network, macs=network.macs + 1)
    assert smallest.size < network.size < wider.size < largest.size


def test_a_genotype_for_several_limits_counts_once_for_the_lowest():
    found = candidates({"unrestricted": PDARTS, "M=2": PDARTS}, DIGITS, (5,), (4, 8))
    assert [each.limit for each in found] == ["M=2", "M=2"]


@pytest.mark.parametrize("depth", DEPTHS)
def test_depths_have_as_many_normal_cells_before_between_and_after_reductions(depth):
    first, second = reduction_cells(depth)
    assert first == second - first - 1 == depth - second - 1


def test_images_that_the_stem_does_not_fit_are_refused():
    with pytest.raises(ValueError, match="multiples of 4"):
        candidates({"": PDARTS}, ImageSetting((9, 9, 1), 10, "cifar"))


def test_a_network_is_named_with_its_limit():
    (network,) = candidates({"M=1": PDARTS}, DIGITS, (5,), (4,))
    assert str(network) == "M=1, 5 cells, 4 channels"
    assert network.counts == "17,350 parameters, 177,408 multiply-accumulates"


# Fronts


def costs(point):
    return point[:-1]


def worth(point):
    return point[-1]


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ([(1, 5), (2, 5), (2, 6)], [(1, 5), (2, 6)]),  # worth as much, at a higher cost
        ([(1, 5), (1, 6)], [(1, 6)]),  # worth less at the same cost
        ([(1, 5), (1, 5)], [(1, 5), (1, 5)]),  # equals beat nobody
        ([(1, 9, 5), (9, 1, 5), (9, 9, 5)], [(1, 9, 5), (9, 1, 5)]),  # two costs
        ([(1, 5)], [(1, 5)]),
        ([], []),
    ],
)
def test_the_front_has_what_no_other_beats(points, expected):
    assert front(points, costs, worth) == expected
