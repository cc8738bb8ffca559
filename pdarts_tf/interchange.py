"""Architectures of NNI and NASLib as fields of a genotype.

This module depends on the standard library only.

Reference: NNI's DARTS example and its model space hub; NASLib's compact representation of DARTS.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pdarts_tf.cell_fields import error, is_integer

OPERATIONS = (
    "max_pool_3x3",
    "avg_pool_3x3",
    "skip_connect",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "dil_conv_3x3",
    "dil_conv_5x5",
)
"""Operations in the order in which both projects number them: `PRIMITIVES` without `none`."""

_NNI_NAMES = {name.replace("_3x3", "").replace("_", ""): name for name in OPERATIONS[:2]} | {
    name.replace("_", ""): name for name in OPERATIONS[2:]
}
_CELLS = ("normal", "reduce")
_NNI_KEY = re.compile(r"(normal|reduce)_n([0-9]{1,2})_(?:p([0-9]{1,2})|switch)")
_HUB_KEY = re.compile(r"(normal|reduce)/(op|input)_([0-9]{1,2})_([01])")


def fields_of_nni(content: Any) -> dict[str, Any] | None:
    """Returns the fields of an architecture that NNI exported, or None if it is none.

    Two forms are read: an operation per edge and a switch per node ("normal_n2_p0",
    "normal_n2_switch"), in which operations are names, numbers or truth values; and an operation
    and an input per edge ("normal/op_2_0", "normal/input_2_0").

    Args:
        content: Any value.

    Raises:
        GenotypeError: It is one, but incomplete or contradictory.

    Example:

    >>> cell = {"normal/op_2_0": "skip_connect", "normal/input_2_0": 0,
    ...         "normal/op_2_1": "max_pool_3x3", "normal/input_2_1": [1]}
    >>> both = cell | {key.replace("normal", "reduce"): each for key, each in cell.items()}
    >>> fields_of_nni(both)["reduce"]
    [('skip_connect', 0), ('max_pool_3x3', 1)]
    """
    if not isinstance(content, Mapping):
        return None
    keys = [key for key in content if isinstance(key, str)]
    for pattern, cell_of in ((_NNI_KEY, _cell), (_HUB_KEY, _hub_cell)):
        if any(pattern.fullmatch(key) for key in keys):
            if odd := [key for key in content if key not in keys or not pattern.fullmatch(key)]:
                raise error("only keys of NNI's cells", odd[0], "Leave it out")
            return _fields(*(cell_of(content, cell) for cell in _CELLS))
    return None


def fields_of_pairs(value: Sequence[Any]) -> dict[str, Any] | None:
    """Returns the fields of NASLib's tuple, or None if it is none.

    >>> fields_of_pairs((((0, 2), (1, 0)), ((0, 3), (1, 3))))["normal"]
    [('skip_connect', 0), ('max_pool_3x3', 1)]

    Args:
        value: (pairs of the normal cell, pairs of the reduction cell), a pair being an input and
            the number of an operation.

    Raises:
        GenotypeError: An operation has no such number.
    """
    if len(value) != len(_CELLS) or not all(isinstance(cell, list | tuple) for cell in value):
        return None
    pairs = [pair for cell in value for pair in cell]
    if not pairs or not all(_is_pair(pair) for pair in pairs):
        return None
    for _, number in pairs:
        if not 0 <= number < len(OPERATIONS):
            raise error(
                f"operations from 0 ({OPERATIONS[0]}) to 6 ({OPERATIONS[-1]}), as NASLib has them",
                number,
                "BANANAS numbers them otherwise, from none on: write their names",
            )
    normal, reduce = ([(OPERATIONS[number], source) for source, number in cell] for cell in value)
    return _fields(normal, reduce)


def _is_pair(value: Any) -> bool:
    return isinstance(value, list | tuple) and len(value) == 2 and all(map(is_integer, value))


def _fields(normal: list[Any], reduce: list[Any]) -> dict[str, Any]:
    return {
        "normal": normal,
        "normal_concat": range(2, 2 + len(normal) // 2),
        "reduce": reduce,
        "reduce_concat": range(2, 2 + len(reduce) // 2),
    }


def _nodes(numbers: set[int], cell: str) -> range:
    """Returns the nodes of a cell, which have to be all from 2 on."""
    nodes = range(2, 2 + len(numbers))
    if not numbers or numbers != set(nodes):
        raise error(f"nodes of the {cell} cell from 2 on", sorted(numbers), "Give all of them")
    return nodes


def _cell(content: Mapping[str, Any], cell: str) -> list[tuple[Any, int]]:
    """Returns the edges of a cell in the form with switches."""
    found = [match for match in map(_NNI_KEY.fullmatch, content) if match and match[1] == cell]
    edges = []
    for node in _nodes({int(match[2]) for match in found}, cell):
        chosen = _switched(content.get(f"{cell}_n{node}_switch"), cell, node)
        if len(set(chosen)) != 2:
            raise error(
                f"two inputs in {cell}_n{node}_switch",
                chosen,
                "Cells with others cannot be trained",
            )
        for source in sorted(chosen):
            key = f"{cell}_n{node}_p{source}"
            edges.append((_nni_operation(key, content.get(key)), source))
    return edges


def _switched(value: Any, cell: str, node: int) -> list[int]:
    """Returns the inputs that a switch lets through: named, numbered, or marked by truth values."""
    names = [f"{cell}_n{node}_p{source}" for source in range(node)]
    if isinstance(value, list) and all(type(each) is bool for each in value):
        return [source for source, on in enumerate(value) if on]
    if isinstance(value, list) and all(type(each) is int for each in value):
        return [source for source in value if 0 <= source < node]
    if isinstance(value, list) and all(isinstance(each, str) and each in names for each in value):
        return [names.index(each) for each in value]
    raise error(f"{cell}_n{node}_switch to name two of {', '.join(names)}", value, "Give it")


def _nni_operation(key: str, value: Any) -> Any:
    if isinstance(value, list) and value and all(type(each) is bool for each in value):
        value = value.index(True) if value.count(True) == 1 else None
    if type(value) is int and 0 <= value < len(OPERATIONS):
        return OPERATIONS[value]
    if isinstance(value, str) and value in (*_NNI_NAMES, *OPERATIONS, "none"):
        return _NNI_NAMES.get(value, value)
    raise error(f"{key} to be one of {', '.join(_NNI_NAMES)}", value, "Use one of these")


def _hub_cell(content: Mapping[str, Any], cell: str) -> list[tuple[Any, Any]]:
    """Returns the edges of a cell in the form of the model space hub."""
    found = [match for match in map(_HUB_KEY.fullmatch, content) if match and match[1] == cell]
    edges = []
    for node in _nodes({int(match[3]) for match in found}, cell):
        for edge in (0, 1):
            values = [content.get(f"{cell}/{part}_{node}_{edge}") for part in ("op", "input")]
            if None in values:
                raise error(f"{cell}/op_{node}_{edge} and its input", values, "Give both")
            operation, source = values
            if isinstance(source, list) and len(source) == 1:
                (source,) = source
            edges.append((operation, source))
    return edges
