"""The operations of the search space: one definition each, used by supernet and network alike.

A `Primitive` says which kernels an operation owns and how it is computed from them; who stores the
kernels is left to the caller. `Operation` stores them one by one, as a Keras layer of its own; the
cells of a supernet store those of all their operations together (`layers.mixed_op`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from pdarts_tf.layers import convolution
from pdarts_tf.layers.kernels import PARAMETERS, Kernel
from pdarts_tf.layers.normalization import BatchNormalization
from pdarts_tf.layers.source import SourceViews


@dataclass(frozen=True)
class Primitive:
    """One operation of the search space.

    Args:
        apply: function (views: SourceViews, kernels, norms) -> tensor, where `norms` are callables
            that normalize their argument, one per batch norm, the last one always the very last
            step, so that a mixed operation can put its weight there.
        kernels: the kernels it owns, by stride.
        num_norms: how many batch norms it has, by stride.
        in_phases: whether its output at stride 1 is split in phases if the views have them.
    """

    apply: Callable
    kernels: dict[int, tuple[Kernel, ...]]
    num_norms: dict[int, int]
    in_phases: bool = False


def _max_pool(views, kernels, norms):
    return views.max_pool


def _avg_pool(views, kernels, norms):
    return views.avg_pool


@tf.custom_gradient
def _identity(x):
    """Returns x; its gradient is a tensor of its own, for the sake of repeatable results.

    AddN, which adds up the gradients of all that read a node, begins with the first input whose
    buffer nobody else holds. A gradient handed on as it is shares its buffer with other operations,
    so that the order of the sum, and its last digit, would depend on which of them is done first.
    """
    return tf.identity(x), lambda dy: dy * tf.ones((), dy.dtype)


def _skip_connect(views, kernels, norms):
    if views.stride == 1:
        return _identity(views.x)
    return factorized_reduce(views, kernels, norms)


def factorized_reduce(views, kernels, norms):
    """Halves the size: two 1x1 convolutions at stride 2, the second one pixel down and right.

    Args:
        views: of (batch, height, width, in).
        kernels: two (in, out / 2).
        norms: one callable that normalizes.

    Returns:
        (batch, height / 2, width / 2, out).
    """
    halves = (
        convolution.pointwise(views.relu_even, kernels[0]),
        convolution.pointwise(views.relu_odd, kernels[1]),
    )
    return norms[0](tf.concat(halves, -1))


def _sep_conv(views, kernels, norms):
    if views.stride == 1:
        x = convolution.depthwise(views.relu, kernels[0])
    else:
        x = convolution.depthwise_strided(views.relu_padded(kernels[0].shape[0] // 2), kernels[0])
    x = tf.nn.relu(norms[0](convolution.pointwise(x, kernels[1])))
    return norms[1](convolution.pointwise(convolution.depthwise(x, kernels[2]), kernels[3]))


def _dil_conv(views, kernels, norms):
    if views.stride == 2:
        # With dilation 2 at stride 2 only even pixels are ever read.
        x = convolution.depthwise(views.relu_even, kernels[0])
    elif views.has_phases:
        x = convolution.depthwise(views.relu_phases, kernels[0])
    else:
        x = convolution.depthwise_dilated(views.relu, kernels[0])
    return norms[0](convolution.pointwise(x, kernels[1]))


def _conv_7x1_1x7(views, kernels, norms):
    x = convolution.conv(views.relu, kernels[0], (1, views.stride))
    return norms[0](convolution.conv(x, kernels[1], (views.stride, 1)))


def _primitive(name, apply, in_phases=False):
    by_stride = PARAMETERS[name].items()
    return Primitive(
        apply,
        {stride: tuple(owned.kernels) for stride, owned in by_stride},
        {stride: owned.num_norms for stride, owned in by_stride},
        in_phases,
    )


OPERATIONS: dict[str, Primitive] = {
    "max_pool_3x3": _primitive("max_pool_3x3", _max_pool),
    "avg_pool_3x3": _primitive("avg_pool_3x3", _avg_pool),
    "skip_connect": _primitive("skip_connect", _skip_connect),
    "sep_conv_3x3": _primitive("sep_conv_3x3", _sep_conv),
    "sep_conv_5x5": _primitive("sep_conv_5x5", _sep_conv),
    "sep_conv_7x7": _primitive("sep_conv_7x7", _sep_conv),
    "dil_conv_3x3": _primitive("dil_conv_3x3", _dil_conv, in_phases=True),
    "dil_conv_5x5": _primitive("dil_conv_5x5", _dil_conv, in_phases=True),
    "conv_7x1_1x7": _primitive("conv_7x1_1x7", _conv_7x1_1x7),
}
POOLS = ("max_pool_3x3", "avg_pool_3x3")


@keras.saving.register_keras_serializable("pdarts_tf")
class Operation(keras.layers.Layer):
    """A primitive with kernels and batch norms of its own.

    Input: (batch, height, width, channels). Output: (batch, height / stride, width / stride,
    channels).

    Args:
        primitive: A key of `OPERATIONS`.
        stride: 1 or 2.
        affine: Whether the batch norms learn a scale and an offset.
        seed: Seed of the kernels' initialization.
        statistics: See `BatchNormalization`.
        **kwargs: Arguments of a Keras layer: `name`, `dtype` and `trainable`.

    Raises:
        ValueError: If there is no such primitive, or it has no such stride.

    Reference: P-DARTS, section 3.1; the operations are those of DARTS (arXiv 1806.09055).
    """

    def __init__(
        self,
        primitive: str,
        stride: int = 1,
        *,
        affine: bool = True,
        seed: int | None = None,
        statistics: str = "batch",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if primitive not in OPERATIONS:
            raise ValueError(
                f"`primitive` must be one of {', '.join(OPERATIONS)}. Received: {primitive!r}"
            )
        if stride not in (1, 2):
            raise ValueError(f"`stride` must be 1 or 2. Received: {stride!r}")
        self.primitive = primitive
        self.stride = stride
        self.affine = affine
        self.seed = seed
        self.statistics = statistics
        self.definition = OPERATIONS[primitive]
        self.norms = [
            BatchNormalization(
                affine, statistics=statistics, dtype=self.dtype_policy, name=f"norm_{i}"
            )
            for i in range(self.definition.num_norms[stride])
        ]

    def build(self, input_shape: Sequence[Any]) -> None:
        """Creates the kernels."""
        channels = input_shape[-1]
        self.kernels = [
            self.add_weight(
                shape=kernel.shape(channels),
                initializer=convolution.fan_in_uniform(
                    kernel.fan_in(channels), None if self.seed is None else self.seed + i
                ),
                name=f"kernel_{i}",
            )
            for i, kernel in enumerate(self.definition.kernels[self.stride])
        ]
        for norm in self.norms:
            norm.build((*input_shape[:-1], channels))

    def call(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Returns the operation's output."""
        return self.apply_to(SourceViews(x, self.stride), training)

    def apply_to(self, views: SourceViews, training: bool) -> tf.Tensor:
        """Returns the output for given views of the input, which operations of a cell share.

        Args:
            views: The `SourceViews` of the input for this operation's stride.
            training: See `BatchNormalization`.
        """
        norms = [lambda y, norm=norm: norm(y, training=training) for norm in self.norms]
        kernels = [tf.cast(kernel, views.x.dtype) for kernel in self.kernels]
        y = self.definition.apply(views, kernels, norms)
        if self.definition.in_phases and self.stride == 1 and views.has_phases:
            y = convolution.join_phases(y)
        return y

    @property
    def is_identity(self) -> bool:
        """Whether it hands on its input as it is: a skip-connect at stride 1."""
        return self.primitive == "skip_connect" and self.stride == 1

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "primitive": self.primitive,
            "stride": self.stride,
            "affine": self.affine,
            "seed": self.seed,
            "statistics": self.statistics,
        }


def make_operation(
    primitive: str,
    stride: int = 1,
    *,
    affine: bool = True,
    seed: int | None = None,
    statistics: str = "batch",
    dtype: Any = None,
    name: str | None = None,
) -> Operation:
    """Returns the layer of one primitive, see `Operation`; by default it is named after it."""
    return Operation(
        primitive,
        stride,
        affine=affine,
        seed=seed,
        statistics=statistics,
        dtype=dtype,
        name=name or primitive,
    )
