"""State dicts of the official PyTorch code: reading them, and the networks that they are of."""

import pickle
from collections.abc import Mapping
from os import PathLike
from typing import Any

import numpy as np

from pdarts_tf.errors import InputError

StateDict = Mapping[str, np.ndarray]
"""Arrays in PyTorch's layout, by the official names of the parameters."""

ALPHAS = ("alphas_normal", "alphas_reduce")
"""Official names of the architecture parameters of a supernet."""


def read_state_dict(path: str | PathLike[str]) -> dict[str, np.ndarray]:
    """Reads a file that `torch.save` wrote.

    Args:
        path: File with a state dict, plain or under the key "state_dict"; names may begin with
            "module.".

    Raises:
        InputError: PyTorch is not installed, or the file does not hold a state dict.
    """
    try:
        import torch
    except ImportError as error:
        raise InputError(
            "reading a PyTorch checkpoint needs PyTorch: pip install -r requirements-torch.txt"
        ) from error
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError, ValueError) as error:
        reason = str(error).split("\n", 1)[0][:160]
        raise InputError(f"--checkpoint={path} cannot be read as PyTorch weights: {reason}") from (
            error
        )
    if isinstance(content, dict) and isinstance(content.get("state_dict"), dict):
        content = content["state_dict"]
    if not isinstance(content, dict) or not all(
        isinstance(value, torch.Tensor) for value in content.values()
    ):
        raise InputError(f"expected a state dict in {path}. Received: {type(content).__name__}")
    return {name.removeprefix("module."): tensor.numpy() for name, tensor in content.items()}


def network_settings(arrays: StateDict) -> dict[str, Any]:
    """Returns the settings of the evaluation network that a state dict is of.

    Returns:
        "stem", "init_channels", "layers" and "auxiliary", see `TrainConfig`.

    Raises:
        InputError: It is not a state dict of an evaluation network.
    """
    stem = "imagenet" if "stem0.0.weight" in arrays else "cifar"
    first = "stem0.3.weight" if stem == "imagenet" else "stem.0.weight"
    missing = [name for name in (first, "classifier.weight") if name not in arrays]
    if missing:
        raise InputError(f"the state dict lacks {missing[0]!r}: not a network of the official code")
    width = arrays[first].shape[0]
    cells = {int(name.split(".")[1]) for name in arrays if name.startswith("cells.")}
    return {
        "stem": stem,
        "init_channels": width if stem == "imagenet" else width // 3,
        "layers": len(cells),
        "auxiliary": any(name.startswith("auxiliary_head.") for name in arrays),
    }
