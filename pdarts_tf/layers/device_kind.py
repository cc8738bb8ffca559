"""The kind of device that computations are traced for, where equal ones differ in speed."""

import contextlib
from collections.abc import Iterator

import tensorflow as tf

KINDS = ("CPU", "GPU")

_forced: list[str] = []  # not a ContextVar: replicas are traced in threads of their own


def device_kind() -> str:
    """Returns "GPU" where TensorFlow has one, else "CPU".

    Read it while a function is traced. It chooses between forms that give equal results.
    """
    if _forced:
        return _forced[-1]
    return "GPU" if tf.config.list_physical_devices("GPU") else "CPU"


@contextlib.contextmanager
def traced_for(kind: str) -> Iterator[None]:
    """Lets what is traced inside the block choose the forms of another kind of device.

    Args:
        kind: One of `KINDS`.

    Raises:
        ValueError: The kind is unknown.

    Example:

    >>> with traced_for("GPU"):
    ...     device_kind()
    'GPU'
    """
    if kind not in KINDS:
        raise ValueError(f"`kind` must be one of {', '.join(KINDS)}. Received: {kind!r}")
    _forced.append(kind)
    try:
        yield
    finally:
        _forced.pop()
