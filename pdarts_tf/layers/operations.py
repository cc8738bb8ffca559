"""Operations as Keras layers, each with kernels and batch norms of its own."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from pdarts_tf.layers import convolution
from pdarts_tf.layers.forms import KernelsAndNorms, compute_pixels
from pdarts_tf.layers.normalization import BatchNormalization
from pdarts_tf.layers.source import SourceViews
from pdarts_tf.primitives import TABLE


@keras.saving.register_keras_serializable("pdarts_tf")
class Operation(keras.layers.Layer):
    """A primitive with kernels and batch norms of its own.

    Input: (batch, height, width, channels). Output: (batch, height / stride, width / stride,
    channels).

    Args:
        primitive: A key of `primitives.TABLE`.
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
        if primitive not in TABLE:
            raise ValueError(
                f"`primitive` must be one of {', '.join(TABLE)}. Received: {primitive!r}"
            )
        if stride not in (1, 2):
            raise ValueError(f"`stride` must be 1 or 2. Received: {stride!r}")
        self.primitive = primitive
        self.stride = stride
        self.affine = affine
        self.seed = seed
        self.definition = TABLE[primitive]
        self.statistics = statistics
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
        return compute_pixels(self.primitive, views, KernelsAndNorms(kernels, norms))

    @property
    def is_identity(self) -> bool:
        """Whether it hands on its input as it is: a skip-connect at stride 1."""
        return self.definition.is_identity(self.stride)

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
