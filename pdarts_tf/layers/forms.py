"""The computation of every primitive: one definition each, for training, search and serving.

A form is a function of views of the source and of the operation's parameters. Who holds the
parameters, and whether a batch norm is a step of its own, is up to the caller: an
`operations.Operation` is a Keras layer with variables of its own; the cells of a supernet store
those of all their operations together (`layers.mixed_op`); in the exported network batch norms are
folded into constant kernels (`export.folding`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import tensorflow as tf

from pdarts_tf.layers import convolution
from pdarts_tf.layers.source import SourceViews
from pdarts_tf.primitives import TABLE

Activation = Callable[[tf.Tensor], tf.Tensor]


class Parameters(Protocol):
    """Kernels and batch norms of one operation, by their place in its row of `primitives.TABLE`.

    Convolutions that a batch norm follows are steps of one call each, so that inference can fold
    the norm into the kernel. The last batch norm is always the very last step of an operation, so
    that a mixed operation can put its weight there.
    """

    @property
    def kernels(self) -> Sequence[Any]:
        """The kernels, tensors or arrays, in the order of the row."""

    def identity(self, x: tf.Tensor) -> tf.Tensor:
        """Returns x."""

    def pointwise_norm(
        self, x: tf.Tensor, kernel: int, norm: int, activation: Activation | None = None
    ) -> tf.Tensor:
        """Applies a 1x1 convolution, a batch norm, and an activation if there is one.

        Args:
            x: (batch, height, width, in).
            kernel: Index of the kernel.
            norm: Index of the batch norm.
            activation: Function of a tensor.

        Returns:
            (batch, height, width, out).
        """

    def conv_norm(
        self, x: tf.Tensor, kernel: int, norm: int, strides: tuple[int, int] = (1, 1)
    ) -> tf.Tensor:
        """Applies a convolution, see `convolution.conv`, and a batch norm."""

    def halves_norm(self, first: tf.Tensor, second: tf.Tensor) -> tf.Tensor:
        """Applies a 1x1 convolution to each of two inputs, and batch norm 0 to the concatenation.

        Args:
            first: (batch, height, width, in), the input of kernel 0.
            second: As `first`, the input of kernel 1.

        Returns:
            (batch, height, width, out), one half of the channels from each input.
        """


@dataclass(frozen=True)
class KernelsAndNorms:
    """`Parameters` as training has them: every batch norm is a step of its own.

    Args:
        kernels: The kernels as tensors.
        norms: Callables that normalize their argument.
    """

    kernels: Sequence[tf.Tensor] = ()
    norms: Sequence[Callable[[tf.Tensor], tf.Tensor]] = ()

    def identity(self, x: tf.Tensor) -> tf.Tensor:
        """See `Parameters`; the gradient has a buffer of its own."""
        return _identity(x)

    def pointwise_norm(
        self, x: tf.Tensor, kernel: int, norm: int, activation: Activation | None = None
    ) -> tf.Tensor:
        """See `Parameters`."""
        y = self.norms[norm](convolution.pointwise(x, self.kernels[kernel]))
        return y if activation is None else activation(y)

    def conv_norm(
        self, x: tf.Tensor, kernel: int, norm: int, strides: tuple[int, int] = (1, 1)
    ) -> tf.Tensor:
        """See `Parameters`."""
        return self.norms[norm](convolution.conv(x, self.kernels[kernel], strides))

    def halves_norm(self, first: tf.Tensor, second: tf.Tensor) -> tf.Tensor:
        """See `Parameters`."""
        halves = (
            convolution.pointwise(first, self.kernels[0]),
            convolution.pointwise(second, self.kernels[1]),
        )
        return self.norms[0](tf.concat(halves, -1))


@tf.custom_gradient
def _identity(x: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
    """Returns x; its gradient is a tensor of its own, for the sake of repeatable results.

    AddN, which adds up the gradients of all that read a node, begins with the first input whose
    buffer nobody else holds. A gradient handed on as it is shares its buffer with other operations,
    so that the order of the sum, and its last digit, would depend on which of them is done first.
    """
    return tf.identity(x), lambda dy: dy * tf.ones((), dy.dtype)


def _max_pool(views: SourceViews, parameters: Parameters) -> tf.Tensor:
    return views.max_pool


def _avg_pool(views: SourceViews, parameters: Parameters) -> tf.Tensor:
    return views.avg_pool


def _skip_connect(views: SourceViews, parameters: Parameters) -> tf.Tensor:
    if views.stride == 1:
        return parameters.identity(views.x)
    return factorized_reduce(views, parameters)


def factorized_reduce(views: SourceViews, parameters: Parameters) -> tf.Tensor:
    """Halves the size: two 1x1 convolutions at stride 2, the second one pixel down and right.

    Args:
        views: Views of (batch, height, width, in).
        parameters: Two kernels (in, out / 2) and a batch norm.

    Returns:
        (batch, height / 2, width / 2, out).
    """
    return parameters.halves_norm(views.relu_even, views.relu_odd)


def _sep_conv(views: SourceViews, parameters: Parameters) -> tf.Tensor:
    first, second, for_xla = parameters.kernels[0], parameters.kernels[2], views.for_xla
    if views.stride == 1:
        x = convolution.depthwise(views.relu, first, for_xla=for_xla)
    else:
        padded = views.relu_padded(first.shape[0] // 2)
        x = convolution.depthwise_strided(padded, first, for_xla=for_xla)
    x = parameters.pointwise_norm(x, kernel=1, norm=0, activation=tf.nn.relu)
    x = convolution.depthwise(x, second, for_xla=for_xla)
    return parameters.pointwise_norm(x, kernel=3, norm=1)


def _dil_conv(views: SourceViews, parameters: Parameters) -> tf.Tensor:
    kernel, for_xla = parameters.kernels[0], views.for_xla
    if views.stride == 2:
        # With dilation 2 at stride 2 only even pixels are ever read.
        x = convolution.depthwise(views.relu_even, kernel, for_xla=for_xla)
    elif views.has_phases:
        x = convolution.depthwise(views.relu_phases, kernel, for_xla=for_xla)
    else:
        x = convolution.depthwise_dilated(views.relu, kernel, for_xla=for_xla)
    return parameters.pointwise_norm(x, kernel=1, norm=0)


def _factorized_conv(views: SourceViews, parameters: Parameters) -> tf.Tensor:
    x = convolution.conv(views.relu, parameters.kernels[0], (1, views.stride))
    return parameters.conv_norm(x, kernel=1, norm=0, strides=(views.stride, 1))


def _zero(views: SourceViews, parameters: Parameters) -> tf.Tensor:
    # A product, as in the official code: the source has a gradient, which is zero.
    stride = views.stride
    return views.x[:, ::stride, ::stride] * tf.zeros((), views.x.dtype)


FORMS: dict[str, Callable[[SourceViews, Parameters], tf.Tensor]] = {
    "max_pool": _max_pool,
    "avg_pool": _avg_pool,
    "skip_connect": _skip_connect,
    "sep_conv": _sep_conv,
    "dil_conv": _dil_conv,
    "factorized_conv": _factorized_conv,
    "zero": _zero,
}
"""The functions that `form` in `primitives.TABLE` names."""


def in_phases(primitive: str, views: SourceViews) -> bool:
    """Returns whether `compute` leaves the output of a primitive split in phases."""
    return TABLE[primitive].in_phases and views.stride == 1 and views.has_phases


def compute(primitive: str, views: SourceViews, parameters: Parameters) -> tf.Tensor:
    """Computes the output of a primitive.

    Args:
        primitive: A key of `primitives.TABLE`.
        views: Views of the source, (batch, height, width, channels), for the operation's stride.
        parameters: Its kernels and batch norms.

    Returns:
        (batch, height / stride, width / stride, channels), or its phases, see `in_phases`.
    """
    form = TABLE[primitive].form
    return (FORMS[form] if isinstance(form, str) else form)(views, parameters)


def compute_pixels(primitive: str, views: SourceViews, parameters: Parameters) -> tf.Tensor:
    """Computes the output of a primitive as `compute`, its phases joined."""
    y = compute(primitive, views, parameters)
    return convolution.join_phases(y) if in_phases(primitive, views) else y
