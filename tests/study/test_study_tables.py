"""The tables of a study: numbers, units and rounding, as text, LaTeX and CSV."""

import csv
import dataclasses
import io
import re

import pytest

from pdarts_tf.genotype import Genotype
from pdarts_tf.study.csv_tables import methods_csv, results_csv
from pdarts_tf.study.formats import (
    MINUS,
    MISSING,
    PERCENT,
    POINTS,
    Format,
    Number,
    format_costs,
    format_shares,
)
from pdarts_tf.study.latex_table import escaped, study_latex
from pdarts_tf.study.measures import MACS, PARAMETERS, SEARCH_SECONDS, SKIP_CONNECTS
from pdarts_tf.study.study_tables import (
    accuracy_table,
    cost_table,
    difference_table,
    tau_text,
)
from pdarts_tf.study.summary import Summary, rank_correlations, summarize
from pdarts_tf.study.text_table import study_text
from tests.study_records import EMPTY, FINISHED, IN_PROGRESS, METHODS, renamed

ONE_SEED = dataclasses.replace(
    FINISHED, seeds=(0,), results=[each for each in FINISHED.results if each.seed == 0]
)
ALL = [FINISHED, IN_PROGRESS, ONE_SEED, EMPTY]


def cells(table):
    return {name: [str(number) for number in numbers] for name, numbers in table.rows}


def test_accuracies_are_in_percent_with_their_interval_and_deviation():
    table = accuracy_table(FINISHED)
    assert table.header[2:4] == ("validation accuracy (%)", "sd")
    assert cells(table)["pdarts"] == ["3", "94.0 ± 2.5", "1.0", "91.5 ± 2.5", "1.0"]


def test_seeds_that_are_missing_are_said():
    assert cells(accuracy_table(IN_PROGRESS))["random"][0] == "2 of 3"
    assert cells(accuracy_table(EMPTY))["random"] == ["0 of 3", *[MISSING] * 4]


def test_one_seed_has_no_interval():
    assert cells(accuracy_table(ONE_SEED))["pdarts"] == ["1", "93.0", MISSING, "90.5", MISSING]


def test_differences_are_in_points_and_signed():
    table = difference_table(FINISHED)
    assert table.title.startswith("Difference to pdarts")
    assert list(cells(table)) == ["pdarts@stage1", "random"]
    assert cells(table)["pdarts@stage1"] == [
        "3",
        "\N{MINUS SIGN}2.5 ± 1.2",
        "\N{MINUS SIGN}2.5 ± 5.0",
    ]
    assert cells(difference_table(IN_PROGRESS))["random"][0] == "2"


def test_costs_have_units_that_suit_them():
    table = cost_table(FINISHED)
    assert table.header[1:] == (
        "skip-connects", "parameters (k)", "MACs (M)", "search time (min)",
    )  # fmt: skip
    assert cells(table)["pdarts"][1:] == ["42.3 ± 2.8", "2.40 ± 0.13", "6.8 ± 0.4"]


@pytest.mark.parametrize(
    ("measure", "mean", "unit", "text"),
    [
        (PARAMETERS, 999.0, "", "999"),
        (PARAMETERS, 41_234.0, "k", "41.2"),
        (PARAMETERS, 3_433_798.0, "M", "3.43"),
        (MACS, 542_800_000.0, "M", "543"),
        (SKIP_CONNECTS, 2.3333, "", "2.3"),
        (SEARCH_SECONDS, 90.0, "s", "90.0"),
        (SEARCH_SECONDS, 400.0, "min", "6.7"),
        (SEARCH_SECONDS, 90_000.0, "h", "25.0"),
        (SEARCH_SECONDS, 0.0, "s", "0.0"),
    ],
)
def test_units_of_costs(measure, mean, unit, text):
    shown = format_costs(measure, [Summary(1, mean, None, None), None])
    assert (shown.unit.name, shown.number(mean)) == (unit, text)


def test_a_narrow_interval_has_two_decimals():
    shown = format_shares(PERCENT, [Summary(3, 0.963, 0.0002, 0.0004), None])
    assert shown.mean(summarize([0.9628, 0.963, 0.9632])) == Number("96.30", "0.05")
    assert format_shares(PERCENT, [Summary(3, 0.5, 0.0, 0.0)]).decimals == 1


def test_there_is_no_minus_zero():
    assert Format(POINTS, 1, signed=True).number(-0.0000001) == "+0.0"


def test_tau_is_told_in_words():
    supernet, probability = rank_correlations(FINISHED)
    assert tau_text(supernet) == f"{MINUS}0.41 (p = 0.25, 6 results)"
    assert tau_text(probability) == "0.87 (p = 0.017, 6 results)"
    assert tau_text(rank_correlations(EMPTY)[0]) == "not defined (0 results)"


def test_the_text_is_aligned_and_fits_a_terminal():
    text = study_text(FINISHED)
    assert text.startswith("Study on digits: 9 of 9 results\n")
    rows = re.findall(r"^  (?:pdarts|random).*±.*$", text, re.MULTILINE)
    assert max(len(line) for line in text.splitlines() if "Genotype(" not in line) <= 100
    first = rows[:3]
    assert len({row.index("±") for row in first}) == 1
    assert (
        "Genotype to take: pdarts (seed 1), random (seed 2)\n  validation accuracy 95.0 %" in text
    )


def test_the_text_of_an_empty_study_says_so():
    text = study_text(EMPTY)
    assert "0 of 9 results" in text
    assert "Genotype to take" not in text


@pytest.mark.parametrize("record", ALL)
def test_latex_has_balanced_braces_and_environments_and_columns(record):
    text = study_latex(record)
    assert text.count("{") == text.count("}")
    for name in ("table", "tabular"):
        assert text.count(rf"\begin{{{name}}}") == text.count(rf"\end{{{name}}}") > 0
    for tabular in re.findall(r"\\begin\{tabular\}.*?\\end\{tabular\}", text, re.DOTALL):
        [columns] = map(len, re.findall(r"\{tabular\}\{(lr*)\}", tabular))
        rows = [line for line in tabular.splitlines() if " & " in line]
        assert {row.count(" & ") + 1 for row in rows} == {columns}
    assert r"\usepackage{booktabs}" in text.split(r"\begin")[0]


def test_latex_numbers_are_formulas():
    assert "pdarts & 3 & $94.0 \\pm 2.5$ & $1.0$ &" in study_latex(FINISHED).replace("$3$", "3")
    assert "$-2.5 \\pm 1.2$" in study_latex(FINISHED)


def test_latex_escapes_names():
    assert escaped("a_b & 50 % {x}~^\\ #$\nb") == (
        r"a\_b \& 50 \% \{x\}\textasciitilde{}\textasciicircum{}\textbackslash{} \#\$ b"
    )
    assert r"skip\_dropout" in study_latex(renamed(FINISHED, {"random": "skip_dropout"}))


def read(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_csv_has_raw_numbers_per_method():
    rows = read(methods_csv(FINISHED))
    assert [row["method"] for row in rows] == list(METHODS)
    assert float(rows[0]["valid_accuracy_mean"]) == pytest.approx(0.94)
    assert float(rows[0]["valid_accuracy_high"]) == pytest.approx(0.9648414)
    assert float(rows[0]["search_seconds_mean"]) == 410.0
    assert read(methods_csv(EMPTY))[0]["test_accuracy_mean"] == ""


def test_csv_has_raw_numbers_per_result():
    rows = read(results_csv(FINISHED))
    assert len(rows) == 9
    assert rows[1]["training"] == rows[8]["training"]
    assert (rows[0]["seed"], rows[0]["valid_accuracy"], rows[0]["macs"]) == ("0", "0.93", "2345678")
    assert rows[6]["probability"] == ""
    assert Genotype.parse(rows[3]["genotype"]) == FINISHED.trainings["trainings/d"].genotype


@pytest.mark.parametrize("record", ALL)
def test_every_row_of_csv_has_all_columns(record):
    for text in (methods_csv(record), results_csv(record)):
        assert len({len(row) for row in csv.reader(io.StringIO(text))}) == 1


def test_csv_keeps_names_as_they_are():
    name = 'a,"b"\nc'
    assert read(methods_csv(renamed(FINISHED, {"random": name})))[2]["method"] == name
