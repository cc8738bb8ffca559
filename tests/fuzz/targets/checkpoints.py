"""The newest checkpoint of a run: either whole, or the one before it is taken."""

from pathlib import Path
from typing import Any

import numpy as np

from pdarts_tf.runs import checkpoint
from tests.fuzz.targets import Target


class _Variable:
    """As much of a Keras variable as restoring needs."""

    def __init__(self, value: Any) -> None:
        self.value = np.asarray(value)
        self.shape, self.dtype = self.value.shape, self.value.dtype.name

    def assign(self, value: Any) -> None:
        """Sets the value."""
        self.value = np.asarray(value)

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        return self.value


def _variables(number: int) -> dict[str, _Variable]:
    return {
        "model/kernel": _Variable(np.full((3, 2), number, np.float32)),
        "model/norm/mean": _Variable(np.full(2, number, np.float64)),
        "sgd/iteration": _Variable(np.int64(number)),
    }


def make(scratch: Path) -> Target:
    """See `Target`."""
    older, newer = (checkpoint.archive(_variables(n), {"step": n}) for n in (1, 2))
    (scratch / "000000001.npz").write_bytes(older)
    path = scratch / "000000002.npz"
    variables = _variables(0)

    def use(arrays: checkpoint.Arrays, position: checkpoint.Position) -> int:
        checkpoint.restore(variables, arrays)
        step: int = position["step"]
        return step

    def read(data: bytes) -> str:
        path.write_bytes(data)
        warnings: list[str] = []
        step = checkpoint.load_newest(scratch, warnings.append, use)
        assert all(each.isprintable() and len(each) < 1000 for each in warnings), warnings
        assert (step, len(warnings)) in {(1, 1), (2, 0)}
        for name, expected in _variables(step).items():
            np.testing.assert_array_equal(variables[name].value, expected.value)
        return "read" if step == 2 else "refused"

    return Target([newer, older[:99] + newer[99:]], read, (), ("PK\x03\x04", "\x93NUMPY", ".npy"))
