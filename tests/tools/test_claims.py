"""The paper's claims: how they are decided, and that the page is what the records give."""

import dataclasses

import pytest

from pdarts_tf.study.record import RecordError, merged
from pdarts_tf.study.summary import summarize
from tests.source_tree import ROOT
from tests.study_records import EMPTY, FINISHED
from tools import results
from tools.claims import AGREES, CANNOT_TELL, DISAGREES, Comparison, Row, claims, overall, verdict


@pytest.mark.parametrize(
    ("differences", "expected"),
    [
        ([1.0, 1.2, 0.8], AGREES),
        ([-1.0, -1.2, -0.8], DISAGREES),
        ([1.0, -1.0, 0.5], CANNOT_TELL),
        ([1.0], CANNOT_TELL),
        ([0.0, 0.0, 0.0], CANNOT_TELL),
    ],
)
def test_interval_of_the_differences_decides(differences, expected):
    assert verdict(summarize(differences)) == expected


def test_differences_are_paired_by_seed():
    mine, theirs = Row("mine", {0: 5.0, 1: 7.0, 2: 9.0}), Row("theirs", {1: 6.0, 2: 8.5, 3: 0.0})
    assert Comparison(mine, theirs).differences == [1.0, 0.5]


def test_claim_of_several_comparisons_agrees_if_all_do():
    assert overall([AGREES, AGREES]) == AGREES
    assert overall([AGREES, CANNOT_TELL]) == CANNOT_TELL
    assert overall([AGREES, DISAGREES]) == DISAGREES
    assert overall([]) == CANNOT_TELL


def test_claims_without_results_cannot_tell():
    assert {claim.verdict for claim in claims(EMPTY)} == {CANNOT_TELL}


def test_depth_gap_compares_the_last_stage_with_the_first():
    (depth,) = (claim for claim in claims(FINISHED) if claim.title.startswith("(b)"))
    (comparison,) = depth.comparisons
    trained = {
        (result.method, result.seed): FINISHED.trainings[result.training].best.test_accuracy
        for result in FINISHED.results
    }
    expected = [trained["pdarts", s] - trained["pdarts@stage1", s] for s in (0, 1, 2)]
    assert comparison.differences == pytest.approx(expected)


def test_records_of_single_seeds_are_merged_to_that_of_all():
    parts = [
        dataclasses.replace(
            FINISHED,
            seeds=(seed,),
            searches={k: s for k, s in FINISHED.searches.items() if s.seed == seed},
            results=[result for result in FINISHED.results if result.seed == seed],
        )
        for seed in FINISHED.seeds
    ]
    found = merged(parts)
    assert (found.seeds, list(found.results)) == (FINISHED.seeds, list(FINISHED.results))
    assert found.searches == FINISHED.searches


def test_records_with_other_settings_are_not_merged():
    other = dataclasses.replace(FINISHED, dataset="cifar100")
    with pytest.raises(RecordError, match="same settings"):
        merged([FINISHED, other])


def test_page_and_pictures_are_what_the_committed_records_give():
    docs = ROOT / "docs"
    expected = results.files(results.read_records(results.RECORDS))
    there = [docs / results.PAGE, *docs.glob("pictures/results_*.svg")]
    found = {str(p.relative_to(docs)): p.read_text("utf-8") for p in there if p.is_file()}
    assert found == expected, "run `make results`"


def test_committed_records_are_of_the_real_progression_and_all_methods():
    for record in results.read_records(results.RECORDS):
        searches = record.settings["searches"]
        assert searches["pdarts"]["layers"] == [5, 11, 17]
        assert set(searches) == {"pdarts", "pdarts_no_dropout", "darts", "darts_second", "random"}


def test_page_has_verdict_table_and_picture_of_every_claim():
    files = results.files([FINISHED])
    page = files["results.md"]
    for claim in claims(FINISHED):
        assert f"## {claim.title}" in page
        assert f"| {claim.title} | {claim.text} | **{claim.verdict}** |" in page
    assert "pictures/results_b.svg" in files
    assert "(pictures/results_b.svg)" in page
