"""Numbers that people hand in, whichever library they are of."""

import numpy as np
import pytest
import tensorflow as tf

from pdarts_tf.arrays import as_numbers
from tests.torch_tensors import Tensor

NUMBERS = np.array([[1.5, -2.0], [0.0, 3.0]])


@pytest.mark.parametrize(
    "value",
    [
        NUMBERS,
        NUMBERS.tolist(),
        NUMBERS.astype(tf.bfloat16.as_numpy_dtype),
        Tensor(NUMBERS),
        Tensor(NUMBERS, layout="torch.sparse_coo"),
        Tensor(NUMBERS.astype(tf.bfloat16.as_numpy_dtype)),
        Tensor(NUMBERS.astype(np.float16)),
    ],
)
def test_numbers_of_every_library_are_read(value):
    np.testing.assert_array_equal(as_numbers(value, "x").astype(np.float64), NUMBERS)


@pytest.mark.parametrize(
    "value",
    [None, "1.0", ["1.0"], [[1.0], [1.0, 2.0]], {"a": 1}, 1j, [Tensor(NUMBERS)], Tensor(["a"])],
)
def test_anything_else_is_one_line(value):
    with pytest.raises(ValueError, match=r"^Expected x\. Received: \w+") as caught:
        as_numbers(value, "x")
    assert len(str(caught.value).splitlines()) == 1
