"""Every operation in 16 bits, against float64 on the same rounded images and kernels.

A sum of n terms that is rounded to p bits after every addition is wrong by about u sqrt(n) of its
size at most, where u = 2^-p: in whatever order it is added up, and less where a processor adds up
in more bits. Errors of sums that follow one another add up as their squares do. So u sqrt(terms),
over all sums on the way, is what every processor has to keep.

Reference: Higham and Mary, "A New Approach to Probabilistic Rounding Error Analysis", SIAM Journal
on Scientific Computing 41(5), 2019.
"""

import dataclasses
import itertools

import numpy as np
import pytest
import tensorflow as tf

from pdarts_tf.config.compute import PRECISIONS
from pdarts_tf.layers.normalization import BATCH_NORM_EPSILON, BATCH_NORM_MOMENTUM
from pdarts_tf.layers.operations import make_operation
from pdarts_tf.primitives import EVALUATION_PRIMITIVES

ROUNDOFF = {"bfloat16": 2.0**-8, "float16": 2.0**-11, "float32": 2.0**-24}
BATCH, SIZE, CHANNELS = 4, 8, 8
IMAGES = (BATCH, SIZE, SIZE, CHANNELS)
POOL_TERMS = 9


def images(precision):
    """Pixels that the precision has, no two alike in a channel: maxima are where they are."""
    levels = (np.arange(SIZE * SIZE) - (SIZE * SIZE - 1) / 2) / 16
    channels = np.random.default_rng(0).permuted(np.tile(levels, (BATCH * CHANNELS, 1)), axis=1)
    pixels = channels.reshape(BATCH, CHANNELS, SIZE, SIZE).transpose(0, 2, 3, 1)
    return tf.constant(pixels, precision)


# The operations in float64, written down once more.


def depthwise(x, kernel, stride=1, dilation=1):
    """Depthwise convolution with kernel (k, k, channels, 1)."""
    size, (height, width) = kernel.shape[0], x.shape[1:3]
    margin = dilation * (size // 2)
    padded = tf.pad(x, ((0, 0), (margin, margin), (margin, margin), (0, 0)))
    total = 0.0
    for i, j in itertools.product(range(size), repeat=2):
        rows = slice(dilation * i, dilation * i + height, stride)
        columns = slice(dilation * j, dilation * j + width, stride)
        total += padded[:, rows, columns] * kernel[i, j, :, 0]
    return total


def conv(x, kernel, strides):
    """Convolution with kernel (height, width, in, out)."""
    margins = [(size // 2, size // 2) for size in kernel.shape[:2]]
    return tf.nn.conv2d(x, kernel, strides, ((0, 0), *margins, (0, 0)))


def normalize(x):
    """Batch norm without scale and offset."""
    mean, variance = tf.nn.moments(x, (0, 1, 2))
    return (x - mean) / tf.sqrt(variance + BATCH_NORM_EPSILON)


def avg_pool(x, stride):
    """Mean of the pixels that are in the image."""
    ones = tf.ones((3, 3, CHANNELS, 1), x.dtype)
    return depthwise(x, ones, stride) / depthwise(tf.ones_like(x), ones, stride)


def sep_conv(x, kernels, stride, between):
    """Two depthwise and pointwise convolutions, the second one of the values `between`.

    Those are what 16 bits gave: the relu shall let the same pixels through, since the gradient of
    a pixel that rounding takes past 0 is all or nothing.
    """
    y = normalize(depthwise(tf.nn.relu(x), kernels[0], stride) @ kernels[1])
    y = tf.nn.relu(y + tf.stop_gradient(between - y))
    return normalize(depthwise(y, kernels[2]) @ kernels[3])


def reference(primitive, stride, x, kernels, between):
    """The output of an operation; see `sep_conv` for `between`."""
    relu = tf.nn.relu(x)
    match primitive.split("_")[0]:
        case "max":
            return tf.nn.max_pool2d(x, 3, stride, ((0, 0), (1, 1), (1, 1), (0, 0)))
        case "avg":
            return avg_pool(x, stride)
        case "none":
            return x[:, ::stride, ::stride] * 0
        case "skip" if stride == 1:
            return x
        case "skip":
            halves = [relu[:, i::2, i::2] @ kernel for i, kernel in enumerate(kernels)]
            return normalize(tf.concat(halves, -1))
        case "sep":
            return sep_conv(x, kernels, stride, between)
        case "dil":
            return normalize(depthwise(relu, kernels[0], stride, dilation=2) @ kernels[1])
        case "conv":
            return normalize(conv(conv(relu, kernels[0], (1, stride)), kernels[1], (stride, 1)))
    raise ValueError(primitive)


@dataclasses.dataclass
class Computed:
    """What an operation gives, and its gradients for some dy."""

    y: tf.Tensor
    dx: tf.Tensor
    kernels: list[tf.Tensor]


def differentiated(function, x, kernels):
    """Returns `Computed` of a function of images and kernels; dy is the same for all of a shape."""
    with tf.GradientTape() as tape:
        tape.watch([x, kernels])
        y = function()
    dy = tf.constant(np.random.default_rng(1).normal(size=y.shape), tf.bfloat16)
    return Computed(y, *tape.gradient(y, [x, kernels], tf.cast(dy, y.dtype)))


class InPrecision:
    """An operation in 16 bits, with kernels that they have."""

    def __init__(self, precision, primitive, stride):
        dtype = PRECISIONS[precision]
        self.layer = make_operation(primitive, stride, affine=False, seed=1, dtype=dtype)
        self.layer.build(IMAGES)
        for kernel in self.layer.kernels:
            kernel.assign(tf.cast(tf.cast(kernel.value, precision), tf.float32))
        self.before_norms: list[tf.Tensor] = []
        self.after_norms: list[tf.Tensor] = []
        for norm in self.layer.norms:
            setattr(norm, "call", self._recorded(norm.call))  # noqa: B010, mypy knows no other way
        x, kernels = images(precision), [kernel.value for kernel in self.layer.kernels]
        self.computed = differentiated(lambda: self.layer(x, training=True), x, kernels)

    def _recorded(self, call):
        def record(x, **options):
            self.before_norms.append(x)
            self.after_norms.append(call(x, **options))
            return self.after_norms[-1]

        return record

    def expected(self):
        """What it should have computed, in float64."""
        x = images(tf.float64)
        kernels = [tf.cast(kernel.value, tf.float64) for kernel in self.layer.kernels]
        between = tf.cast(self.after_norms[0], tf.float64) if self.after_norms else None
        name, stride = self.layer.primitive, self.layer.stride
        return differentiated(lambda: reference(name, stride, x, kernels, between), x, kernels)


def num_terms(kernel):
    """How many values one value of a convolution's output is the sum of."""
    depthwise_kernel = kernel.shape[-1] == 1
    return int(np.prod(kernel.shape[: 2 if depthwise_kernel else -1]))


def assert_close(received, expected, terms, precision):
    """Compares with what rounding may do to sums of so many terms."""
    error = np.asarray(tf.cast(received, tf.float64)) - expected
    allowed = ROUNDOFF[precision] * np.sqrt(terms) * np.linalg.norm(expected)
    assert np.linalg.norm(error) <= allowed


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
@pytest.mark.parametrize("primitive", EVALUATION_PRIMITIVES)
@pytest.mark.parametrize("stride", [1, 2])
def test_an_operation_rounds_no_more_than_its_sums_do(precision, primitive, stride):
    operation = InPrecision(precision, primitive, stride)
    received, expected = operation.computed, operation.expected()
    layer = operation.layer
    assert {received.y.dtype, received.dx.dtype} == {tf.as_dtype(precision)}
    forward = sum(map(num_terms, layer.kernels)) + len(layer.norms)
    forward += POOL_TERMS * (primitive == "avg_pool_3x3")
    assert_close(received.y, expected.y, forward, precision)
    there_and_back = 2 * forward or POOL_TERMS * (primitive == "max_pool_3x3")
    assert_close(received.dx, expected.dx, there_and_back, precision)
    for gradient, value in zip(received.kernels, expected.kernels, strict=True):
        assert gradient.dtype == tf.float32
        assert_close(gradient, value, there_and_back + BATCH * SIZE * SIZE, precision)


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_statistics_are_added_up_in_float32(precision):
    (x,) = (operation := InPrecision(precision, "dil_conv_3x3", 1)).before_norms
    x = tf.cast(x, tf.float64).numpy().reshape(-1, CHANNELS)
    (norm,) = operation.layer.norms
    tolerance = len(x) * ROUNDOFF["float32"]
    for moving, start, batch, size in (
        (norm.moving_mean, 0.0, x.mean(0), np.abs(x).mean(0)),
        (norm.moving_variance, 1.0, x.var(0, ddof=1), np.square(x).mean(0)),
    ):
        expected = BATCH_NORM_MOMENTUM * start + (1 - BATCH_NORM_MOMENTUM) * batch
        assert moving.dtype == "float32"
        np.testing.assert_array_less(np.abs(moving.numpy() - expected), tolerance * (start + size))
