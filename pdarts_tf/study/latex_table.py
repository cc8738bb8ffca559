r"""The tables of a study in LaTeX, with the rules of the package booktabs."""

from pdarts_tf.study.formats import MINUS, MISSING, Number
from pdarts_tf.study.record import Record
from pdarts_tf.study.study_tables import NOTE, Table, study_tables

_HEADER = r"""% Tables of a study, written by pdarts_tf.
% Put \usepackage{booktabs} into the preamble, and \input{table.tex} where the tables shall stand.
"""
_SPECIAL = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "{": r"\{",
        "}": r"\}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        MISSING: "--",
        "±": r"$\pm$",
        **{character: f"\\{character}" for character in "#$%&_"},
    }
)


def study_latex(record: Record) -> str:
    """Returns a float with the tables of a study, one below the other."""
    tables = "\n\n\\medskip\n".join(map(_tabular, study_tables(record)))
    caption = escaped(f"Study on {record.dataset}. {NOTE}")
    return (
        f"{_HEADER}\\begin{{table}}\n\\centering\n\\caption{{{caption}}}\n\\label{{tab:study}}\n"
        f"{tables}\n\\end{{table}}\n"
    )


def escaped(text: str) -> str:
    r"""Returns text as LaTeX prints it, on one line.

    >>> print(escaped("skip_connect 50 %"))
    skip\_connect 50 \%
    """
    return " ".join(text.split()).translate(_SPECIAL)


def _tabular(table: Table) -> str:
    numbers = "r" * (len(table.header) - 1)
    lines = [_row(list(map(escaped, table.header)))]
    rows = [_row([escaped(name), *map(_number, cells)]) for name, cells in table.rows]
    return "\n".join(
        [
            rf"\begin{{tabular}}{{l{numbers}}}",
            r"\toprule",
            rf"\multicolumn{{{len(table.header)}}}{{l}}{{{escaped(table.title)}}} \\",
            r"\midrule",
            *lines,
            r"\midrule",
            *rows,
            r"\bottomrule",
            r"\end{tabular}",
        ]
    )


def _row(cells: list[str]) -> str:
    return " & ".join(cells) + r" \\"


def _number(number: Number) -> str:
    if number.mean == MISSING:
        return "--"
    if " " in number.mean:  # such as "2 of 3"
        return number.mean
    mean = number.mean.replace(MINUS, "-")
    return f"${mean} \\pm {number.half_width}$" if number.half_width else f"${mean}$"
