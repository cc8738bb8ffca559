"""Tables of plain text."""

from collections.abc import Iterable, Sequence


def table(header: Sequence[object], rows: Iterable[Sequence[object]]) -> str:
    """Returns rows of values below their header, in columns aligned to the right.

    >>> print(table(["cells", "MACs"], [[5, "1,000"], [11, "20"]]))
    cells   MACs
        5  1,000
       11     20
    """
    lines = [[str(value) for value in row] for row in (header, *rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(value.rjust(width) for value, width in zip(line, widths, strict=True))
        for line in lines
    )
