"""The fields of a genotype: what is valid in them, and the errors that say what is not.

This module depends on the standard library only.
"""

from collections.abc import Mapping
from itertools import islice
from numbers import Integral
from typing import TypeGuard

from pdarts_tf.errors import InputError, quoted
from pdarts_tf.primitives import TABLE

NUM_INPUT_NODES = 2
EDGES_PER_NODE = 2
FIELDS = ("normal", "normal_concat", "reduce", "reduce_concat")
OFFICIAL_NOTATION = "the official notation 'Genotype(normal=[...], normal_concat=range(2, 6), ...)'"


class GenotypeError(InputError):
    """Raised for a genotype that is malformed or cannot be found; the message is one line."""


def error(expected: str, received: object, advice: str) -> GenotypeError:
    """Returns an error whose message, one line, says what was expected, received, and advised."""
    return GenotypeError(f"Expected {expected}. Received: {quoted(received)}. {advice}.")


def one_line(text: str) -> str:
    """Returns a text with its white space, of any length, as single spaces."""
    return " ".join(text.split())


def check_fields(fields: object, expected: str = "") -> Mapping[str, object]:
    """Returns a mapping that has the four fields of a genotype, and no other.

    Args:
        fields: What was read.
        expected: Is said in the error before the names of the fields.

    Raises:
        GenotypeError: It is something else.
    """
    if isinstance(fields, dict) and set(fields) == set(FIELDS):
        return fields
    names = list(fields) if isinstance(fields, dict) else fields
    raise error(f"{expected}the fields {', '.join(FIELDS)}", names, _advice(fields))


def _advice(fields: object) -> str:
    """Returns what to do about other fields, some of which are those of other search spaces."""
    names = (
        {name for name in fields if isinstance(name, str)} if isinstance(fields, dict) else set()
    )
    if names & {"recurrent", "concat", "dag", "ops"} and not names & set(FIELDS):
        return "This is a cell of another search space, which cannot be trained here"
    for cell, other in (("normal", "reduce"), ("reduce", "normal")):
        if cell in names and other not in names:
            return f"This is one cell only: give {other} and {other}_concat too"
    return "Give each of them once and no other"


def validated_edges(field: str, edges: object) -> tuple[tuple[str, int], ...]:
    """Validates the edges of a cell and returns them as a tuple."""
    if not isinstance(edges, list | tuple) or not edges or len(edges) % EDGES_PER_NODE:
        raise error(
            f"{field} to be a list of (operation, input) pairs, two for every node",
            edges,
            _other_edges(edges) or "Give an even number of pairs, at least two",
        )
    return tuple(_validated_edge(field, position, edge) for position, edge in enumerate(edges))


def _other_edges(edges: object) -> str:
    """Returns what edges of other search spaces are; empty if they are none."""
    items = edges if isinstance(edges, list | tuple) else ()
    if any(isinstance(each, list | tuple) and len(each) == 3 for each in items):
        return (
            "Triples, as FairDARTS has them, are a space with any number of edges into a node, "
            "which cannot be trained here"
        )
    return ""


def _validated_edge(field: str, position: int, edge: object) -> tuple[str, int]:
    """Validates one pair (operation, input); its position decides which inputs exist."""
    where = f"{field}[{position}]"
    if not isinstance(edge, list | tuple) or len(edge) != 2:
        advice = _other_edges([edge]) or "Give a name and a number"
        raise error(f"{where} to be a pair (operation, input)", edge, advice)
    operation, source = edge
    if not isinstance(operation, str) or operation not in TABLE:
        raise error(
            f"the operation of {where} to be one of {', '.join(TABLE)}",
            operation,
            "Use one of these, or register it (docs/extending.md); cells of other search spaces "
            "cannot be trained here",
        )
    node = NUM_INPUT_NODES + position // EDGES_PER_NODE
    if not is_integer(source) or not 0 <= source < node:
        raise error(
            f"the input of {where} to be an integer from 0 to {node - 1}",
            source,
            f"An edge into node {node} must start at an earlier node",
        )
    return str(operation), int(source)


def validated_concat(field: str, concat: object, num_nodes: int) -> tuple[int, ...]:
    """Validates the indices of the concatenated nodes and returns them as a tuple."""
    last = NUM_INPUT_NODES + num_nodes - 1
    # One entry more than can be valid is enough to detect too many, even in range(10**30).
    entries = (
        tuple(islice(concat, num_nodes + 1)) if isinstance(concat, list | tuple | range) else ()
    )
    valid = all(is_integer(entry) and NUM_INPUT_NODES <= entry <= last for entry in entries)
    if not entries or not valid or len(set(entries)) != len(entries):
        raise error(
            f"{field} to be a list of distinct integers from {NUM_INPUT_NODES} to {last}",
            concat,
            "Name the intermediate nodes to concatenate, at least one",
        )
    return tuple(int(entry) for entry in entries)


def is_integer(value: object) -> TypeGuard[int]:
    """Returns whether the value is a Python or NumPy integer; booleans are not."""
    return isinstance(value, Integral) and not isinstance(value, bool)
