"""Base class of all settings: their flags' help texts, JSON, and validation."""

import dataclasses
import json
import math
import types
import typing
from collections.abc import Collection, Iterable
from dataclasses import MISSING, dataclass, field
from typing import Any, Self

from pdarts_tf.errors import InputError, printable


class ConfigError(InputError):
    """Raised for a setting that is out of range or conflicts with others; the message names it."""


MOST = 2**31 - 1
"""Largest integer of a setting that has no limit of its own: what TensorFlow can count with."""

AUTO = "auto"
"""Value of the flag of a number that the program is to choose, where that is allowed."""


def setting(
    default: Any,
    text: str,
    *,
    before: Any = MISSING,
    booleans: tuple[str, str] | None = None,
    auto: bool = False,
    choices: Iterable[str] = (),
    form: str = "",
    least: float = -math.inf,
    most: float = MOST,
) -> Any:
    """Returns a dataclass field with a default value and the help text of its flag.

    Args:
        default: Default value.
        text: Help text of the flag.
        before: Value of runs that were recorded before the setting existed. It is not the default:
            a default may change later, what those runs did cannot.
        booleans: Of a setting that once was a boolean: the values that False and True of earlier
            runs stand for, and --noNAME and a bare --NAME on the command line.
        auto: Whether the flag may also be `AUTO`. The setting itself is always a number.
        choices: Of a word: all that are allowed; none for any.
        form: What values look like, in help texts; by default as the type and the choices say.
        least: Of an integer, or several: the smallest one allowed.
        most: Of an integer, or several: the largest one allowed. It is far beyond what anybody
            needs, so that a slip of the keyboard is refused before it takes all time and memory.
    """
    metadata: dict[str, Any] = {"help": text, "auto": auto, "least": least, "most": most}
    metadata |= {"choices": tuple(choices), "form": form}
    if before is not MISSING:
        metadata["before"] = before
    if booleans is not None:
        metadata["booleans"] = booleans
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class Settings:
    """Base class of settings, which are validated when made, and converted to JSON and back."""

    def __post_init__(self) -> None:
        """Checks limits of integers, and choices of words; subclasses call this first."""
        for each in dataclasses.fields(self):
            value, limits = getattr(self, each.name), each.metadata
            values = value if isinstance(value, tuple) else (value,)
            whole = [number for number in values if isinstance(number, int)]
            least, most = limits["least"], limits["most"]
            check(all(n >= least for n in whole), each.name, f"at least {least}", value)
            check(all(n <= most for n in whole), each.name, f"at most {most}", value)
            choices = limits["choices"]
            check(not choices or value in choices, each.name, " or ".join(choices), value)

    def to_json(self) -> str:
        """Returns the settings as a JSON object, one per line."""
        return json.dumps(dataclasses.asdict(self), indent=2)

    @classmethod
    def from_dict(cls, values: object) -> Self:
        """Returns settings with the given values, such as those read from JSON.

        A missing setting has its value from `before`, if it has one, and one that was a boolean the
        value that `booleans` has for it: see `setting`.

        Raises:
            ConfigError: They are no dictionary, a name is unknown or missing, or a value has
                another type or is not valid.
        """
        if not isinstance(values, dict):
            raise ConfigError(f"settings must be an object. Received: {type(values).__name__}")
        settings = dataclasses.fields(cls)
        earlier = {s.name: s.metadata["before"] for s in settings if "before" in s.metadata}
        words = {s.name: s.metadata["booleans"] for s in settings if "booleans" in s.metadata}
        values = earlier | {
            name: words[name][value] if name in words and isinstance(value, bool) else value
            for name, value in values.items()
        }
        odd = sorted({each.name for each in settings}.symmetric_difference(values))
        if odd:
            raise ConfigError(f"missing or unknown: {', '.join(odd[:3])}")
        fields: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in values.items()
        }
        for name, hint in typing.get_type_hints(cls).items():
            expected = getattr(hint, "__name__", str(hint))
            check(_fits(fields[name], hint), name, f"of type {expected}", fields[name])
        return cls(**fields)


def _fits(value: Any, hint: Any) -> bool:
    """Returns whether a value matches the annotation of a setting."""
    arguments = typing.get_args(hint)
    if typing.get_origin(hint) is tuple:
        return isinstance(value, tuple) and all(_fits(each, arguments[0]) for each in value)
    if typing.get_origin(hint) is types.UnionType:
        return any(_fits(value, each) for each in arguments)
    if hint is float:
        return type(value) in (int, float)
    return type(value) is hint


def first_difference(
    config: Any, other: Any, ignored: Collection[str] = ()
) -> tuple[str, Any, Any] | None:
    """Returns (name, value, other value) of the first setting that differs, or None.

    Args:
        config, other: Settings of one class.
        ignored: Names of settings that may differ.

    >>> @dataclass(frozen=True)
    ... class Example(Settings):
    ...     epochs: int = setting(25, "Number of epochs.")
    >>> first_difference(Example(), Example(epochs=10))
    ('epochs', 25, 10)
    """
    for each in dataclasses.fields(config):
        mine, theirs = getattr(config, each.name), getattr(other, each.name)
        if mine != theirs and each.name not in ignored:
            return each.name, mine, theirs
    return None


def shown(value: Any) -> str:
    """Returns a value as it is typed on the command line.

    >>> shown((5, 11, 17))
    '5,11,17'
    """
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def as_flag(name: str, value: Any) -> str:
    """Returns a setting as the flag that sets it.

    >>> as_flag("layers", (5, 11, 17)), as_flag("flip", False)
    ('--layers=5,11,17', '--noflip')
    """
    if isinstance(value, bool):
        return f"--{name}" if value else f"--no{name}"
    return f"--{name}={shown(value)}"


def check(valid: bool, name: str, expected: str, received: Any) -> None:
    """Raises ConfigError, saying what was expected, unless a setting is valid."""
    if not valid:
        raise ConfigError(f"--{name} must be {expected}. Received: {printable(shown(received))}")


def check_positive(config: Any, *names: str) -> None:
    """Checks that settings are positive and finite."""
    for name in names:
        value = getattr(config, name)
        check(0 < value < math.inf, name, "positive and finite", value)


def check_not_negative(config: Any, *names: str) -> None:
    """Checks that settings are finite and not negative."""
    for name in names:
        value = getattr(config, name)
        check(0 <= value < math.inf, name, "finite and not negative", value)


def check_share(config: Any, *names: str) -> None:
    """Checks that settings are in [0, 1)."""
    for name in names:
        value = getattr(config, name)
        check(0 <= value < 1, name, "in [0, 1)", value)
