"""Flagfiles: flags of a command line, one a line, as `--flagfile` names them.

They are read here instead of by absl: by the encoding that the file has, not that of the system,
with a limit on their size, and once, since a pipe as in `--flagfile=<(…)` can be read only once.
"""

import codecs
import os
import re
from collections.abc import Iterator, Sequence

from pdarts_tf.errors import InputError, quoted

MAX_SIZE = 2**20
"""Limit on a flagfile, in bytes."""

_NAMES = ("--flagfile", "-flagfile")
_COMMENTS = ("#", "//")
_LINE_END = re.compile(r"\r\n|\r|\n")
_BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


class FlagfileError(InputError):
    """Raised for a flagfile that cannot be read; the message names it."""


def expanded(words: Sequence[str]) -> list[str]:
    """Returns words of a command line with those of flagfiles in place of `--flagfile`.

    Flagfiles have a word a line, with blank lines and comments (`#`, `//`), and may name others.

    Args:
        words: Words of a command line. What follows "--" is left as it is.

    Raises:
        FlagfileError: A flagfile cannot be read, is no text in UTF-8 or UTF-16, is larger than
            `MAX_SIZE`, or names itself.

    >>> expanded(["--seed=1", "--", "--flagfile=F"])
    ['--seed=1', '--', '--flagfile=F']
    """
    return list(_expanded(words, ()))


def _expanded(words: Sequence[str], within: tuple[str, ...]) -> Iterator[str]:
    rest = iter(words)
    for word in rest:
        name, equals, path = word.partition("=")
        if word == "--":
            yield from (word, *rest)
        elif name not in _NAMES:
            yield word
        else:
            if not equals and (path := next(rest, "")) == "":
                raise FlagfileError("--flagfile must name a file, such as --flagfile=my.flags")
            if path:
                yield from _expanded_file(os.path.expanduser(path), within)


def _expanded_file(path: str, within: tuple[str, ...]) -> Iterator[str]:
    own = os.path.abspath(path)
    if own in within:
        raise FlagfileError(f"flagfile {quoted(path)} names itself; take that line out")
    lines = [line.strip() for line in _LINE_END.split(_text(path))]
    words = [line for line in lines if line and not line.startswith(_COMMENTS)]
    yield from _expanded(words, (*within, own))


def _text(path: str) -> str:
    try:
        with open(path, "rb") as file:
            content = file.read(MAX_SIZE + 1)
    except (OSError, ValueError) as error:  # ValueError: a null character in the path
        reason = getattr(error, "strerror", None) or error
        raise FlagfileError(f"Unable to open flagfile {quoted(path)} ({reason})") from error
    if len(content) > MAX_SIZE:
        raise FlagfileError(
            f"flagfile {quoted(path)} must have at most {MAX_SIZE:,} bytes; name a file of flags"
        )
    marks = (mark for mark in _BYTE_ORDER_MARKS if content.startswith(mark))
    try:
        text = content.decode(_BYTE_ORDER_MARKS.get(next(marks, b""), "utf-8"))
    except UnicodeDecodeError as error:
        raise _no_text(path) from error
    if "\0" in text:
        raise _no_text(path)
    return text


def _no_text(path: str) -> FlagfileError:
    return FlagfileError(
        f"flagfile {quoted(path)} must be text in UTF-8, a flag such as --seed=1 a line; save it "
        "so, or name another file"
    )
