"""Kinds of flags that several commands have: paths, and numbers that are finite."""

import math
import os
import unicodedata
from typing import Any

from absl import flags

from pdarts_tf.errors import InputError, quoted

# Control characters, and surrogates, which is what is left of a name that is no UTF-8.
_NOT_IN_PATHS = ("Cc", "Cs")


class PathParser(flags.ArgumentParser):
    """Parses a path, in which "~" stands for a home directory, as in a shell."""

    syntactic_help = "a path"

    def parse(self, argument: Any) -> str:
        """Returns the path with its home directory; see `expanded_path`."""
        return expanded_path(argument)


def expanded_path(path: str) -> str:
    """Returns a path with the home directory that "~" stands for.

    A shell expands "~" at the start of a word only, and not in `--output_dir=~/run`.

    Args:
        path: The path.

    Raises:
        InputError: There is no such home directory, or files of a run could not name the path.

    >>> expanded_path("runs/a b")
    'runs/a b'
    """
    if any(unicodedata.category(each) in _NOT_IN_PATHS for each in path):
        raise InputError(f"expected a path in UTF-8 without control characters: {quoted(path)}")
    expanded = os.path.expanduser(path)
    if expanded.startswith("~"):
        raise InputError(f"there is no such home directory: {path}; write ./~ for a name with ~")
    return expanded


def define_path(name: str, text: str, **where: Any) -> "flags.FlagHolder[str | None]":
    """Defines a flag whose value is a path, by default none.

    Args:
        name: Name of the flag.
        text: Its help text.
        **where: Arguments of absl's functions that define flags.
    """
    holder: flags.FlagHolder[str | None] = flags.DEFINE(
        PathParser(), name, None, text, serializer=flags.ArgumentSerializer(), **where
    )
    return holder


def define_finite(
    name: str, default: float | None, text: str, *, least: float = 0.0, **where: Any
) -> "flags.FlagHolder[float]":
    """Defines a flag whose value is a finite number, or none if that is the default.

    Args:
        name: Name of the flag.
        default: Its default value.
        text: Its help text.
        least: The smallest number allowed.
        **where: Arguments of absl's functions that define flags.
    """
    holder: flags.FlagHolder[float] = flags.DEFINE_float(
        name, default, text, lower_bound=least, **where
    )
    flags.register_validator(
        holder,
        lambda value: value is None or math.isfinite(value),
        "expected a finite number",
        where.get("flag_values", flags.FLAGS),
    )
    return holder


def define_max_skip_connects(**where: Any) -> "flags.FlagHolder[int | None]":
    """Defines the flag that chooses among the results of a search.

    Args:
        **where: Arguments of absl's functions that define flags.
    """
    return flags.DEFINE_integer(
        "max_skip_connects",
        None,
        "With the run directory of a search as --genotype: its result with at most so many "
        "skip-connects.",
        lower_bound=0,
        **where,
    )
