"""The stems: convolutions between the images and the first cell.

One definition serves supernets and evaluation networks: the layers, the counts of parameters and
memory, the import of official weights and the export read its rows.

Reference: DARTS (arXiv 1806.09055), appendix A.2, for CIFAR's and ImageNet's; PC-DARTS (arXiv
1907.05737), section 4.3, for ImageNet's in a search.
"""

import math
from dataclasses import dataclass

SEARCH_MULTIPLIER = 3
"""Channels of a supernet's stem in units of those of its first cells, as in the official code."""
MOST_PIXELS = 40
"""Height and width that cells see at most with the stem that `AUTO` stands for."""
AUTO = "auto"


@dataclass(frozen=True)
class Stem:
    """Convolutions of 3x3 pixels, each with a batch norm, and a relu before all but the first.

    Args:
        strides: Strides of the convolutions.
        multiplier: Channels of the stem of an evaluation network in units of those of its first
            cells. Where several convolutions follow each other, the first has half of them.
        reads_two: Whether the older input of the first cell is the output of the convolution before
            the last, which is twice as large; otherwise both inputs are the output of the last.
        exact: Whether batch norms of an evaluation network have their statistics in float64. The
            auxiliary head amplifies rounding a thousandfold on small batches: with ImageNet's stem
            and the fused batch norm, the gradient of the first convolution is 3e-3 off on the
            golden numbers.
        auxiliary_stride: Stride of the auxiliary head's pool; the head shrinks it on small maps.
    """

    strides: tuple[int, ...]
    multiplier: int
    reads_two: bool = False
    exact: bool = False
    auxiliary_stride: int = 3

    @property
    def stride(self) -> int:
        """The factor by which the stem divides height and width."""
        return math.prod(self.strides)

    def channels(self, init_channels: int, *, of_supernet: bool = False) -> tuple[int, ...]:
        """Returns the output channels of each convolution.

        Args:
            init_channels: Channels of the first cells, an even number.
            of_supernet: Whether it is the stem of a supernet.
        """
        width = (SEARCH_MULTIPLIER if of_supernet else self.multiplier) * init_channels
        first = width // 2 if len(self.strides) > 1 else width
        return (first, *[width] * (len(self.strides) - 1))


STEMS = {
    "cifar": Stem(strides=(1,), multiplier=3),
    "stride2": Stem(strides=(2,), multiplier=3),
    "stride4": Stem(strides=(2, 2), multiplier=1),
    "imagenet": Stem(
        strides=(2, 2, 2), multiplier=1, reads_two=True, exact=True, auxiliary_stride=2
    ),
}
"""All stems, from the smallest stride to the largest."""
CHOICES = (AUTO, *STEMS)
"""Values of --stem."""


def stem_for(name: str, image_size: tuple[int, ...]) -> str:
    """Returns the stem that a setting stands for.

    `AUTO` is the one of the smallest stride with which cells see at most `MOST_PIXELS` pixels along
    the shorter side, or else that of the largest stride.

    Args:
        name: One of `CHOICES`.
        image_size: Height and width in pixels; more numbers do not matter.

    Example:

    >>> [stem_for("auto", (size, size)) for size in (8, 32, 64, 160, 224)]
    ['cifar', 'cifar', 'stride2', 'stride4', 'imagenet']
    """
    if name != AUTO:
        return name
    side = min(image_size[:2])
    fitting = [each for each, stem in STEMS.items() if side <= MOST_PIXELS * stem.stride]
    return fitting[0] if fitting else list(STEMS)[-1]


POOL_SIZE = 5
"""Side of the window of the auxiliary head's pool, in pixels of what both reductions leave."""
MIN_PIXELS = POOL_SIZE + 1
"""Smallest map for that head: its 2x2 convolution needs the pool's window at two places."""


def least_auxiliary_size(stem: str) -> int:
    """Returns the smallest height and width of images for a network with an auxiliary head.

    >>> least_auxiliary_size("cifar")
    24
    """
    return MIN_PIXELS * image_divisor(stem)


def image_divisor(stem: str) -> int:
    """Returns the number that divides height and width of images, as two reduction cells follow."""
    return 4 * STEMS[stem].stride


def check_image_size(height: int, width: int, stem: str) -> None:
    """Raises unless every reduction of a network halves its input exactly.

    Args:
        height, width: Size of the images in pixels.
        stem: A key of `STEMS`.

    Raises:
        ValueError: A size is not a positive multiple of `image_divisor(stem)`.
    """
    divisor = image_divisor(stem)
    if height < divisor or width < divisor or height % divisor or width % divisor:
        lower, upper = (
            [max(divisor, (size + up) // divisor * divisor) for size in (height, width)]
            for up in (0, divisor - 1)
        )
        near = sorted({f"{lower[0]}x{lower[1]}", f"{upper[0]}x{upper[1]}"})
        raise ValueError(
            f"With stem={stem!r}, height and width of the images must be multiples of {divisor}, "
            f"since reductions halve them. Received: {height}x{width}; the nearest that fit are "
            f"{' and '.join(near)}, for square images set --image_size"
        )
