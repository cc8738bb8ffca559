"""Colours of drawings and pages, for light and dark surroundings.

The kinds of operation stay apart for the colour-blind too; a test simulates how they see them. No
meaning hangs on a colour alone: every edge also bears the name of its operation.
"""

from typing import NamedTuple

from pdarts_tf.primitives import TABLE


class Colour(NamedTuple):
    """A colour as #rrggbb in light and in dark surroundings."""

    light: str
    dark: str


SURFACE = Colour("#ffffff", "#16181d")
INK = Colour("#1c1f24", "#eceff4")
MUTED = Colour("#5b616b", "#a3abb8")
HEAT = Colour("#5b9bf8", "#2b5fc4")
"""The strongest shade of a heat map, on which `INK` is legible."""
KINDS: dict[str, Colour] = {
    "separable": Colour("#1450c8", "#5a92ff"),
    "dilated": Colour("#b45a0a", "#ff7430"),
    "pool": Colour("#14472c", "#62eda2"),
    "factorized": Colour("#7d3a7c", "#c67bb0"),
    "skip": Colour("#73777b", "#a9b4c0"),
}
"""Colours of edges by the kind of their operation."""


def kind_of(operation: str) -> str:
    """Returns the key of `KINDS` of an operation of `EVALUATION_PRIMITIVES`.

    >>> kind_of("dil_conv_5x5")
    'dilated'
    """
    return TABLE[operation].kind


def css_variables(theme: str) -> str:
    """Returns the CSS declarations of all colours for "light" or "dark"."""
    colours = {"surface": SURFACE, "ink": INK, "muted": MUTED, "heat": HEAT, **KINDS}
    return " ".join(f"--{name}: {getattr(each, theme)};" for name, each in colours.items())
