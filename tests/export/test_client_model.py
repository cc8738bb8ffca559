"""Which version of a model the client asks, and what it says if there is none."""

import pytest

from export.client_model import VersionStatus, choose_version
from pdarts_tf.errors import InputError, RunError

STATUSES = [
    VersionStatus(4, "LOADING"),
    VersionStatus(3, "AVAILABLE"),
    VersionStatus(1, "AVAILABLE"),
]


def test_the_newest_ready_version_is_chosen_unless_another_is_wanted():
    assert choose_version("m", STATUSES, None) == 3
    assert choose_version("m", STATUSES, 1) == 1


def test_a_wanted_version_that_is_not_ready_is_wrong_input():
    with pytest.raises(InputError, match=r"no version 4 ready.*version 4 is LOADING; version 3 is"):
        choose_version("m", STATUSES, 4)


def test_a_model_without_ready_version_says_why():
    with pytest.raises(RunError, match=r"version 2 is END \(no such file\)"):
        choose_version("m", [VersionStatus(2, "END", "no such file")], None)
