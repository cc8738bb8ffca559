"""A stand-in for PyTorch's tensors, which are as strict about NumPy."""

import numpy as np
import tensorflow as tf


class Tensor:
    """A tensor on a device, with a gradient, in any type and layout.

    NumPy gets it only after `detach`, `cpu`, `to_dense` and, from bfloat16, `float`.
    """

    def __init__(self, array, *, grad=True, device="cuda", layout="torch.strided"):
        self.array = np.asarray(array)
        self.state = {"grad": grad, "device": device, "layout": layout}
        self.shape = self.array.shape
        self.layout = layout

    def _changed(self, **changes):
        return Tensor(self.array, **self.state | changes)

    def detach(self):
        return self._changed(grad=False)

    def cpu(self):
        return self._changed(device="cpu")

    def to_dense(self):
        return self._changed(layout="torch.strided")

    def float(self):
        return Tensor(self.array.astype(np.float32), **self.state)

    def numpy(self):
        if self.array.dtype == tf.bfloat16.as_numpy_dtype:
            raise TypeError("Got unsupported ScalarType BFloat16")
        if self.state != {"grad": False, "device": "cpu", "layout": "torch.strided"}:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad")
        return self.array

    def __array__(self, dtype=None, copy=None):
        return self.numpy()
