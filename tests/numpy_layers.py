"""Plain NumPy versions of what the layers compute, all with PyTorch's symmetric padding."""

import numpy as np

EPSILON = 1e-5


def _patches(x, size, strides, dilation, fill):
    """Yields ((row, column) in the kernel, the pixels that it meets, one per output pixel)."""
    (height, width), (rows, columns) = x.shape[1:3], size
    margins = [dilation * (length // 2) for length in size]
    padding = [(0, 0), *((margin, margin) for margin in margins), (0, 0)]
    padded = np.pad(x, padding, constant_values=fill)
    last_row = (-(-height // strides[0]) - 1) * strides[0] + 1
    last_column = (-(-width // strides[1]) - 1) * strides[1] + 1
    for i in range(rows):
        for j in range(columns):
            top, left = i * dilation, j * dilation
            rows_read = slice(top, top + last_row, strides[0])
            columns_read = slice(left, left + last_column, strides[1])
            yield (i, j), padded[:, rows_read, columns_read]


def conv(x, kernel, strides=(1, 1), dilation=1):
    """Convolution with kernel (height, width, in, out)."""
    patches = _patches(x, kernel.shape[:2], strides, dilation, 0.0)
    return sum(patch @ kernel[position] for position, patch in patches)


def depthwise(x, kernel, stride=1, dilation=1):
    """Depthwise convolution with kernel (k, k, channels, 1)."""
    patches = _patches(x, kernel.shape[:2], (stride, stride), dilation, 0.0)
    return sum(patch * kernel[position][:, 0] for position, patch in patches)


def max_pool_3x3(x, stride):
    """Maximum over the pixels in the image."""
    return np.max([p for _, p in _patches(x, (3, 3), (stride, stride), 1, -np.inf)], axis=0)


def max_pool_3x3_gradient(x, dy, stride):
    """Gradient of `max_pool_3x3`: all of it to the first maximum in rows, then columns."""
    dx = np.zeros_like(x)
    for (n, i, j, c), value in np.ndenumerate(dy):
        rows = range(max(i * stride - 1, 0), min(i * stride + 2, x.shape[1]))
        columns = range(max(j * stride - 1, 0), min(j * stride + 2, x.shape[2]))
        row, column = max(((r, q) for r in rows for q in columns), key=lambda at: x[n, *at, c])
        dx[n, row, column, c] += value
    return dx


def avg_pool_3x3(x, stride):
    """Mean over the pixels in the image."""
    strides = (stride, stride)
    total = sum(patch for _, patch in _patches(x, (3, 3), strides, 1, 0.0))
    return total / sum(patch for _, patch in _patches(np.ones_like(x), (3, 3), strides, 1, 0.0))


def batch_norm(x):
    """Normalizes (batch, height, width, channels) by the statistics of the batch."""
    return (x - x.mean((0, 1, 2))) / np.sqrt(x.var((0, 1, 2)) + EPSILON)
