"""The text of --help: what a command does, and its flags in groups."""

import textwrap
from collections.abc import Mapping
from typing import Any

from absl import flags

from flags.fields import FormParser, IntegerOrAuto, TupleParser
from flags.flag_groups import grouped
from flags.kinds import PathParser
from pdarts_tf.config.settings import shown

WIDTH = 96
_COLUMN = 30  # where texts begin
_HELP = ("help", "helpshort", "h", "?")
_FORMS: tuple[tuple[type, str], ...] = (
    (PathParser, "PATH"),
    (flags.ListParser, "A,B,…"),
    (IntegerOrAuto, "N|auto"),
    (flags.IntegerParser, "N"),
    (flags.FloatParser, "X"),
)


def asks_for_help(words: list[str]) -> bool:
    """Returns whether a command line asks for this help; absl answers --helpfull.

    >>> asks_for_help(["--seed=1", "--help"]), asks_for_help(["--", "--help"])
    (True, False)
    """
    before = words[: words.index("--")] if "--" in words else words
    return any(word.startswith("-") and word.lstrip("-") in _HELP for word in before)


def without_help(words: list[str]) -> list[str]:
    """Returns the other words of a command line that asks for help."""
    return [word for word in words if word.lstrip("-") not in _HELP]


def help_text(
    about: str,
    flag_values: flags.FlagValues,
    first: tuple[str, ...],
    defaults: Mapping[str, Any],
    note: str | None = None,
) -> str:
    """Returns the text of --help.

    Args:
        about: What the command does.
        flag_values: Flags; those of absl are left out.
        first: Names of the flags that come first.
        defaults: Values of flags, by name, in place of their own defaults.
        note: Sentence on whose the defaults are.
    """
    own = own_flags(flag_values)
    parts = [about.strip()]
    if note is not None:
        parts.append(textwrap.fill(note, WIDTH))
    for title, names in grouped(set(own), first).items():
        entries = [_entry(own[name], defaults.get(name, own[name].default)) for name in names]
        parts.append("\n".join([f"{title}:", *entries]))
    parts.append(
        "--flagfile=PATH reads flags from a file, one a line. --helpfull lists absl's too."
    )
    return "\n\n".join(parts)


def own_flags(flag_values: flags.FlagValues) -> dict[str, flags.Flag[Any]]:
    """Returns the flags that this project defines, by name."""
    modules = flag_values.flags_by_module_dict()
    return {
        flag.name: flag
        for module, defined in modules.items()
        if module.startswith("flags.")
        for flag in defined
    }


def _entry(flag: flags.Flag[Any], default: Any) -> str:
    """Returns the lines of a flag."""
    form = _form(flag)
    text = " ".join(
        str(flag.help).removeprefix(f"<{form}>:").split()
    )  # as absl begins those of enums
    if default not in (None, (), []):
        text = f"{text} (default: {_shown(default)})"
    lines = textwrap.wrap(text, WIDTH - _COLUMN, break_long_words=False, break_on_hyphens=False)
    name = f"  --{flag.name}={form}" if form else f"  --[no]{flag.name}"
    if len(name) > _COLUMN - 2:
        lines = ["", *lines]
    indent = " " * _COLUMN
    first = f"{name:{_COLUMN}}{lines[0]}".rstrip()
    return "\n".join([first, *(indent + each for each in lines[1:])])


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    text = shown(tuple(value) if isinstance(value, list) else value)
    return text if len(text) < WIDTH - _COLUMN else text.replace(",", ", ")  # so that it wraps


def _form(flag: flags.Flag[Any]) -> str:
    """Returns what the values of a flag look like; nothing for booleans."""
    match flag.parser:
        case FormParser(form=form):
            return form
        case flags.EnumParser(enum_values=values):
            return "|".join(values)
        case flags.BooleanParser():
            return ""
        case TupleParser(kind=kind):
            return {"int": "N,N,…", "float": "X,X,…"}.get(kind, "A,B,…")
        case parser:
            return next((form for kind, form in _FORMS if isinstance(parser, kind)), "TEXT")
