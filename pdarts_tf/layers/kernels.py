"""Which kernels and batch norms every operation owns, and what they cost; needs no TensorFlow.

The layers create their variables from these tables, and `cost.counting` counts parameters and
multiply-accumulates from them, so that neither can be right without the other.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Kernel:
    """Shape of a kernel in units of the number of channels.

    Args:
        kind: "depthwise" (size, size, C, 1), "pointwise" (C, C), "half" (C, C / 2), "row"
            (1, size, C, C) or "column" (size, 1, C, C).
        size: pixels along a side.
    """

    kind: str
    size: int = 1

    def shape(self, channels):
        """Returns the shape for `channels` input channels."""
        return {
            "depthwise": (self.size, self.size, channels, 1),
            "pointwise": (channels, channels),
            "half": (channels, channels // 2),
            "row": (1, self.size, channels, channels),
            "column": (self.size, 1, channels, channels),
        }[self.kind]

    def fan_in(self, channels):
        """Returns how many input values one output value depends on."""
        if self.kind == "depthwise":
            return self.size * self.size
        return self.size * channels

    def num_weights(self, channels):
        """Returns how many weights it has for `channels` input channels."""
        return math.prod(self.shape(channels))

    def macs(self, channels, pixels, stride):
        """Returns its multiply-accumulates per image: every weight is used once per output pixel.

        Args:
            channels: of its input.
            pixels: of the whole operation's output.
            stride: of the whole operation.
        """
        return self.num_weights(channels) * self._output_pixels(pixels, stride)

    def num_outputs(self, channels, pixels, stride):
        """Returns how many values it makes per image; the arguments are those of `macs`."""
        outputs = channels // 2 if self.kind == "half" else channels
        return outputs * self._output_pixels(pixels, stride)

    def _output_pixels(self, pixels, stride):
        # The row of a conv_7x1_1x7 strides along the width only, the column after it the height.
        return pixels * stride if self.kind == "row" else pixels


@dataclass(frozen=True)
class Parameters:
    """What an operation owns at one stride.

    Args:
        kernels: in the order in which they are applied.
        num_norms: how many batch norms it has.
    """

    kernels: Sequence[Kernel] = ()
    num_norms: int = 0


def _at_both_strides(*kernels, num_norms):
    return dict.fromkeys((1, 2), Parameters(kernels, num_norms))


def _separable(size):
    once = (Kernel("depthwise", size), Kernel("pointwise"))
    return _at_both_strides(*once, *once, num_norms=2)


def _dilated(size):
    return _at_both_strides(Kernel("depthwise", size), Kernel("pointwise"), num_norms=1)


PARAMETERS: dict[str, dict[int, Parameters]] = {
    "max_pool_3x3": _at_both_strides(num_norms=0),
    "avg_pool_3x3": _at_both_strides(num_norms=0),
    "skip_connect": {1: Parameters(), 2: Parameters((Kernel("half"), Kernel("half")), 1)},
    "sep_conv_3x3": _separable(3),
    "sep_conv_5x5": _separable(5),
    "sep_conv_7x7": _separable(7),
    "dil_conv_3x3": _dilated(3),
    "dil_conv_5x5": _dilated(5),
    "conv_7x1_1x7": _at_both_strides(Kernel("row", 7), Kernel("column", 7), num_norms=1),
}
"""Operation -> stride (1 or 2) -> what it owns; the batch norm after a pool is the caller's."""

AUXILIARY_CHANNELS = (128, 768)
"""Channels of the 1x1 and of the 2x2 convolution of an auxiliary head."""
