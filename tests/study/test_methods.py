"""What a method is, and which cell it takes from a search."""

import pytest

from pdarts_tf.config import SearchConfig
from pdarts_tf.search.random_search import random_alphas
from pdarts_tf.study.methods import Method, StudyError

SEARCH = SearchConfig()
RANDOM = SearchConfig(
    strategy="random", layers=(8,), candidates=(8,), skip_dropout_rates=(0.0,), add_channels=(0,)
)


def test_method_is_a_recipe_and_a_cell():
    assert Method.parse("darts") == Method("darts", "darts", "result")
    assert Method.parse("my.flags@M=0") == Method("my.flags@M=0", "my.flags", "M=0")


@pytest.mark.parametrize("text", ["", "@M=2", "pdarts@", "pdarts@M=", "pdarts@stage0", "a@b@c"])
def test_other_texts_are_refused(text):
    with pytest.raises(StudyError, match=r"^--methods must be recipes.*Received: "):
        Method.parse(text)


def test_unrefined_pdarts_takes_its_cell_from_the_search_of_pdarts():
    assert Method.parse("pdarts_unrefined").recipe == Method.parse("pdarts").recipe


@pytest.mark.parametrize(
    ("name", "stage"), [("pdarts", 3), ("pdarts@stage1", 1), ("pdarts@unrestricted", 3)]
)
def test_stage_of_the_cell(name, stage):
    assert Method.parse(name).stage(SEARCH) == stage


def test_a_stage_that_the_search_does_not_have_is_refused():
    with pytest.raises(StudyError, match=r"a stage from 1 to 3.*Received: 4"):
        Method.parse("pdarts@stage4").check(SEARCH)
    with pytest.raises(StudyError, match="random search has no stages"):
        Method.parse("random@stage1").check(RANDOM)


def test_cells_of_a_search_follow_the_rules_of_the_derivation():
    drawn = (random_alphas(0, sample) for sample in range(100))
    alphas = next(each for each in drawn if each.derive().num_skip_connects > 2)
    limits = {"pdarts@unrestricted": None, "pdarts@M=0": 0, "pdarts": SEARCH.max_skip_connects}
    for name, limit in limits.items():
        assert Method.parse(name).derive(alphas, SEARCH) == alphas.derive(limit)
