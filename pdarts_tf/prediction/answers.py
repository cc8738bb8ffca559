"""Answers about images, as a table, as JSON and as CSV."""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass

from pdarts_tf.errors import printable

_SHOWN = 3  # classes of a row of the table


@dataclass(frozen=True)
class Answer:
    """What a classifier says about an image.

    Args:
        image: Path of the image.
        probabilities: Probability of every class; empty if there is no answer.
        problem: Why there is none.
    """

    image: str
    probabilities: Sequence[float] = ()
    problem: str = ""

    def ranked(self, class_names: Sequence[str]) -> list[tuple[str, float]]:
        """Returns classes and probabilities, the most probable first."""
        pairs = zip(class_names, self.probabilities, strict=True)
        return sorted(pairs, key=lambda pair: -pair[1])


def as_text(answers: Sequence[Answer], class_names: Sequence[str], form: str) -> str:
    """Returns answers as text.

    The table has the three most probable classes; JSON and CSV the probabilities of all.

    Args:
        answers: The answers, in order.
        class_names: Names of the classes.
        form: "table", "json" or "csv".

    Example:

    >>> print(as_text([Answer("a.png", [0.25, 0.75])], ["cat", "dog"], "table"))
    a.png  dog 0.7500  cat 0.2500
    """
    return {"table": _table, "json": _json, "csv": _csv}[form](answers, class_names)


def _table(answers: Sequence[Answer], class_names: Sequence[str]) -> str:
    rows = []
    for answer in answers:
        cells = [printable(answer.image)]
        if answer.problem:
            rows.append([*cells, f"no answer: {printable(answer.problem)}"])
            continue
        best = answer.ranked(class_names)[:_SHOWN]
        rows.append([*cells, *(f"{printable(name)} {share:.4f}" for name, share in best)])
    answered = [row for row, answer in zip(rows, answers, strict=True) if not answer.problem]
    widths = [max(len(row[0]) for row in rows)]
    widths += [max(map(len, column)) for column in list(zip(*answered, strict=True))[1:]]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False)).rstrip()
        if len(row) > 2
        else f"{row[0].ljust(widths[0])}  {row[1]}"
        for row in rows
    )


def _json(answers: Sequence[Answer], class_names: Sequence[str]) -> str:
    return json.dumps([_record(answer, class_names) for answer in answers], indent=2)


def _record(answer: Answer, class_names: Sequence[str]) -> dict[str, object]:
    if answer.problem:
        return {"image": answer.image, "error": answer.problem}
    name, probability = answer.ranked(class_names)[0]
    return {
        "image": answer.image,
        "class": name,
        "probability": probability,
        "probabilities": dict(zip(class_names, answer.probabilities, strict=True)),
    }


def _csv(answers: Sequence[Answer], class_names: Sequence[str]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["image", "class", "probability", *class_names, "error"])
    for answer in answers:
        if answer.problem:
            writer.writerow([answer.image, "", "", *[""] * len(class_names), answer.problem])
            continue
        name, probability = answer.ranked(class_names)[0]
        writer.writerow([answer.image, name, probability, *answer.probabilities, ""])
    return text.getvalue().rstrip("\n")
