"""A search that is asked to stop before any of its batches goes on from there, and ends alike."""

import signal

import pytest

from pdarts_tf.config import CheckpointConfig
from pdarts_tf.errors import StoppedError
from tests.cheap_search import FILES, search
from tests.interruptions import assert_same_run, newest_step

ONLY_AT_ENDS = CheckpointConfig(checkpoint_every_minutes=0)
# Two stages of two epochs of two steps; the second epochs end with a validation of two batches.
BATCHES = 2 * (2 + 2 + 2)


class AskedBefore:
    """A request to stop that arrives before a batch, counted from 0 through the whole run."""

    def __init__(self, batch):
        self.left = batch

    @property
    def signal(self):
        self.left -= 1
        return signal.SIGTERM if self.left < 0 else None


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    path = tmp_path_factory.mktemp("reference") / "run"
    search(path, ONLY_AT_ENDS)
    return path


def stopped_before(path, batch):
    """Runs a search that stops before a batch: the step of its newest checkpoint."""
    with pytest.raises(StoppedError):
        search(path, ONLY_AT_ENDS, AskedBefore(batch))
    return newest_step(path)


# (batch, steps of the weights before it)
INSIDE_AN_EPOCH, INSIDE_A_VALIDATION, BETWEEN_STAGES = (1, 1), (5, 4), (6, 4)


@pytest.mark.parametrize(
    ("batch", "steps"),
    [
        pytest.param(*INSIDE_AN_EPOCH, marks=pytest.mark.slow),
        INSIDE_A_VALIDATION,
        pytest.param(*BETWEEN_STAGES, marks=pytest.mark.slow),
    ],
)
def test_a_stop_loses_no_step_and_changes_nothing(tmp_path, reference, batch, steps):
    assert stopped_before(tmp_path / "run", batch) == steps
    search(tmp_path / "run", ONLY_AT_ENDS)
    assert_same_run(tmp_path / "run", reference, FILES)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_stop_before_any_batch_changes_nothing(tmp_path, reference):
    for batch in range(BATCHES):
        path = tmp_path / str(batch)
        stopped_before(path, batch)
        search(path, ONLY_AT_ENDS)
        assert_same_run(path, reference, FILES)


@pytest.mark.slow
def test_nobody_asks_after_the_last_batch(tmp_path):
    search(tmp_path / "run", ONLY_AT_ENDS, AskedBefore(BATCHES))
    assert newest_step(tmp_path / "run") == 8
