"""Colours of drawings and pages, in light and dark themes.

The kinds of operations are also distinguishable with colour blindness, which a test simulates. No
information is given by colour alone: every edge also shows the name of its operation.
"""

from typing import NamedTuple

from pdarts_tf.primitives import TABLE


class Colour(NamedTuple):
    """A colour, #rrggbb, in the light and in the dark theme."""

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
"""Colours of edges by the kind of their operation; "skip" is that of those without weights."""


def kind_of(operation: str) -> str:
    """Returns the kind of an operation in `EVALUATION_PRIMITIVES`, a key of `KINDS`.

    >>> kind_of("dil_conv_5x5")
    'dilated'
    """
    return TABLE[operation].kind


def css_variables(theme: str) -> str:
    """Returns CSS declarations of all colours for a theme, "light" or "dark"."""
    colours = {"surface": SURFACE, "ink": INK, "muted": MUTED, "heat": HEAT, **KINDS}
    return " ".join(f"--{name}: {getattr(each, theme)};" for name, each in colours.items())
