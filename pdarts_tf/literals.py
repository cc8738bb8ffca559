"""A reader of values as Python prints them, in text that nobody trusts: nothing is evaluated.

This module depends on the standard library only.
"""

import re
from typing import Any, NamedTuple

from pdarts_tf.errors import quoted

_MAX_DEPTH = 16
_SHOWN = 24  # characters on each side of the place of an error
# No two alternatives can match the same text in different ways, so matching takes linear time.
_TOKEN = re.compile(
    r"""
    (?: \s | \\\r?\n | \#[^\n]* )*
    (?: (?P<name> [A-Za-z_][\w.]*+ )(?!['"])
      | (?P<number> -?\d[\w.]* )
      | [uU]?(?: '(?P<single> [^'\\\n]* )' | "(?P<double> [^"\\\n]* )" )
      | (?P<mark> [()\[\]{},=:] )
    )?
    """,
    re.ASCII | re.VERBOSE,
)
_CONSTANTS = {
    "None": None,
    "null": None,
    "True": True,
    "true": True,
    "False": False,
    "false": False,
}
_INTEGER = re.compile(r"(?:np\.|numpy\.)?u?int(?:8|16|32|64|p|c|_)?|np\.long|numpy\.long", re.ASCII)
_TEXT = re.compile(r"str|(?:np|numpy)\.str_", re.ASCII)
_CLOSING = {"(": ")", "[": "]", "{": "}"}


class LiteralError(ValueError):
    """Raised where a text has no value; the message is one line and shows the place."""


class Arguments(NamedTuple):
    """Arguments of a call, and the position behind it."""

    positional: list[Any]
    named: list[tuple[str, Any]]
    end: int


def place(text: str, position: int) -> str:
    """Returns the few characters around a position of a text.

    >>> place("Genotype(normal=[oops])", 17)
    "after 'Genotype(normal=[': 'oops])'"
    """
    before, after = text[max(position - _SHOWN, 0) : position], text[position : position + _SHOWN]
    shown = quoted(" ".join(after.split())) if after.strip() else "the end"
    return f"after {quoted(' '.join(before.split()))}: {shown}" if before.strip() else shown


def read_value(text: str) -> Any:
    """Returns the value that a whole text shows.

    Strings, integers, floats, None, truth values, lists, tuples and dictionaries are read, as are
    `range`, `list`, `tuple`, and integers and strings as NumPy prints them.

    Raises:
        LiteralError: There is something else.

    Example:

    >>> read_value("[('sep_conv_3x3', np.int64(0)), list(range(2, 6))]  # a comment")
    [('sep_conv_3x3', 0), range(2, 6)]
    """
    reader = _Reader(text, 0)
    value = reader.value(0)
    if reader.token() != ("end", ""):
        raise reader.error("the end")
    return value


def read_arguments(text: str, position: int) -> Arguments:
    """Returns the arguments of the call whose opening bracket is at a position.

    Raises:
        LiteralError: An argument is no value, or the closing bracket is missing.

    Example:

    >>> read_arguments("f(1, a=[2])", 1)
    Arguments(positional=[1], named=[('a', [2])], end=11)
    """
    reader = _Reader(text, position + 1)
    positional: list[Any] = []
    named: list[tuple[str, Any]] = []
    while not reader.takes(")"):
        name = reader.takes_keyword()
        value = reader.value(0)
        if name is not None:
            named.append((name, value))
        elif named:
            raise reader.error("a name before '='")
        else:
            positional.append(value)
        reader.separator(")")
    return Arguments(positional, named, reader.position)


class _Reader:
    """Reads values from a position of a text on."""

    def __init__(self, text: str, position: int) -> None:
        self.text = text
        self.position = position

    def token(self) -> tuple[str, str]:
        """Returns (kind, text) of the next token, without taking it."""
        return self._match()[:2]

    def _match(self) -> tuple[str, str, int]:
        found = _TOKEN.match(self.text, self.position)
        if found is None:  # never: the expression matches nothing too
            raise self.error("a value")
        if found.lastgroup is None:
            if found.end() == len(self.text):
                return "end", "", found.end()
            self.position = found.end()
            return "odd", self.text[found.end()], found.end()
        return found.lastgroup, found[found.lastgroup], found.end()

    def _take(self) -> tuple[str, str]:
        kind, text, end = self._match()
        self.position = end
        return kind, text

    def error(self, expected: str) -> LiteralError:
        """Returns an error at the next token."""
        found = _TOKEN.match(self.text, self.position)
        start = self.position
        if found is not None and found.lastgroup is not None:
            start = found.start(found.lastgroup) - (found.lastgroup in ("single", "double"))
        return LiteralError(f"expected {expected} {place(self.text, start)}")

    def takes(self, mark: str) -> bool:
        """Takes the next token if it is this mark."""
        kind, text, end = self._match()
        if (kind, text) != ("mark", mark):
            return False
        self.position = end
        return True

    def takes_keyword(self) -> str | None:
        """Takes `name =`, and returns the name, if that is next."""
        start = self.position
        kind, text = self._take()
        if kind == "name" and self.takes("="):
            return text
        self.position = start
        return None

    def separator(self, closing: str) -> None:
        """Takes a comma, unless the closing bracket is next."""
        if not self.takes(",") and self.token() != ("mark", closing):
            raise self.error(f"',' or '{closing}'")

    def value(self, depth: int) -> Any:
        """Takes a value."""
        if depth > _MAX_DEPTH:
            raise self.error(f"at most {_MAX_DEPTH} brackets in one another")
        kind, text = self.token()
        if kind in ("single", "double"):
            return self._take()[1]
        if kind == "number":
            return self._number(text)
        if kind == "name":
            return self._named(text, depth)
        if kind == "mark" and text in _CLOSING:
            self._take()
            return self._items(text, depth)
        raise self.error("a value")

    def _number(self, text: str) -> int | float:
        for kind in (int, float):
            try:
                number = kind(text)
            except ValueError:
                continue
            self._take()
            return number
        raise self.error("a number")

    def _named(self, name: str, depth: int) -> Any:
        if name in _CONSTANTS:
            self._take()
            return _CONSTANTS[name]
        start = self.position
        self._take()
        if self.takes("("):
            arguments = self._items("(", depth, call=True)
            if name == "range" and 1 <= len(arguments) <= 3 and _are(arguments, int):
                step = arguments[2] if len(arguments) == 3 else 1
                if step:
                    return range(*arguments)
            if len(arguments) == 1:
                (value,) = arguments
                if name in ("list", "tuple") and isinstance(value, list | tuple | range):
                    return value
                if _INTEGER.fullmatch(name) and _are(arguments, int):
                    return value
                if _TEXT.fullmatch(name) and isinstance(value, str):
                    return value
        self.position = start
        raise self.error("a value")

    def _items(self, opening: str, depth: int, call: bool = False) -> Any:
        closing, items, commas = _CLOSING[opening], [], 0
        while not self.takes(closing):
            item = self.value(depth + 1)
            if opening == "{":
                if not isinstance(item, str | int) or not self.takes(":"):
                    raise self.error("a key and ':'")
                item = item, self.value(depth + 1)
            items.append(item)
            before = self.position
            self.separator(closing)
            commas += self.position != before and self.text[self.position - 1] == ","
        if opening == "{":
            return dict(items)
        if opening == "[" or call:
            return items
        return items[0] if len(items) == 1 and not commas else tuple(items)


def _are(values: list[Any], kind: type) -> bool:
    return all(type(value) is kind for value in values)
