"""The means after a step, which a GPU may still be computing."""

import math
from collections.abc import Iterator, Mapping

import tensorflow as tf

from pdarts_tf.errors import RunError


class NonFiniteLossError(RunError):
    """A loss that is NaN or infinite.

    Args:
        name: Name of the loss.
        value: Its value.
        where: Epoch and step, in words.
    """

    def __init__(self, name: str, value: float, where: str) -> None:
        super().__init__(f"{name} became {value} in {where}; the run keeps its newest checkpoint")


class StepLogs(Mapping[str, float]):
    """The means after a step as numbers, fetched and checked when the first of them is read.

    Reading waits for the device. Who reads only now and then, as a progress bar does, lets the
    host prepare the next step meanwhile.

    Args:
        values: Scalars by name.
        where: Epoch and step in words, for the error.

    Example:

    >>> StepLogs({"loss": tf.constant(0.5)}, "epoch 1, step 1")["loss"]
    0.5
    """

    def __init__(self, values: Mapping[str, tf.Tensor], where: str) -> None:
        self._values = values
        self._where = where
        self._numbers: dict[str, float] | None = None

    def numbers(self) -> dict[str, float]:
        """Returns all of them.

        Raises:
            NonFiniteLossError: One is NaN or infinite.
        """
        if self._numbers is None:
            numbers = {name: float(value) for name, value in self._values.items()}
            for name, number in numbers.items():
                if not math.isfinite(number):
                    raise NonFiniteLossError(name, number, self._where)
            self._numbers = numbers
        return self._numbers

    def __getitem__(self, name: str) -> float:
        return self.numbers()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)
