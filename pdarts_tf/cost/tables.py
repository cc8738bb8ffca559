"""Tables as text."""

from collections.abc import Iterable, Sequence


def table(header: Sequence[object], rows: Iterable[Sequence[object]]) -> str:
    """Returns rows of values below their header, in columns aligned to the right.

    >>> print(table(("stage", "cells"), [(1, 5), (2, 11)]))
    stage  cells
        1      5
        2     11

    Raises:
        ValueError: A row is not as long as the header.
    """
    lines = [[str(value) for value in row] for row in (header, *rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(value.rjust(width) for value, width in zip(line, widths, strict=True))
        for line in lines
    )
