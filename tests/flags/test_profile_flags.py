"""The flag that says which steps are profiled."""

import pytest
from absl import flags

from flags.profile_flags import define_profile_flag


def parsed(*argv):
    """The steps that a command line asks for."""
    values = flags.FlagValues()
    steps = define_profile_flag("example", values)
    values(["program", *argv])
    return steps()


@pytest.mark.parametrize(
    ("text", "steps"), [("10,20", (10, 20)), ("1,1", (1, 1)), ("3, 4", (3, 4)), ("007,9", (7, 9))]
)
def test_the_first_and_the_last_step_are_read(text, steps):
    assert parsed(f"--profile_steps={text}") == steps


def test_nothing_is_profiled_unless_asked_for():
    assert parsed() is None


@pytest.mark.parametrize(
    "text", ["", "5", "1,2,3", "4,3", "0,3", "-1,3", "1.5,3", "a,b", "1,", "²,3"]
)
def test_other_texts_are_refused_and_the_message_says_what_is_expected(text):
    with pytest.raises(flags.IllegalFlagValueError, match=r"expected two steps.* such as 10,20"):
        parsed(f"--profile_steps={text}")
