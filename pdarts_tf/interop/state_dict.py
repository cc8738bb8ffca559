"""State dicts of PyTorch code: reading them, and the networks that they are of."""

import re
from collections.abc import Callable, Mapping
from os import PathLike
from typing import Any

import numpy as np

from pdarts_tf.arrays import as_numbers
from pdarts_tf.errors import InputError, quoted
from pdarts_tf.interop.pickle_reader import Call
from pdarts_tf.interop.stored_tensors import StoredTensor, TorchFileError, UnreadTensor
from pdarts_tf.interop.torch_file import read_torch_file
from pdarts_tf.runs.log import logger

StateDict = Mapping[str, np.ndarray]
"""Arrays in PyTorch's layout, by the official names of the parameters."""

ALPHAS = ("alphas_normal", "alphas_reduce")
"""Official names of the architecture parameters of a supernet."""

BETAS = ("betas_normal", "betas_reduce")
"""Names of the weights of the edges in PC-DARTS, one per edge."""

WRAPPERS = (
    "state_dict",
    "model_state_dict",
    "model_state",
    "model",
    "net",
    "network",
    "weights",
    "params",
)
"""Keys under which people save a state dict."""

COUNTERS = ("num_batches_tracked", "total_ops", "total_params")
"""Last parts of names that count something, of batch norms and of thop, and are no weights."""

_MAX_WRAPPERS = 3  # in one another


class StateDictError(InputError):
    """Raised for what is not a state dict; the message says what it seems to be."""


def read_state_dict(
    path: str | PathLike[str], warn: Callable[[str], None] | None = None
) -> dict[str, np.ndarray]:
    """Reads a file that `torch.save` wrote; neither PyTorch nor any code of the file is run.

    Args:
        path: File with a state dict, see `named_arrays`.
        warn: Is called with a line about what could not be checked, and one about what is not
            used; by default they are logged.

    Raises:
        InputError: The file is damaged, or does not hold a state dict.
    """
    file = read_torch_file(path)
    warn = warn or logger().warning
    if not file.has_checksums:
        warn(
            f"warning: {path} is in the format of before PyTorch 1.6, which has no checksums: "
            "damage would not be noticed"
        )
    try:
        return named_arrays(file.content, warn)
    except StateDictError as error:
        raise StateDictError(f"{path}: {error}") from error


def named_arrays(content: Any, warn: Callable[[str], None] | None = None) -> dict[str, np.ndarray]:
    """Returns the arrays of a state dict by their official names.

    Args:
        content: A state dict, plain or under one of the keys `WRAPPERS`; alphas and betas may also
            stand beside that key. Names may have the prefixes of wrapped modules, such as
            "module." and "_orig_mod.". Its values are arrays or tensors.
        warn: Is called with a line about entries that are neither, such as a number of epochs; by
            default they are refused.

    Raises:
        StateDictError: It is not a state dict, or a value cannot be read.

    Example:

    >>> sorted(named_arrays({"epoch": 3, "model": {"module.a": np.zeros(2)}}))
    ['a']
    """
    found: dict[str, np.ndarray] = {}
    for name, value in _state_dict(content, warn).items():
        if not isinstance(name, str):
            raise StateDictError(
                f"expected names of parameters as keys. Received: {quoted(name)}; save the "
                "state_dict() of a module"
            )
        official = _official_name(name)
        if official in found:
            raise StateDictError(
                f"two parameters are called {quoted(official)}, with different prefixes; save the "
                "state_dict() of one module"
            )
        found[official] = _array(name, value)
    return found


def is_counter(name: str) -> bool:
    """Returns whether a name is that of a counter, not of a weight."""
    return name.rsplit(".", 1)[-1] in COUNTERS


def _array(name: str, value: Any) -> np.ndarray:
    if isinstance(value, UnreadTensor):
        raise StateDictError(f"{quoted(name)} is {value.kind}")
    try:
        if isinstance(value, StoredTensor):
            return value.numpy()
    except TorchFileError as error:
        raise StateDictError(f"{quoted(name)} cannot be read: {error}") from error
    try:
        return as_numbers(value, f"{quoted(name)} to be an array of numbers")
    except ValueError as error:
        raise StateDictError(str(error)) from error


def _official_name(name: str) -> str:
    parts = [part for part in name.split(".") if part != "_orig_mod"]
    while len(parts) > 1 and parts[0] in ("module", "model", "net", "network"):
        del parts[0]
    return ".".join(parts)


def _is_tensor(value: Any) -> bool:
    return hasattr(value, "shape") or isinstance(value, UnreadTensor)


def _is_architecture(name: Any) -> bool:
    return isinstance(name, str) and name.startswith(("alphas", "betas"))


def _state_dict(content: Any, warn: Callable[[str], None] | None, depth: int = 0) -> dict[Any, Any]:
    """Returns the entries of a state dict, wherever it stands in `content`."""
    if not isinstance(content, Mapping):
        raise StateDictError(f"expected a state dict. Received: {_likeness(content)}")
    inner = [key for key in WRAPPERS if isinstance(content.get(key), Mapping)]
    if not inner or depth == _MAX_WRAPPERS:
        return _entries(content, warn)
    if len(inner) > 1:
        raise StateDictError(f"{' and '.join(inner)} each hold a state dict; save one of them")
    beside = {key: value for key, value in content.items() if _is_architecture(key)}
    found = _state_dict(content[inner[0]], warn, depth + 1)
    if doubled := [key for key in beside if key in found]:
        raise StateDictError(f"{quoted(doubled[0])} is there twice: in {inner[0]} and beside it")
    return found | beside


def _entries(content: Mapping[Any, Any], warn: Callable[[str], None] | None) -> dict[Any, Any]:
    """Returns the entries that are parameters; others than tensors are named or refused."""
    tensors = {k: v for k, v in content.items() if _is_tensor(v) or _is_architecture(k)}
    others = {key: value for key, value in content.items() if key not in tensors}
    if not tensors or any(isinstance(value, Mapping) and value for value in others.values()):
        raise StateDictError(
            f"expected a state dict, plain or under one of the keys {', '.join(WRAPPERS)}. "
            f"Received: {_likeness(content)}"
        )
    if others and warn is None:
        key, value = next(iter(others.items()))
        raise StateDictError(f"expected tensors only. Received: {quoted(key)}, {_likeness(value)}")
    if others and warn is not None:
        warn(f"warning: not used: {', '.join(quoted(key) for key in list(others)[:8])}")
    return tensors


def _likeness(content: Any) -> str:
    """Returns what an object seems to be."""
    if isinstance(content, Call):
        return (
            f"an object of {quoted(str(content.function))}, which only its own code can read; save "
            "its state_dict()"
        )
    if isinstance(content, Mapping):
        if not content:
            return "an empty dictionary"
        keys = ", ".join(quoted(key) for key in list(content)[:8])
        return f"a dictionary with the keys {keys}{' ...' if len(content) > 8 else ''}"
    if isinstance(content, list | tuple):
        return f"a {type(content).__name__} of {len(content)}; save {{name: tensor}}"
    return f"{quoted(content)[:80]}, a {type(content).__name__}"


def network_settings(arrays: StateDict) -> dict[str, Any]:
    """Returns the settings of the evaluation network that a state dict is of.

    Returns:
        "stem", "init_channels", "layers" and "auxiliary", see `TrainConfig`.

    Raises:
        InputError: It is not a state dict of an evaluation network.
    """
    if any(re.fullmatch(r"cells\.\d+\.(_ops|cell_ops)\.\d+\.(_ops|m_ops)\..*", n) for n in arrays):
        raise InputError(
            "these are the weights of a supernet without its architecture parameters, which the "
            "code of DARTS keeps outside of the state dict; save them with it: torch.save("
            "{'state_dict': model.state_dict(), 'alphas_normal': model.alphas_normal, "
            "'alphas_reduce': model.alphas_reduce}, ...)"
        )
    stem = "imagenet" if "stem0.0.weight" in arrays else "cifar"
    first = "stem0.3.weight" if stem == "imagenet" else "stem.0.weight"
    missing = [name for name in (first, "classifier.weight") if name not in arrays]
    if missing:
        raise InputError(
            f"the state dict lacks {missing[0]!r}: not a network of the official code. It has "
            f"{', '.join(quoted(name) for name in list(arrays)[:3])} ..."
        )
    for name, dimensions in ((first, 4), ("classifier.weight", 2)):
        if arrays[name].ndim != dimensions:
            raise InputError(
                f"expected {name!r} to have {dimensions} dimensions. Received: shape "
                f"{arrays[name].shape}; not a network of the official code"
            )
    width = arrays[first].shape[0]
    cells = {name.split(".")[1] for name in arrays if re.match(r"cells\.\d+\.", name)}
    return {
        "stem": stem,
        "init_channels": width if stem == "imagenet" else width // 3,
        "layers": len(cells),
        "auxiliary": any(name.startswith("auxiliary_head.") for name in arrays),
    }
