"""An exponential moving average of weights, one step per epoch."""

import contextlib
from collections.abc import Iterator, Mapping

import keras
import numpy as np
import numpy.typing as npt

Arrays = dict[str, npt.NDArray[np.float32]]
"""Values of variables by name."""


class WeightAverage:
    """A moving average: average <- decay * average + (1 - decay) * weights, at first the weights.

    Args:
        variables: Floating-point variables by name, batch statistics included.
        decay: Decay, in [0, 1).
    """

    def __init__(self, variables: Mapping[str, keras.Variable], decay: float) -> None:
        self.variables = variables
        self.decay = decay
        self.arrays: Arrays = {}

    def updated(self) -> Arrays:
        """Returns the average one step on, by the present weights; does not replace `arrays`."""
        arrays: Arrays = {}
        for name, variable in self.variables.items():
            value = np.asarray(variable)
            if name in self.arrays:
                value = self.decay * self.arrays[name] + (1.0 - self.decay) * value
            arrays[name] = value.astype(np.float32)
        return arrays

    @contextlib.contextmanager
    def in_place(self, arrays: Arrays) -> Iterator[None]:
        """Puts an average in the place of the weights for the duration of a block."""
        present = {name: np.asarray(variable) for name, variable in self.variables.items()}
        self._assign(arrays)
        try:
            yield
        finally:
            self._assign(present)

    def _assign(self, arrays: Arrays) -> None:
        for name, array in arrays.items():
            self.variables[name].assign(array)
