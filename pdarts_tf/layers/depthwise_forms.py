"""Forms of the depthwise convolution: equal up to rounding, of different speed by device.

Which one is computed is up to the table `CHOICES`; `convolution` has the functions that layers
call. Every form is a function of (x, kernel, stride, dilation):

    x: (batch, height, width, channels); with stride 2 already padded by k // 2 on all four sides.
    kernel: (k, k, channels, 1), k odd.
    stride: 1, which keeps height and width, or 2.
    dilation: 1, or with stride 1 any.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import tensorflow as tf

from pdarts_tf.layers import pure
from pdarts_tf.layers.device_kind import device_kind

Form = Callable[[tf.Tensor, tf.Tensor, int, int], tf.Tensor]
"""A function of (x, kernel, stride, dilation) that returns the convolved images."""


def tensorflow_kernel(
    x: tf.Tensor, kernel: tf.Tensor, stride: int = 1, dilation: int = 1
) -> tf.Tensor:
    """Convolves by TensorFlow's depthwise operation.

    On a GPU it has kernels of its own, forward and for both gradients, with these exceptions, for
    which it takes cuDNN's: 16 bits; and the gradient of the kernel wherever TensorFlow has been
    told to be deterministic, since its own adds up in any order.

    The raw operation's own dilation has wrong gradients with oneDNN; this one, which splits the
    images into phases, has not.
    """
    padding = "SAME" if stride == 1 else "VALID"
    return tf.nn.depthwise_conv2d(
        x, kernel, (1, stride, stride, 1), padding, dilations=(dilation, dilation)
    )


def grouped(x: tf.Tensor, kernel: tf.Tensor, stride: int = 1, dilation: int = 1) -> tf.Tensor:
    """Convolves by an ordinary convolution with a group per channel.

    On a GPU all three passes are cuDNN's, in every precision, and so is the dilation. On a CPU
    TensorFlow has no gradient of it; XLA has.
    """
    size, _, channels, _ = kernel.shape
    padding = "SAME" if stride == 1 else "VALID"
    kernel = tf.reshape(kernel, (size, size, 1, channels))
    return tf.nn.conv2d(x, kernel, stride, padding, dilations=dilation)


def shifted(x: tf.Tensor, kernel: tf.Tensor, stride: int = 1, dilation: int = 1) -> tf.Tensor:
    """Convolves as the sum of k k shifted images times one number per channel each.

        y[i, j] = sum_{r, c} kernel[r, c] x[stride i + dilation r, stride j + dilation c]

    For XLA, which fuses the sum into one loop, together with what stands before and behind it; by
    itself TensorFlow would write and read k k images. So are the gradients: that of x is such a sum
    over dy with the kernel turned around, which derived from the one above would be k k additions
    to slices; that of the kernel is one sum over all pixels per number.

    Sums are in float32 at least, and do not depend on any order of execution.
    """
    size = kernel.shape[0]
    margin = dilation * (size // 2) if stride == 1 else 0

    @tf.custom_gradient
    def convolve(
        x: tf.Tensor, kernel: tf.Tensor
    ) -> tuple[tf.Tensor, Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]]:
        padded = _pad(_widened(x), (margin, margin), (margin, margin))
        span = dilation * (size - 1)
        shape = tuple((length - span - 1) // stride + 1 for length in padded.shape[1:3])

        def gradient(dy: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            dy = _widened(dy)
            if stride == 1:
                turned = tf.reverse(_widened(kernel), (0, 1))
                around = _pad(dy, (margin, margin), (margin, margin))
                dx = _shifted_sum(around, turned, x.shape[1:3], 1, dilation)
            else:
                dx = _strided_input_gradient(dy, _widened(kernel), x.shape[1:3])
            windows = _windows(padded, (size, size), shape, stride, dilation)
            sums = [tf.reduce_sum(window * dy, (0, 1, 2)) for _, window in windows]
            dkernel = tf.reshape(tf.stack(sums), kernel.shape)
            return tf.cast(dx, x.dtype), tf.cast(dkernel, kernel.dtype)

        y = _shifted_sum(padded, _widened(kernel), shape, stride, dilation)
        return tf.cast(y, x.dtype), gradient

    return convolve(x, kernel)


_compiled_shifted = pure.compiled(shifted)


def shifted_compiled(
    x: tf.Tensor, kernel: tf.Tensor, stride: int = 1, dilation: int = 1
) -> tf.Tensor:
    """Convolves as `shifted`, each convolution and its gradients compiled by XLA on their own.

    For steps that XLA does not compile; each shape is compiled once in a process.
    """
    return _compiled_shifted(x, kernel, stride, dilation)


DEPTHWISE_FORMS: Mapping[str, Form] = {
    "tensorflow": tensorflow_kernel,
    "grouped": grouped,
    "shifted": shifted,
    "shifted_compiled": shifted_compiled,
}
"""All forms by name, such as for a benchmark that measures each."""


@dataclass(frozen=True)
class Choice:
    """A row of `CHOICES`.

    Args:
        kind: Kind of device, see `device_kind`.
        for_xla: Whether XLA compiles the cell or the step that the convolution is part of.
        dtypes: Names of the types of the images.
        form: The form to compute, a key of `DEPTHWISE_FORMS`.
        measured: Processor or card on which all forms were measured, or "not measured".
    """

    kind: str
    for_xla: bool
    dtypes: tuple[str, ...]
    form: str
    measured: str


_HERE = "AMD EPYC, one thread: 32 images of 32x32x16, 16x16x32 and 8x8x64, 3x3 and 5x5 kernels"
_MEASURED, _REST = ("float32", "bfloat16"), ("float16", "float64")

CHOICES = (
    # Forward and both gradients by `shifted_compiled` take 4 to 8 times as long in float32, 0.7 to
    # 1.7 times in bfloat16; `grouped` has no gradients.
    Choice("CPU", False, _MEASURED, "tensorflow", _HERE),
    Choice("CPU", False, _REST, "tensorflow", "not measured"),
    # `shifted` takes 0.12 to 0.29 of the time, but results on a CPU are to stay what they were, and
    # whoever wants speed there does not compile: in float32 all this takes 0.02 to 0.06 without.
    Choice("CPU", True, _MEASURED, "tensorflow", _HERE),
    Choice("CPU", True, _REST, "tensorflow", "not measured"),
    # In 32 bits one kernel that reads (batch, height, width, channels) as it is. cuDNN wants
    # channels before pixels there: TensorFlow would transpose images and gradients around it.
    Choice("GPU", False, ("float32", "float64"), "tensorflow", "not measured"),
    # In 16 bits TensorFlow's operation is cuDNN's, which has kernels for channels last then.
    Choice("GPU", False, ("bfloat16", "float16"), "tensorflow", "not measured"),
    # XLA makes a convolution a call of cuDNN, which it can fuse with nothing, transposed in
    # float32. The sums are loops of its own, which take in the relu before and the cast behind.
    Choice("GPU", True, _MEASURED + _REST, "shifted", "not measured"),
)
"""Which form is computed where: the only place that decides it."""


def choose_form(dtype: tf.DType, *, for_xla: bool) -> str:
    """Returns the name of the form for the present kind of device.

    Args:
        dtype: Type of the images.
        for_xla: See `Choice`.

    Example:

    >>> from pdarts_tf.layers.device_kind import traced_for
    >>> with traced_for("GPU"):
    ...     choose_form(tf.float32, for_xla=False), choose_form(tf.float32, for_xla=True)
    ('tensorflow', 'shifted')
    """
    kind = device_kind()
    return next(
        row.form
        for row in CHOICES
        if row.kind == kind and row.for_xla == for_xla and dtype.name in row.dtypes
    )


def convolve(
    x: tf.Tensor, kernel: tf.Tensor, stride: int = 1, dilation: int = 1, *, for_xla: bool = False
) -> tf.Tensor:
    """Convolves depthwise by the form that `CHOICES` names; see the module for the arguments."""
    return DEPTHWISE_FORMS[choose_form(x.dtype, for_xla=for_xla)](x, kernel, stride, dilation)


def _widened(x: tf.Tensor) -> tf.Tensor:
    return tf.cast(x, tf.float32) if x.dtype.size < 4 else x


def _pad(x: tf.Tensor, rows: tuple[int, int], columns: tuple[int, int]) -> tf.Tensor:
    return tf.pad(x, ((0, 0), rows, columns, (0, 0)))


def _windows(
    padded: tf.Tensor,
    size: tuple[int, int],
    shape: tuple[int, int],
    stride: int,
    dilation: int,
) -> Iterator[tuple[tuple[int, int], tf.Tensor]]:
    """Yields ((row, column) in a kernel of some size, the pixels of `padded` that it meets)."""
    height, width = (stride * (length - 1) + 1 for length in shape)
    for row in range(size[0]):
        for column in range(size[1]):
            top, left = dilation * row, dilation * column
            yield (
                (row, column),
                padded[:, top : top + height : stride, left : left + width : stride],
            )


def _shifted_sum(
    padded: tf.Tensor, kernel: tf.Tensor, shape: tuple[int, int], stride: int, dilation: int
) -> tf.Tensor:
    """Returns the convolution of padded images, `shape` pixels of it."""
    windows = _windows(padded, kernel.shape[:2], shape, stride, dilation)
    return tf.add_n([window * kernel[row, column, :, 0] for (row, column), window in windows])


def _strided_input_gradient(dy: tf.Tensor, kernel: tf.Tensor, shape: tuple[int, int]) -> tf.Tensor:
    """Returns the gradient of padded images of a size that a convolution at stride 2 has read.

    Even and odd rows meet every second row of the kernel each, and so do columns: four sums over
    dy, which interleave to the gradient.
    """
    halves = -(-shape[0] // 2), -(-shape[1] // 2)

    def phase(row: int, column: int) -> tf.Tensor:
        part = tf.reverse(kernel[row::2, column::2], (0, 1))
        before = [length - 1 for length in part.shape[:2]]
        after = [half - length for half, length in zip(halves, dy.shape[1:3], strict=True)]
        around = _pad(dy, (before[0], after[0]), (before[1], after[1]))
        return _shifted_sum(around, part, halves, 1, 1)

    rows = [tf.stack([phase(row, 0), phase(row, 1)], 3) for row in range(2)]
    stacked = tf.stack(rows, 2)  # (batch, half height, 2, half width, 2, channels)
    pixels = tf.reshape(stacked, (-1, 2 * halves[0], 2 * halves[1], dy.shape[-1]))
    return pixels[:, : shape[0], : shape[1]]
