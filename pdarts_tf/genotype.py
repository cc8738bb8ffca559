"""Genotypes: the result of a search, from which evaluation networks are built.

A cell is written as two edges per intermediate node, in order of the nodes. An edge is a pair
(operation, input): inputs 0 and 1 are the outputs of the two preceding cells, input 2 + n is
intermediate node n. The output of the cell concatenates the nodes in `*_concat`.

This module depends on the standard library only. It trusts no text: the size of the input is
limited, and it is read as JSON or as a syntax tree, never evaluated.

Reference: P-DARTS (arXiv 1904.12760), section 3.1; notation of DARTS (arXiv 1806.09055).
"""

import ast
import json
import os
import re
import reprlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from numbers import Integral
from typing import Any, TypeGuard

from pdarts_tf.errors import InputError
from pdarts_tf.primitives import EVALUATION_PRIMITIVES
from pdarts_tf.primitives import PRIMITIVES as PRIMITIVES
from pdarts_tf.published_cells import PUBLISHED_CELLS

NUM_INPUT_NODES = 2
EDGES_PER_NODE = 2
MAX_TEXT_SIZE = 64 * 1024
"""Limit on texts (in characters) and files (in bytes); real genotypes take less than 1 KiB."""

_FIELDS = ("normal", "normal_concat", "reduce", "reduce_concat")
# No two alternatives can match the same text in different ways, so matching takes linear time.
_OFFICIAL_TOKENS = re.compile(
    r"""(?:[\s\d()\[\],=]|'\w*'|"\w*"|(?:Genotype|(?:normal|reduce)(?:_concat)?|range)\b)*""",
    re.ASCII,
)
_REPR = reprlib.Repr()
_REPR.maxstring = _REPR.maxother = 120


class GenotypeError(InputError):
    """Raised for a genotype that is malformed or cannot be found; the message is one line."""


@dataclass(frozen=True)
class Genotype:
    """A normal and a reduction cell; validated, immutable and hashable.

    Lists, tuples and, for the concatenations, ranges are accepted, and stored as tuples.

    Args:
        normal: Pairs (operation, input), two per intermediate node. Operations are those of
            `EVALUATION_PRIMITIVES`; the input of an edge into node i is one of 0 .. i - 1.
        normal_concat: Distinct indices (2 .. number of nodes + 1) of the nodes in the output.
        reduce: Same as `normal`, for the reduction cell; its number of nodes may differ.
        reduce_concat: Same as `normal_concat`, for the reduction cell.

    Raises:
        GenotypeError: If a field is malformed.

    Example:

    >>> edges = [("sep_conv_3x3", 0), ("skip_connect", 1)]  # into node 2
    >>> genotype = Genotype(edges, [2], edges, [2])
    >>> Genotype.from_json(genotype.to_json()) == genotype
    True
    >>> genotype.num_skip_connects
    1
    """

    normal: Sequence[tuple[str, int]]
    normal_concat: Sequence[int]
    reduce: Sequence[tuple[str, int]]
    reduce_concat: Sequence[int]

    def __post_init__(self) -> None:
        """Validates the fields and stores them as tuples."""
        for cell in ("normal", "reduce"):
            edges = _validated_edges(cell, getattr(self, cell))
            concat = _validated_concat(
                f"{cell}_concat", getattr(self, f"{cell}_concat"), len(edges) // EDGES_PER_NODE
            )
            # The documented way to set a field of a frozen dataclass while it is made.
            object.__setattr__(self, cell, edges)
            object.__setattr__(self, f"{cell}_concat", concat)

    @property
    def num_skip_connects(self) -> int:
        """Number of skip-connects in the normal cell, which P-DARTS (section 3.3) limits to 2."""
        return sum(operation == "skip_connect" for operation, _ in self.normal)

    def __str__(self) -> str:
        """Returns the official notation, as printed in logs and papers; `parse` reads it."""
        return (
            f"Genotype(normal={list(self.normal)}, "
            f"normal_concat={_concat_text(self.normal_concat)}, "
            f"reduce={list(self.reduce)}, "
            f"reduce_concat={_concat_text(self.reduce_concat)})"
        )

    def to_json(self) -> str:
        """Returns the genotype as a JSON object of four lists, one per line."""
        lines = (f'  "{field}": {json.dumps(getattr(self, field))}' for field in _FIELDS)
        return "{\n" + ",\n".join(lines) + "\n}"

    @classmethod
    def from_json(cls, text: str) -> "Genotype":
        """Restores a genotype from the output of `to_json`.

        Raises:
            GenotypeError: If the text is too long, not JSON, or not a valid genotype.
        """
        _check_text(text)
        try:
            fields = json.loads(text)
        except (ValueError, RecursionError) as error:  # RecursionError: deeply nested brackets
            raise _error(
                "a genotype in JSON", text, f"Correct the JSON ({_one_line(str(error))})"
            ) from error
        return _from_fields(fields)

    @classmethod
    def parse(cls, text: str) -> "Genotype":
        """Parses JSON, the official notation, or the name of a published cell.

        Args:
            text: The output of `to_json` or `str`, or a key of `GENOTYPES`.

        Raises:
            GenotypeError: If the text is none of these, or the genotype is not valid.

        Example:

        >>> Genotype.parse("DARTS_V2").normal[0]
        ('sep_conv_3x3', 0)
        """
        _check_text(text)
        text = text.strip()
        if text in GENOTYPES:
            return GENOTYPES[text]
        if text.startswith("{"):
            return cls.from_json(text)
        if text.startswith("Genotype"):
            return _from_fields(_official_fields(text))
        raise _error(
            "a genotype in JSON, 'Genotype(normal=[...], ...)' or a known name",
            text,
            f"Known names: {', '.join(GENOTYPES)}",
        )


def genotypes_json(genotypes: Mapping[str, Genotype]) -> str:
    """Returns several genotypes as one JSON object, keyed by name."""
    objects = (f"{json.dumps(name)}: {each.to_json()}" for name, each in genotypes.items())
    return "{\n" + ",\n".join(objects) + "\n}"


def load_genotype(text_or_path: str | os.PathLike[str]) -> Genotype:
    """Returns the genotype named on a command line.

    Args:
        text_or_path: The name of a published cell, a file that holds a genotype in any notation
            that `Genotype.parse` reads, or the notation itself.

    Raises:
        GenotypeError: If there is neither such a name nor such a file, or the file is too large,
            unreadable or malformed.
    """
    if not isinstance(text_or_path, str | os.PathLike):
        raise _error("a name or a file", text_or_path, "Pass text or a path")
    text = os.fspath(text_or_path)
    if text in GENOTYPES:
        return GENOTYPES[text]
    if os.path.isfile(text):
        return _read_genotype(text)
    if os.path.isdir(text):
        raise _error("a file", text, "This is a directory: pass the genotype.json in it")
    if isinstance(text, str) and text.lstrip().startswith(("{", "Genotype(")):
        return Genotype.parse(text)
    raise _error("a file that exists or a known name", text, f"Known names: {', '.join(GENOTYPES)}")


def _read_genotype(path: str) -> Genotype:
    """Reads and parses a file; holds at most one byte more than the limit in memory."""
    try:
        size = os.stat(path).st_size
        with open(path, "rb") as file:
            content = file.read(MAX_TEXT_SIZE + 1) if size <= MAX_TEXT_SIZE else b""
    except OSError as error:
        raise _error("a readable file", path, f"Check it ({error.strerror})") from error
    if max(size, len(content)) > MAX_TEXT_SIZE:
        raise _error(
            f"a file of at most {MAX_TEXT_SIZE} bytes", path, "This is larger: pass a genotype.json"
        )
    try:
        return Genotype.parse(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise _error("a text file in UTF-8", path, "Pass a genotype.json") from error
    except GenotypeError as error:
        raise GenotypeError(f"{_shown(path)}: {error}") from error


def _official_fields(text: str) -> dict[str | None, Any]:
    """Returns the arguments of the call in the official notation, without evaluating it."""
    expected = "the official notation 'Genotype(normal=[...], normal_concat=range(2, 6), ...)'"
    # Refuses any code before Python's parser sees it, and with it the parser's warnings.
    if not _OFFICIAL_TOKENS.fullmatch(text):
        raise _error(expected, text, "Use only its names, brackets, quotes and numbers")
    try:
        call = ast.parse(text, mode="eval").body
        if not _is_call(call, "Genotype") or call.args:
            raise ValueError("not a single Genotype with named arguments")
        return {keyword.arg: _literal(keyword.value) for keyword in call.keywords}
    except (SyntaxError, TypeError, ValueError, RecursionError, MemoryError) as error:
        # Depending on its version, Python's parser reports too deep a nesting by any of these.
        raise _error(expected, text, f"Correct it ({_one_line(str(error))})") from error


def _literal(node: ast.expr) -> object:
    """Returns the value of a literal or of a `range` of literals."""
    if _is_call(node, "range") and not node.keywords:
        return range(*(ast.literal_eval(argument) for argument in node.args))
    return ast.literal_eval(node)


def _is_call(node: ast.expr, name: str) -> TypeGuard[ast.Call]:
    """Returns whether the node is a call of the function with that name."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name


def _from_fields(fields: Any) -> Genotype:
    """Builds a genotype from a dictionary of its four fields."""
    names = list(fields) if isinstance(fields, dict) else fields
    if not isinstance(fields, dict) or set(fields) != set(_FIELDS):
        raise _error(
            f"the fields {', '.join(_FIELDS)}", names, "Give each of them once and no other"
        )
    return Genotype(**fields)


def _validated_edges(field: str, edges: object) -> tuple[tuple[str, int], ...]:
    """Validates the edges of a cell and returns them as a tuple."""
    if not isinstance(edges, list | tuple) or not edges or len(edges) % EDGES_PER_NODE:
        raise _error(
            f"{field} to be a list of (operation, input) pairs, two for every node",
            edges,
            "Give an even number of pairs, at least two",
        )
    return tuple(_validated_edge(field, position, edge) for position, edge in enumerate(edges))


def _validated_edge(field: str, position: int, edge: object) -> tuple[str, int]:
    """Validates one pair (operation, input); its position decides which inputs exist."""
    where = f"{field}[{position}]"
    if not isinstance(edge, list | tuple) or len(edge) != 2:
        raise _error(f"{where} to be a pair (operation, input)", edge, "Give a name and a number")
    operation, source = edge
    if not isinstance(operation, str) or operation not in EVALUATION_PRIMITIVES:
        raise _error(
            f"the operation of {where} to be one of {', '.join(EVALUATION_PRIMITIVES)}",
            operation,
            "Use one of these",
        )
    node = NUM_INPUT_NODES + position // EDGES_PER_NODE
    if not _is_integer(source) or not 0 <= source < node:
        raise _error(
            f"the input of {where} to be an integer from 0 to {node - 1}",
            source,
            f"An edge into node {node} must start at an earlier node",
        )
    return str(operation), int(source)


def _validated_concat(field: str, concat: object, num_nodes: int) -> tuple[int, ...]:
    """Validates the indices of the concatenated nodes and returns them as a tuple."""
    last = NUM_INPUT_NODES + num_nodes - 1
    # One entry more than can be valid is enough to detect too many, even in range(10**30).
    entries = (
        tuple(islice(concat, num_nodes + 1)) if isinstance(concat, list | tuple | range) else ()
    )
    valid = all(_is_integer(entry) and NUM_INPUT_NODES <= entry <= last for entry in entries)
    if not entries or not valid or len(set(entries)) != len(entries):
        raise _error(
            f"{field} to be a list of distinct integers from {NUM_INPUT_NODES} to {last}",
            concat,
            "Name the intermediate nodes to concatenate, at least one",
        )
    return tuple(int(entry) for entry in entries)


def _is_integer(value: object) -> TypeGuard[int]:
    """Returns whether the value is a Python or NumPy integer; booleans are not."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def _check_text(text: object) -> None:
    """Raises GenotypeError unless the value is a string of acceptable length."""
    if not isinstance(text, str):
        raise _error("text", text, "Decode or read it first")
    if len(text) > MAX_TEXT_SIZE:
        raise _error(
            f"at most {MAX_TEXT_SIZE} characters", text, f"These are {len(text)}: shorten them"
        )


def _concat_text(concat: Sequence[int]) -> str:
    """Returns a concatenation in the official notation: a range if it is one, else a list."""
    consecutive = range(concat[0], concat[-1] + 1)
    return str(consecutive if concat == tuple(consecutive) else list(concat))


def _error(expected: str, received: object, advice: str) -> GenotypeError:
    """Returns an error whose message, one line, says what was expected, received, and advised."""
    return GenotypeError(f"Expected {expected}. Received: {_shown(received)}. {advice}.")


def _shown(value: object) -> str:
    """Returns the value's representation, shortened to one line."""
    try:
        return _one_line(_REPR.repr(value))
    except ValueError:  # an integer with more digits than Python prints
        return f"a huge {type(value).__name__}"


def _one_line(text: str) -> str:
    return " ".join(text.split())


GENOTYPES: dict[str, Genotype] = {name: Genotype(*cells) for name, cells in PUBLISHED_CELLS.items()}
"""Published genotypes by name."""
