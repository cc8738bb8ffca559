"""Arrays of numbers that people hand in, whichever library made them."""

from typing import Any

import numpy as np


def as_numbers(value: Any, expected: str) -> np.ndarray:
    """Returns an array of what people hand in as numbers.

    Tensors of PyTorch are read wherever they are, without their gradients: parameters, on a GPU, in
    bfloat16, sparse.

    Args:
        value: An array, nested lists of numbers, a variable, or a tensor of TensorFlow or PyTorch.
        expected: What it should be, for the error.

    Raises:
        ValueError: It is not an array of real numbers or truth values.

    Example:

    >>> as_numbers([[1, 2]], "alphas to be numbers").shape
    (1, 2)
    >>> as_numbers("1.5", "alphas to be numbers")
    Traceback (most recent call last):
    ...
    ValueError: Expected alphas to be numbers. Received: str
    """
    message = f"Expected {expected}. Received: {type(value).__name__}"
    try:
        array = np.asarray(_detached(value) if hasattr(value, "detach") else value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"{message} ({' '.join(str(error).split())[:160]})") from error
    # TensorFlow's bfloat16 is no number to NumPy, though it converts to one.
    if array.dtype.kind not in "biuf" and array.dtype.name != "bfloat16":
        shown = "" if array.dtype.kind in "OUS" else f" of {array.dtype.name}"
        raise ValueError(f"{message}{shown}")
    return array


def _detached(tensor: Any) -> np.ndarray:
    """Returns the numbers of a tensor of PyTorch."""
    tensor = tensor.detach().cpu()
    if "strided" not in str(tensor.layout):
        tensor = tensor.to_dense()
    try:
        array: np.ndarray = tensor.numpy()
    except TypeError:  # NumPy has no bfloat16, whose numbers float32 has all
        array = tensor.float().numpy()
    return array
