"""What a server's answers have to contain, whatever protocol brought them.

Every function raises the server's RunError for anything else, so that nothing is taken for an
answer that is none.
"""

from typing import Any

from export.client_model import Server, VersionStatus
from pdarts_tf.errors import quoted

_LARGEST_VERSION = 2**63 - 1
_ROUNDING = 1e-3  # how much a probability may exceed 1 by


def only(server: Server, values: object, name: str) -> Any:
    """Returns the only element of a list, the answer to the only image of a request."""
    if not isinstance(values, list):
        raise server.unexpected(f"no list of {name}")
    if len(values) != 1:
        raise server.unexpected(f"{len(values)} {name} for one image")
    return values[0]


def probabilities(server: Server, values: object) -> list[float]:
    """Returns the probabilities of all classes: numbers from 0 to 1."""
    if not isinstance(values, list) or not values:
        raise server.unexpected(f"{quoted(values)} for the probabilities of all classes")
    return [_probability(server, value) for value in values]


def classes(server: Server, pairs: object) -> tuple[list[str], list[float]]:
    """Returns names and probabilities of all classes, of a list of [name, probability]."""
    if not isinstance(pairs, list) or not pairs:
        raise server.unexpected(f"{quoted(pairs)} for the classes")
    for pair in pairs:
        if not isinstance(pair, list) or len(pair) != 2 or not isinstance(pair[0], str):
            raise server.unexpected(f"{quoted(pair)} for a class and its probability")
    return [name for name, _ in pairs], [_probability(server, value) for _, value in pairs]


def version_status(server: Server, version: object, state: object, reason: object) -> VersionStatus:
    """Returns the status of a version.

    Args:
        server: The server.
        version: Number of the version; in JSON it is a text.
        state: Its state.
        reason: Why it is not ready.
    """
    number = _version(version)
    if number is None:
        raise server.unexpected(f"{quoted(version)} for the number of a version")
    if not isinstance(state, str) or not isinstance(reason, str):
        raise server.unexpected(f"no state of version {number}")
    return VersionStatus(number, state, reason)


def _probability(server: Server, value: object) -> float:
    number = value if isinstance(value, int | float) and not isinstance(value, bool) else -1
    if 0.0 <= number <= 1.0 + _ROUNDING:  # which NaN is not
        return float(number)
    raise server.unexpected(f"{quoted(value)} for a probability")


def _version(value: object) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 20:
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LARGEST_VERSION:
        return value
    return None
