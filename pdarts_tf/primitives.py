"""The primitives, the operations on the edges of a cell: one row each in `TABLE`.

A row says which kernels and batch norms a primitive owns, what it reads of its source, which
function of `layers.forms` computes it, and by which names others know it. The layers create
their variables from the table, `cost` counts parameters, multiply-accumulates and activations from
it, so that neither can be right without the other. `register_primitive` adds a row.

This module imports nothing but the standard library and `errors`.

Reference: DARTS (arXiv 1806.09055) for the primitives of the search, NASNet (arXiv 1707.07012) for
the others.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pdarts_tf.errors import quoted

T = TypeVar("T")

Form = Callable[[Any, Any], Any]
"""A function of `layers.source.SourceViews` and `layers.forms.Parameters` to a tensor."""


@dataclass(frozen=True)
class Kernel:
    """Shape of a kernel in units of the number of channels.

    Args:
        kind: "depthwise" (size, size, C, 1), "pointwise" (C, C), "half" (C, C / 2), "row"
            (1, size, C, C) or "column" (size, 1, C, C).
        size: Pixels along a side.

    Example:

    >>> Kernel("depthwise", 3).shape(channels=16)
    (3, 3, 16, 1)
    """

    kind: str
    size: int = 1

    def shape(self, channels: int) -> tuple[int, ...]:
        """Returns the shape for `channels` input channels."""
        return {
            "depthwise": (self.size, self.size, channels, 1),
            "pointwise": (channels, channels),
            "half": (channels, channels // 2),
            "row": (1, self.size, channels, channels),
            "column": (self.size, 1, channels, channels),
        }[self.kind]

    def fan_in(self, channels: int) -> int:
        """Returns the number of input values that one output value depends on."""
        if self.kind == "depthwise":
            return self.size * self.size
        return self.size * channels

    def num_weights(self, channels: int) -> int:
        """Returns the number of weights for `channels` input channels."""
        return math.prod(self.shape(channels))

    def macs(self, channels: int, pixels: int, stride: int) -> int:
        """Returns the multiply-accumulates per image: every weight is used once per output pixel.

        Args:
            channels: Number of input channels.
            pixels: Number of output pixels of the whole operation.
            stride: Stride of the whole operation.
        """
        return self.num_weights(channels) * self._output_pixels(pixels, stride)

    def num_outputs(self, channels: int, pixels: int, stride: int) -> int:
        """Returns the number of output values per image; the arguments are those of `macs`."""
        outputs = channels // 2 if self.kind == "half" else channels
        return outputs * self._output_pixels(pixels, stride)

    def _output_pixels(self, pixels: int, stride: int) -> int:
        # The row of a conv_7x1_1x7 strides along the width only, the column after it the height.
        return pixels * stride if self.kind == "row" else pixels


@dataclass(frozen=True)
class View:
    """What an operation reads of its source, see `layers.source.SourceViews`.

    Operations that read the same view of a node share it, and so the memory that it takes until the
    backward pass.

    Args:
        kind: "node", its output as it is; "relu", max(node, 0); or "phases", the four phases of the
            latter, of which operations with stride or dilation 2 read some.
        padding: Pixels added on every side.
    """

    kind: str
    padding: int = 0


NODE, RELU, PHASES = View("node"), View("relu"), View("phases")


@dataclass(frozen=True)
class TorchNames:
    """Names of the parameters of a primitive in the official PyTorch code.

    Args:
        kernels: Submodules that hold the kernels, in the order of the row.
        norms: Submodules that are the batch norms.
    """

    kernels: tuple[str, ...]
    norms: tuple[str, ...]


def _at_both_strides(value: T) -> dict[int, T]:
    return {1: value, 2: value}


@dataclass(frozen=True, kw_only=True)
class Primitive:
    """A row of the table. Mappings are from the stride, 1 or 2.

    Args:
        form: Function that computes it from the views of its source and its parameters, or the key
            of one in `layers.forms.FORMS`.
        kind: Key of its colour in `drawing.palette.KINDS`.
        kernels: Its kernels, in the order in which they are applied.
        num_norms: Number of its batch norms. Between two of them there is a relu.
        views: Views of the source that the backward pass needs.
        is_pool: Whether the output depends on the source alone. It is computed once for all edges
            that start there, and in a mixed operation a batch norm follows.
        is_zero: Whether the output is zero whatever the source is.
        in_phases: Whether the output at stride 1 is split in phases if the source is.
        kept_outputs: Copies of its output that the backward pass needs, those of kernels apart.
        kept_if_normalized: As `kept_outputs`, in addition, where a batch norm follows a pool.
        torch_names: Names in the official PyTorch code, or None if that has no such primitive.
    """

    form: str | Form
    kind: str
    kernels: Mapping[int, tuple[Kernel, ...]] = field(default_factory=lambda: _at_both_strides(()))
    num_norms: Mapping[int, int] = field(default_factory=lambda: _at_both_strides(0))
    views: Mapping[int, tuple[View, ...]]
    is_pool: bool = False
    is_zero: bool = False
    in_phases: bool = False
    kept_outputs: int = 0
    kept_if_normalized: Mapping[int, int] = field(default_factory=lambda: _at_both_strides(0))
    torch_names: TorchNames | None = None

    def is_identity(self, stride: int) -> bool:
        """Returns whether the output is the source as it is.

        >>> [TABLE["skip_connect"].is_identity(stride) for stride in (1, 2)]
        [True, False]
        """
        return not self.is_pool and not self.is_zero and not self.kernels[stride]


def separable(size: int) -> Primitive:
    """Returns the row of a separable convolution: relu, depthwise, pointwise, batch norm, twice.

    Args:
        size: Pixels along a side of the depthwise kernels, odd.

    >>> separable(9).kernels[1][0].shape(channels=16)
    (9, 9, 16, 1)
    """
    once = Kernel("depthwise", size), Kernel("pointwise")
    return Primitive(
        form="sep_conv",
        kind="separable",
        kernels=_at_both_strides(once * 2),
        num_norms=_at_both_strides(2),
        views={1: (RELU,), 2: (RELU, View("relu", padding=size // 2))},
        torch_names=TorchNames(("op.1", "op.2", "op.5", "op.6"), ("op.3", "op.7")),
    )


def dilated(size: int) -> Primitive:
    """Returns the row of a dilated one: relu, depthwise with dilation 2, pointwise, batch norm.

    Args:
        size: Pixels along a side of the depthwise kernel, odd.

    >>> dilated(7).num_norms
    {1: 1, 2: 1}
    """
    return Primitive(
        form="dil_conv",
        kind="dilated",
        kernels=_at_both_strides((Kernel("depthwise", size), Kernel("pointwise"))),
        num_norms=_at_both_strides(1),
        views=_at_both_strides((RELU, PHASES)),
        in_phases=True,
        torch_names=TorchNames(("op.1", "op.2"), ("op.3",)),
    )


TABLE: dict[str, Primitive] = {
    "max_pool_3x3": Primitive(
        form="max_pool",
        kind="pool",
        views={1: (NODE,), 2: (View("node", padding=1),)},  # padded with the lowest value
        is_pool=True,
        kept_outputs=1,  # its gradient compares input and output
    ),
    "avg_pool_3x3": Primitive(
        form="avg_pool",
        kind="pool",
        views=_at_both_strides(()),
        is_pool=True,
        # The input of the batch norm and, at stride 2, what it was before the border was corrected.
        kept_if_normalized={1: 1, 2: 2},
    ),
    "skip_connect": Primitive(
        form="skip_connect",
        kind="skip",
        kernels={1: (), 2: (Kernel("half"), Kernel("half"))},
        num_norms={1: 0, 2: 1},
        views={1: (), 2: (RELU, PHASES)},
        torch_names=TorchNames(("conv_1", "conv_2"), ("bn",)),
    ),
    "sep_conv_3x3": separable(3),
    "sep_conv_5x5": separable(5),
    "dil_conv_3x3": dilated(3),
    "dil_conv_5x5": dilated(5),
    "sep_conv_7x7": separable(7),
    "conv_7x1_1x7": Primitive(
        form="factorized_conv",
        kind="factorized",
        kernels=_at_both_strides((Kernel("row", 7), Kernel("column", 7))),
        num_norms=_at_both_strides(1),
        views=_at_both_strides((RELU,)),
        torch_names=TorchNames(("1", "2"), ("3",)),
    ),
    "none": Primitive(form="zero", kind="skip", views=_at_both_strides(()), is_zero=True),
}
"""All primitives. In a search "none" is not computed: it only takes part in the softmax."""

EVALUATION_PRIMITIVES: tuple[str, ...] = tuple(TABLE)
"""Primitives that this package has; not only the search's, but all that published cells have."""

PRIMITIVES: tuple[str, ...] = (
    "none",
    "max_pool_3x3",
    "avg_pool_3x3",
    "skip_connect",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "dil_conv_3x3",
    "dil_conv_5x5",
)
"""Candidate operations of the paper's search, in the order of the architecture parameters."""


def register_primitive(name: str, primitive: Primitive) -> None:
    """Adds a primitive, for search spaces and genotypes of this process.

    A primitive that was registered before is replaced, so that a cell of a notebook can be run
    again; those of this package cannot be.

    Args:
        name: Name of lower-case letters, digits and underscores.
        primitive: Its row: see `separable` and `dilated` for others of their kind.

    Raises:
        ValueError: The name or the row is not valid.

    Example: `register_primitive("sep_conv_9x9", separable(9))`.

    >>> register_primitive("none", separable(9))
    Traceback (most recent call last):
    ...
    ValueError: Expected a name that is not in use. Received: 'none'
    """
    if not (isinstance(name, str) and name.isidentifier() and name.isascii() and name.islower()):
        expected = "the name to be lower-case letters, digits and underscores"
        raise ValueError(f"Expected {expected}. Received: {quoted(name)}")
    if name in EVALUATION_PRIMITIVES:
        raise ValueError(f"Expected a name that is not in use. Received: {quoted(name)}")
    if not isinstance(primitive, Primitive):
        raise ValueError(f"Expected {name} to be a Primitive. Received: {quoted(primitive)}")
    if expected := _unfit_row(primitive):
        raise ValueError(f"Expected {name} to have {expected}. Received: {quoted(primitive)}")
    TABLE[name] = primitive


def _unfit_row(row: Primitive) -> str:
    """Returns what a row would need to be part of a mixed operation; empty if it has that."""
    by_stride = row.kernels, row.num_norms, row.views, row.kept_if_normalized
    kinds = {each.kind for each in TABLE.values()}
    norms = [row.num_norms.get(stride, 0) for stride in (1, 2)]
    if any(set(mapping) != {1, 2} for mapping in by_stride):
        return "kernels, num_norms, views and kept_if_normalized for the strides 1 and 2"
    if row.kind not in kinds:
        return f"a kind out of {', '.join(sorted(kinds))}"
    if row.is_zero:
        return "is_zero=False: the only zero is none"
    if row.is_pool and (any(norms) or any(row.kernels.values())):
        return "neither kernels nor batch norms, which a pool has not"
    if not row.is_pool and not all(norms):
        return "a batch norm as its last step at both strides, where its weight goes in"
    return ""


def unfit_candidates(names: Sequence[str]) -> str:
    """Returns what names would need to be the candidates of a search; empty if they have that.

    >>> unfit_candidates(PRIMITIVES), unfit_candidates(("none", "skip_connect"))
    ('', 'at least two primitives besides none')
    """
    if any(name not in TABLE for name in names):
        return f"names out of {', '.join(TABLE)}, or registered (docs/extending.md)"
    if len(set(names)) < len(names):
        return "different names"
    if len(set(names) - {"none"}) < 2:
        return "at least two primitives besides none"
    return ""


def least_candidates(names: Sequence[str]) -> int:
    """Returns the least number of candidates an edge may be left with.

    With fewer, none and skip-connect may be all that an edge has, so that no genotype with fewer
    skip-connects exists; and of less than two there is nothing to choose.

    >>> least_candidates(PRIMITIVES), least_candidates(("sep_conv_3x3", "sep_conv_5x5"))
    (3, 2)
    """
    return max(2, 1 + ("none" in names) + ("skip_connect" in names))
