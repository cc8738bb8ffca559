"""Views of a node that its operations read, each computed once."""

import functools

import tensorflow as tf

from pdarts_tf.layers import convolution, pooling


class SourceViews:
    """Views of one node's output that do not depend on the edge that reads it.

    Every view is computed when it is first used. Sharing them between the operations of all edges
    that leave a node is exact, and most of the difference in speed to a network that composes
    every operation by itself.

    Args:
        x: (batch, height, width, channels), height and width known.
        stride: of the operations that read the views, 1 or 2.
        for_xla: whether XLA is to compile the operations, see `pooling.max_pool_3x3`.
    """

    def __init__(self, x: tf.Tensor, stride: int, *, for_xla: bool = False) -> None:
        self.x = x
        self.stride = stride
        self.for_xla = for_xla
        self._padded: dict[int, tf.Tensor] = {}

    @property
    def has_phases(self) -> bool:
        """Whether height and width are even, so that the image splits into four equal phases."""
        return self.x.shape[1] % 2 == 0 and self.x.shape[2] % 2 == 0

    @functools.cached_property
    def relu(self) -> tf.Tensor:
        """max(x, 0)."""
        return tf.nn.relu(self.x)

    @functools.cached_property
    def relu_phases(self) -> tf.Tensor:
        """The four phases of `relu`, see `convolution.split_phases`."""
        return convolution.split_phases(self.relu)

    @functools.cached_property
    def _relu_corners(self) -> tuple[tf.Tensor, tf.Tensor]:
        even, _, _, odd = tf.split(self.relu_phases, 4)
        return even, odd

    @property
    def relu_even(self) -> tf.Tensor:
        """`relu` at even rows and columns: (batch, height / 2, width / 2, channels)."""
        return self._relu_corners[0]

    @property
    def relu_odd(self) -> tf.Tensor:
        """`relu` at odd rows and columns: (batch, height / 2, width / 2, channels)."""
        return self._relu_corners[1]

    def relu_padded(self, size: int) -> tf.Tensor:
        """Returns `relu` with `size` zero pixels added on every side."""
        if size not in self._padded:
            self._padded[size] = convolution.pad_border(self.relu, size)
        return self._padded[size]

    @functools.cached_property
    def max_pool(self) -> tf.Tensor:
        """3x3 maximum around every pixel, or every second one: ceil(size / stride) pixels."""
        return pooling.max_pool_3x3(self.x, self.stride, for_xla=self.for_xla)

    @functools.cached_property
    def avg_pool(self) -> tf.Tensor:
        """3x3 average without counting the padding: ceil(size / stride) pixels."""
        return pooling.avg_pool_3x3(self.x, self.stride)
