"""The page of a study: what it says, and that it trusts nobody."""

import dataclasses
import html
import re

import pytest

from pdarts_tf.study.formats import MISSING
from pdarts_tf.study.study_page import report_link, settings_rows, stage_rows, study_page
from tests.study_records import DATA, EMPTY, FINISHED, IN_PROGRESS, SEARCHES, renamed

EVIL = "</script><script>alert('x')</script>"


def text_of(markup):
    """What a person reads, on one line."""
    body = re.sub(r"<(title|desc).*?</\1>", "", markup.split("<body>")[1])
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())


def test_a_finished_study_is_told_from_its_choice_to_its_settings():
    text = text_of(study_page(FINISHED))
    assert "Study on digits" in text
    assert "pdarts (seed 1), random (seed 2) chosen validation accuracy 95.0 %" in text
    assert "state finished results 9 of 9" in text
    assert "1 pdarts (seed 1), random (seed 2) 95.0 % 0.300 91.5 %" in text
    assert "validation accuracy (%)" in text and "94.0 ± 2.5" in text
    assert "Difference to pdarts, over the seeds of both" in text
    assert "pdarts, seed 0 1 5 8 60.0 % 1.200 90.0 % 95.0 % 2" in text
    assert "Kendall's τ: 0.87 (p = 0.017, 6 results)" in text
    assert "--layers 5,8,11 5" in text


def test_a_study_in_progress_says_what_is_missing():
    text = text_of(study_page(IN_PROGRESS))
    assert "state not finished results 8 of 9" in text
    assert "not finished 2 1" in text


def test_a_study_without_any_result_is_a_page_too():
    text = text_of(study_page(EMPTY))
    assert "No cell has been trained yet." in text
    assert "No search is finished yet." in text
    assert "Kendall's τ: not defined (0 results)" in text


def test_every_cell_is_drawn_once():
    markup = study_page(FINISHED)
    assert markup.count('class="cell"') == 2 * len(FINISHED.trainings)
    assert len(re.findall(r'<article[^>]* id="cell\d+"', markup)) == len(FINISHED.trainings)


def test_the_page_links_to_the_reports_of_its_runs():
    targets = set(re.findall(r'href="(\./[^"]*)"', study_page(FINISHED)))
    directories = [*FINISHED.searches, *FINISHED.trainings]
    assert targets == {f"./{directory}/report.html" for directory in directories}


@pytest.mark.parametrize(
    ("directory", "link"),
    [
        ("javascript:alert(1)", "./javascript%3Aalert%281%29/report.html"),
        ("//example.org", ".///example.org/report.html"),
        ('a"b c', "./a%22b%20c/report.html"),
    ],
)
def test_links_stay_below_the_study(directory, link):
    assert report_link(directory) == link


def test_names_are_escaped():
    record = renamed(FINISHED, {name: f"{EVIL}{name}" for name in FINISHED.methods})
    record = dataclasses.replace(
        record,
        dataset=EVIL,
        data={**DATA, "name": EVIL, "num_classes": EVIL, "image_shape": [EVIL]},
        settings={"searches": {EVIL: {EVIL: EVIL}, "b": {}}, "training": {EVIL: EVIL}},
        searches={k: dataclasses.replace(v, recipe=EVIL) for k, v in SEARCHES.items()},
    )
    markup = study_page(record)
    assert "<script" not in markup
    assert EVIL in text_of(markup)


def test_no_script_may_run_and_nothing_is_loaded_from_elsewhere():
    markup = study_page(FINISHED)
    assert "default-src 'none'; style-src 'unsafe-inline'; script-src 'none'" in markup
    assert re.findall(r'(?:src|href)="(?!#|data:,|\./)[^"]*"|url\(|@import', markup) == []


def test_identifiers_are_unique_and_every_reference_leads_somewhere():
    markup = study_page(FINISHED)
    ids = re.findall(r'\bid="([^"]+)"', markup)
    assert len(ids) == len(set(ids))
    references = re.findall(r'(?:aria-labelledby=|href="#)"?([^">]+)"', markup)
    assert {name for reference in references for name in reference.split()} <= set(ids)


def test_the_same_record_has_the_same_page():
    assert study_page(FINISHED) == study_page(FINISHED)


def test_entropy_is_a_share_of_the_largest_if_there_is_a_choice():
    search = SEARCHES["searches/pdarts_seed0"]
    assert stage_rows(search)[1]["entropies"] == pytest.approx([0.7, 0.8])
    one = dataclasses.replace(search.stages[0], candidates=1)
    assert stage_rows(dataclasses.replace(search, stages=(one,)))[0]["entropies"] == [None, None]


def test_settings_are_told_apart_by_whether_they_differ():
    rows = settings_rows({"a": {"x": [1, 2], "y": True, "z": 3}, "b": {"x": [1], "y": True}})
    assert rows == {
        "recipes": ["a", "b"],
        "differing": [("x", ["1,2", "1"]), ("z", ["3", MISSING])],
        "equal": [("y", ["True"])],
    }
