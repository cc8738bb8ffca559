"""An exponential moving average of weights, one step per epoch."""

import contextlib

import numpy as np


class WeightAverage:
    """average <- decay * average + (1 - decay) * weights; the first one is the weights themselves.

    Args:
        variables: {name: variable} of floating-point numbers, batch statistics included.
        decay: in [0, 1).
    """

    def __init__(self, variables, decay):
        self.variables = variables
        self.decay = decay
        self.arrays = {}

    def updated(self):
        """Returns the average with the present weights taken in; keeps the one it has."""
        arrays = {}
        for name, variable in self.variables.items():
            value = np.asarray(variable)
            if name in self.arrays:
                value = self.decay * self.arrays[name] + (1.0 - self.decay) * value
            arrays[name] = value.astype(np.float32)
        return arrays

    @contextlib.contextmanager
    def in_place(self, arrays):
        """Puts an average in the place of the weights for the duration of a block."""
        present = {name: np.asarray(variable) for name, variable in self.variables.items()}
        self._assign(arrays)
        try:
            yield
        finally:
            self._assign(present)

    def _assign(self, arrays):
        for name, array in arrays.items():
            self.variables[name].assign(array)
