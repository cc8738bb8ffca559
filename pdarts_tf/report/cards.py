"""Genotype cards of a report: names, costs and drawings, side by side."""

from collections.abc import Mapping
from dataclasses import dataclass

from markupsafe import Markup

from pdarts_tf.cost.cell_statistics import cell_depth, cell_width
from pdarts_tf.cost.counting import Count, network_blocks, total
from pdarts_tf.cost.description import SETTINGS
from pdarts_tf.drawing.layout import draw_cell
from pdarts_tf.drawing.svg import svg_element
from pdarts_tf.genotype import Genotype
from pdarts_tf.report.run import Run
from pdarts_tf.stems import stem_for

_PUBLISHED = ("cifar10", "imagenet")


@dataclass(frozen=True)
class Card:
    """A genotype as the page shows it.

    Args:
        names: All its names in the run, such as "unrestricted" and "M=3".
        genotype: The genotype.
        depth: Depth of the normal cell; see `cost.cell_statistics`.
        width: Width of the normal cell; see `cost.cell_statistics`.
        counts: Pairs of the title of a published setting, and the parameters and MACs there.
        drawings: SVG elements by cell.
    """

    names: tuple[str, ...]
    genotype: Genotype
    depth: int
    width: float
    counts: tuple[tuple[str, Count], ...]
    drawings: dict[str, Markup]


def make_cards(genotypes: Mapping[str, Genotype], identifier: str) -> list[Card]:
    """Returns one card per distinct genotype, in order.

    Args:
        genotypes: Genotypes by name.
        identifier: Identifier that is unique in the page.
    """
    names: dict[Genotype, list[str]] = {}
    for name, genotype in genotypes.items():
        names.setdefault(genotype, []).append(name)
    return [
        _card(tuple(its_names), genotype, f"{identifier}-genotype{i}")
        for i, (genotype, its_names) in enumerate(names.items())
    ]


def _card(names: tuple[str, ...], genotype: Genotype, identifier: str) -> Card:
    return Card(
        names,
        genotype,
        cell_depth(genotype.normal, genotype.normal_concat),
        cell_width(genotype.normal),
        tuple(
            (SETTINGS[name].title, total(SETTINGS[name].blocks(genotype))) for name in _PUBLISHED
        ),
        {
            # Made only of our own texts and numbers.
            cell: Markup(svg_element(draw_cell(genotype, cell), f"{identifier}-{cell}"))  # noqa: S704
            for cell in ("normal", "reduce")
        },
    )


def network_count(run: Run) -> Count | None:
    """Returns the cost of the network of a training, or None if its images are unknown."""
    settings, data = run.settings, run.data
    if run.genotype is None or not data.keys() >= {"image_shape", "num_classes"}:
        return None
    height, width, channels = data["image_shape"]
    stem = stem_for(settings.stem, data["image_shape"])
    network = settings.init_channels, settings.layers, data["num_classes"], stem
    try:
        return total(network_blocks(run.genotype, *network, (height, width), channels))
    except ValueError:  # a size that the network does not support, so not that of this run
        return None
