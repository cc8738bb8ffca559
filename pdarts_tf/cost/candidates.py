"""Networks of a genotype in several sizes, among which budgets choose."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from pdarts_tf.cost.counting import network_blocks, total
from pdarts_tf.genotype import Genotype

DEPTHS = (5, 8, 11, 14, 17, 20)
"""Numbers of cells that are tried: with 3k + 2, k normal cells come before, between and after the
two reduction cells. The paper's networks have 14 (ImageNet) and 20 cells (CIFAR)."""
WIDTHS = tuple(range(4, 65, 4))
"""Numbers of channels of the first cells that are tried, up to the paper's largest; from 36 to 40,
multiply-accumulates grow by a fifth."""

_Point = TypeVar("_Point")


@dataclass(frozen=True)
class ImageSetting:
    """Images that networks are counted for, and the stem that takes them.

    Args:
        shape: (height, width, channels).
        num_classes: Number of classes.
        stem: A key of `STEMS`.
    """

    shape: tuple[int, int, int]
    num_classes: int
    stem: str

    def __str__(self) -> str:
        """Returns them in words.

        >>> print(ImageSetting((32, 32, 3), 10, "cifar"))
        images 32x32x3, 10 classes, --stem=cifar
        """
        shape = "x".join(map(str, self.shape))
        return f"images {shape}, {self.num_classes} classes, --stem={self.stem}"


@dataclass(frozen=True)
class SizedNetwork:
    """A network that a budget may choose.

    Args:
        limit: Limit on the skip-connects of the genotype, such as "M=2"; "" for a single genotype.
        genotype: Its genotype.
        layers: Its number of cells.
        init_channels: Channels of its first cells.
        parameters: Number of parameters, without an auxiliary head.
        macs: Multiply-accumulates per image.
    """

    limit: str
    genotype: Genotype
    layers: int
    init_channels: int
    parameters: int
    macs: int

    @property
    def size(self) -> tuple[int, int, int]:
        """Multiply-accumulates, which the largest network has most of; of equal ones, parameters.

        Where these are equal too, the network with fewer skip-connects counts as larger.
        """
        return self.macs, self.parameters, -self.genotype.num_skip_connects

    def __str__(self) -> str:
        """Returns its name, such as "M=2, 8 cells, 16 channels"."""
        limit = f"{self.limit}, " if self.limit else ""
        return f"{limit}{self.layers} cells, {self.init_channels} channels"

    @property
    def counts(self) -> str:
        """Its parameters and multiply-accumulates in words."""
        return f"{self.parameters:,} parameters, {self.macs:,} multiply-accumulates"


def candidates(
    genotypes: Mapping[str, Genotype],
    images: ImageSetting,
    depths: Iterable[int] = DEPTHS,
    widths: Iterable[int] = WIDTHS,
) -> list[SizedNetwork]:
    """Returns the networks of genotypes in several sizes, from the largest to the smallest.

    Args:
        genotypes: Genotypes by their limit on skip-connects; of equal ones the last counts.
        images: The images.
        depths: Numbers of cells.
        widths: Numbers of channels.

    Raises:
        ValueError: The stem cannot take images of that size, or a number is out of range.

    Example:

    >>> images = ImageSetting((32, 32, 3), 10, "cifar")
    >>> largest, _ = candidates({"": Genotype.parse("PDARTS")}, images, (8, 20), (36,))
    >>> print(largest, "have", largest.counts)
    20 cells, 36 channels have 3,433,798 parameters, 532,174,464 multiply-accumulates
    """
    labels = {genotype: limit for limit, genotype in genotypes.items()}
    found = [
        _candidate(limit, genotype, layers, init_channels, images)
        for genotype, limit in labels.items()
        for layers in depths
        for init_channels in widths
    ]
    return sorted(found, key=lambda each: each.size, reverse=True)


def _candidate(
    limit: str, genotype: Genotype, layers: int, init_channels: int, images: ImageSetting
) -> SizedNetwork:
    height, width, channels = images.shape
    network = init_channels, layers, images.num_classes, images.stem
    count = total(network_blocks(genotype, *network, (height, width), channels))
    return SizedNetwork(limit, genotype, layers, init_channels, count.parameters, count.macs)


def front(
    points: Sequence[_Point],
    costs: Callable[[_Point], tuple[float, ...]],
    worth: Callable[[_Point], float],
) -> list[_Point]:
    """Returns the points that no other one beats, in order: the Pareto front.

    A point beats another if none of its costs is higher, it is worth no less, and one of these is
    strictly better.

    Args:
        points: The points.
        costs: Function of a point that returns what is to be low.
        worth: Function of a point that returns what is to be high.

    Example:

    >>> front([(3, 9), (4, 8), (5, 10)], costs=lambda p: (p[0],), worth=lambda p: p[1])
    [(3, 9), (5, 10)]
    """
    ranks = [(*costs(each), -worth(each)) for each in points]
    return [
        point
        for point, rank in zip(points, ranks, strict=True)
        if not any(
            other != rank and all(a <= b for a, b in zip(other, rank, strict=True))
            for other in ranks
        )
    ]
