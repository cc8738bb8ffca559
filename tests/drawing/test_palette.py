"""Colours: can they be told apart, and read?"""

import itertools

import numpy as np
import pytest

from pdarts_tf.drawing.palette import HEAT, INK, KINDS, MUTED, SURFACE, kind_of
from pdarts_tf.genotype import EVALUATION_PRIMITIVES

THEMES = ("light", "dark")
# Linear RGB as people without one kind of cone see it: Machado, Oliveira, Fernandes, "A
# physiologically-based model for simulation of color vision deficiency", 2009, severity 1.
SIGHTS = {
    "all cones": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritanopia": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}


def linear(colour):
    """Linear RGB of #rrggbb."""
    values = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def oklab(rgb):
    """The OKLab colour space, in which distances are about those that people see."""
    to_cones = [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
    to_lab = [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
    return np.array(to_lab) @ np.cbrt(np.array(to_cones) @ np.clip(rgb, 0, 1))


def contrast(one, other):
    """Contrast ratio of WCAG 2, from 1 to 21."""
    dark, light = sorted(linear(each) @ [0.2126, 0.7152, 0.0722] for each in (one, other))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("sight", SIGHTS)
@pytest.mark.parametrize("theme", THEMES)
def test_kinds_of_operations_can_be_told_apart(theme, sight):
    seen = {
        kind: oklab(SIGHTS[sight] @ linear(getattr(colour, theme)))
        for kind, colour in KINDS.items()
    }
    distances = {
        pair: np.linalg.norm(seen[pair[0]] - seen[pair[1]])
        for pair in itertools.combinations(seen, 2)
    }
    # 0.02 is about the smallest difference that is seen at all.
    assert min(distances.values()) > 0.08, distances


@pytest.mark.parametrize("theme", THEMES)
def test_colours_contrast_with_their_background(theme):
    background = getattr(SURFACE, theme)
    for colour in (INK, MUTED):
        assert contrast(getattr(colour, theme), background) >= 4.5  # text, WCAG 1.4.3
    for colour in KINDS.values():
        assert contrast(getattr(colour, theme), background) >= 3  # graphics, WCAG 1.4.11


@pytest.mark.parametrize("theme", THEMES)
def test_numbers_are_legible_on_the_strongest_shade_of_a_heat_map(theme):
    assert contrast(getattr(INK, theme), getattr(HEAT, theme)) >= 4.5


def test_contrast_is_that_of_the_standard():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize("operation", EVALUATION_PRIMITIVES)
def test_every_operation_has_a_kind(operation):
    assert kind_of(operation) in KINDS
