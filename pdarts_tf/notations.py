"""Notations of genotypes: the fields that texts of many sources stand for.

Every notation means the same as the official one, 'Genotype(normal=[...], normal_concat=..., ...)':
two edges per node, and operations of the same names or with known counterparts. docs/genotypes.md
has an example of each. Texts are parsed, never evaluated; values are validated by `cell_fields`.

This module depends on the standard library only.
"""

import json
import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple

from pdarts_tf.cell_fields import FIELDS, OFFICIAL_NOTATION, GenotypeError, check_fields, error
from pdarts_tf.errors import quoted
from pdarts_tf.interchange import fields_of_nni, fields_of_pairs
from pdarts_tf.literals import LiteralError, place, read_arguments, read_value

MAX_TEXT_SIZE = 64 * 1024
"""Limit on texts (in characters) and files (in bytes); real genotypes take less than 1 KiB."""

_MAX_CALLS = 1000
_MAX_SHOWN = 12  # names in an error
_SHOWN = 40  # characters in an error
_CALL = re.compile(r"(?<!class )\bGenotype\s*\(", re.ASCII)
_NAME_BEFORE = re.compile(
    r"(?:^|[\s{,])['\"]?([\w=.-]+?)['\"]?\s*(?:(?::\s*[\w.]+\s*)?=|:)\s*(?:[\w.]+\.)?$", re.ASCII
)
_ALIAS = re.compile(r"^[ \t]*(\w+)[ \t]*=[ \t]*(\w+)[ \t]*(?:#.*)?;?\r?$", re.ASCII | re.MULTILINE)
_AFTER = re.compile(r"[ \t\r;,.'\"`)\]}]*(?:#[^\n]*)?(?:\n|$)", re.ASCII)
_NAS_BENCH_201 = re.compile(r"\|\w+~\d\|", re.ASCII)
# What word processors, web pages and terminals make of quotes and spaces.
_TYPOGRAPHY = (
    dict.fromkeys(map(ord, "\u2018\u2019\u201a\u201b\u2032\u00b4`"), "'")
    | dict.fromkeys(map(ord, "\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb"), '"')
    | dict.fromkeys([0xA0, 0x202F, 0x205F, 0x3000, *range(0x2000, 0x200B)], " ")
    | dict.fromkeys([0xAD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF], "")
)


class _Found(NamedTuple):
    """A genotype in a text: its name, if it has one, and its fields or what is wrong."""

    name: str | None
    fields: Mapping[str, Any] | GenotypeError


def check_text(text: object) -> str:
    """Returns a text if it is one, and of acceptable length."""
    if not isinstance(text, str):
        raise error("text", text, "Decode or read it first")
    if len(text) > MAX_TEXT_SIZE:
        raise error(
            f"at most {MAX_TEXT_SIZE} characters", text, f"These are {len(text)}: shorten them"
        )
    return text


def read_fields(text: str, name: str | None, known: str) -> Mapping[str, Any]:
    """Returns the four fields of the genotype in a text.

    Args:
        text: In any notation.
        name: Which one, if the text has several.
        known: Advice for a text that is in none.

    Raises:
        GenotypeError: There is none, another one, or several different ones and none is named.
    """
    text = check_text(text).translate(_TYPOGRAPHY).strip()
    if text.startswith("{"):
        return _of_object(_object(text), name)
    if _CALL.search(text):
        return _one(list(_calls(text)), name, dict(_ALIAS.findall(text)))
    if name is not None:
        raise error(f"a genotype called {quoted(name)}", text[:_SHOWN], "Leave the name out")
    if text.startswith("Genotype"):
        raise error(OFFICIAL_NOTATION, text, "Use only its names, brackets, quotes and numbers")
    if _NAS_BENCH_201.search(text):
        raise error(
            "a genotype of DARTS' search space",
            text,
            "This is a cell of NAS-Bench-201, another space, which cannot be trained here",
        )
    if text.startswith(("(", "[")):
        fields = _of_sequence(text)
        if fields is not None:
            return fields
    raise error("a genotype in JSON, 'Genotype(normal=[...], ...)' or a known name", text, known)


def json_fields(text: str) -> Mapping[str, Any]:
    """Returns the fields in the output of `Genotype.to_json`."""
    return check_fields(_json(check_text(text)))


def json_objects(text: str) -> dict[str, Mapping[str, Any]]:
    """Returns {name: fields} of the genotypes in the output of `genotypes_json`."""
    content = _json(check_text(text))
    if not isinstance(content, dict) or not content:
        raise error("genotypes in a JSON object", text, "Pass the genotypes.json of a search")
    return {name: check_fields(each) for name, each in content.items()}


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as failed:
        advice = f"Correct the JSON ({failed.msg}, {place(text, failed.pos)})"
        raise error("a genotype in JSON", text[max(failed.pos - 24, 0) :], advice) from failed
    except (ValueError, RecursionError) as failed:  # a huge number, or deeply nested brackets
        advice = f"Correct the JSON ({' '.join(str(failed).split())})"
        raise error("a genotype in JSON", text, advice) from failed


def _object(text: str) -> Any:
    """Returns an object in JSON, or a dictionary as Python prints it."""
    try:
        return _json(text)
    except GenotypeError:
        if "'" not in text:
            raise
    try:
        return read_value(text)
    except LiteralError as failed:
        advice = "Use only names of fields, brackets, quotes and numbers"
        raise GenotypeError(
            f"Expected a genotype in JSON or a dictionary: {failed}. {advice}."
        ) from failed


def _of_object(content: Any, name: str | None) -> Mapping[str, Any]:
    """Returns the fields in an object: a genotype, NNI's architecture, or genotypes by name."""
    nni = fields_of_nni(content)
    if nni is not None or set(content) & {*FIELDS, "recurrent", "dag"}:
        if name is not None:
            raise error(f"a genotype called {quoted(name)}", "one without a name", "Leave it out")
        return nni if nni is not None else flattened(check_fields(content))
    inner = [key for key, each in content.items() if _may_be_genotype(each)]
    if not inner or len(inner) < len(content):
        return check_fields(content)  # which it is not
    return _one([_named(key, content[key]) for key in inner], name, {})


def _may_be_genotype(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, str) and bool(_CALL.search(value)))


def _named(name: Any, value: Any) -> _Found:
    try:
        if isinstance(value, str):
            return _Found(str(name), read_fields(value, None, ""))
        nni = fields_of_nni(value)
        return _Found(str(name), flattened(check_fields(value)) if nni is None else nni)
    except GenotypeError as failed:
        return _Found(str(name), failed)


def _calls(text: str) -> Iterator[_Found]:
    """Yields all genotypes in the official notation in a text, such as a log or a genotypes.py."""
    calls = list(islice(_CALL.finditer(text), _MAX_CALLS))
    for call, after in zip(calls, [*calls[1:], None], strict=True):
        found = _NAME_BEFORE.search(text[max(call.start() - 80, 0) : call.start()])
        name = None if found is None else found[1]
        try:
            arguments = read_arguments(text, call.end() - 1)
            if not _AFTER.match(text, arguments.end) and not (
                after is not None and "\n" not in text[arguments.end : after.start()]
            ):
                raise LiteralError(f"expected the end of the line {place(text, arguments.end)}")
            fields = _of_arguments(arguments.positional, arguments.named)
            yield _Found(name, flattened(fields))
        except LiteralError as failed:
            advice = "Use only its names, brackets, quotes and numbers"
            yield _Found(name, GenotypeError(f"Expected {OFFICIAL_NOTATION}: {failed}. {advice}."))
        except GenotypeError as failed:
            yield _Found(name, failed)


def _of_arguments(positional: list[Any], named: list[tuple[str, Any]]) -> Mapping[str, Any]:
    """Returns the fields that arguments of the official notation stand for."""
    pairs = [*zip((*FIELDS, "connectN", "connects"), positional, strict=False), *named]
    # GDAS has two fields more, which are None wherever they are not another search space.
    given = [(key, value) for key, value in pairs if (key, value) not in _EMPTY]
    fields = dict(given)
    expected = "the official notation 'Genotype(normal=[...], ...)' with "
    if len(fields) < len(given):
        raise error(f"{expected}the fields {', '.join(FIELDS)}", [key for key, _ in given],
                    "Give each of them once and no other")  # fmt: skip
    return check_fields(fields, expected)


_EMPTY = (("connectN", None), ("connects", None))


def _one(found: list[_Found], name: str | None, aliases: dict[str, str]) -> Mapping[str, Any]:
    """Returns the fields of the genotype of a name, or of the only one."""
    if name is not None:
        found = _called(found, name, aliases)
    first, *others = (each.fields for each in found)
    nameless = all(each.name is None for each in found)  # one inside another, for example
    if isinstance(first, GenotypeError):
        if nameless or not others:
            raise first
    elif all(_plain(each) == _plain(first) for each in others):
        return first
    raise GenotypeError(
        "Expected one genotype, or FILE:NAME for one of several. Received: "
        f"[{_names(found)}]. Name or keep one of them."
    )


def _called(found: list[_Found], name: str, aliases: dict[str, str]) -> list[_Found]:
    """Returns the genotypes of a name, if there are none the same in another case."""
    names = {each.name for each in found}
    wanted = name
    for _ in aliases:  # at most as many steps, should they lead in a circle
        if wanted in names:
            break
        wanted = aliases.get(wanted, wanted)
    for fold in (str, str.casefold):
        if chosen := [each for each in found if fold(each.name or "") == fold(wanted)]:
            return chosen
    raise error(f"one of the genotypes {_names(found)}", name, "Use one of these names")


def _names(found: list[_Found]) -> str:
    names = [quoted(each.name or "(no name)") for each in found]
    return ", ".join(names if len(names) <= _MAX_SHOWN else [*names[:_MAX_SHOWN], "..."])


def _plain(value: Any) -> Any:
    """Returns a value in which lists, tuples and ranges of the same items are equal."""
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple | range):
        return [_plain(each) for each in islice(value, MAX_TEXT_SIZE)]
    return value


def flattened(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """Returns fields whose edges are in one list, where they are in one list per node.

    >>> flattened({"normal": [[("skip_connect", 0), ("skip_connect", 1)]]})
    {'normal': [('skip_connect', 0), ('skip_connect', 1)]}
    """
    return {name: _flat(value) if name in ("normal", "reduce") else value
            for name, value in fields.items()}  # fmt: skip


def _flat(edges: Any) -> Any:
    nodes = edges if isinstance(edges, list | tuple) else ()
    if not nodes or not all(_is_node(each) for each in nodes):
        return edges
    if any(len(node) != 2 for node in nodes):
        raise error("two edges into every node", edges, "Cells with others cannot be trained here")
    return [edge for node in nodes for edge in node]


def _is_node(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(e, list | tuple) for e in value)


def _of_sequence(text: str) -> Mapping[str, Any] | None:
    """Returns the fields of a tuple: NASLib's pairs, or the four fields in order."""
    try:
        value = read_value(text.rstrip("; \t\r\n"))
    except LiteralError:
        return None
    if not isinstance(value, list | tuple):
        return None
    if len(value) == len(FIELDS):
        return flattened(dict(zip(FIELDS, value, strict=True)))
    return fields_of_pairs(value)
