"""The program that measures latencies: its answers, and what it says if it cannot."""

import pytest

from pdarts_tf.cost.candidates import ImageSetting, candidates
from pdarts_tf.cost.latency_program import measuring
from pdarts_tf.errors import RunError
from pdarts_tf.genotype import GENOTYPES

DIGITS = ImageSetting((8, 8, 1), 10, "cifar")
LARGE, SMALL = candidates({"": GENOTYPES["PDARTS"]}, DIGITS, (5,), (4, 8))


@pytest.mark.slow
def test_networks_are_exported_and_measured_one_after_another(tmp_path, monkeypatch):
    (tmp_path / "export.py").write_text("raise SystemExit('this must not run')")
    (tmp_path / "mine.py").write_text("open('imported', 'w').close()")
    monkeypatch.chdir(tmp_path)
    with measuring(DIGITS, ["mine"]) as measure:
        latencies = [measure(SMALL), measure(LARGE)]
    assert all(0.05 < each < 1000 for each in latencies)
    assert (tmp_path / "imported").exists()


@pytest.mark.slow
def test_a_network_that_cannot_be_exported_is_named_with_the_reason():
    message = r"latency of 5 cells, 4 channels cannot be measured .*height and width .* 9x9"
    with (
        measuring(ImageSetting((9, 9, 1), 10, "cifar")) as measure,
        pytest.raises(RunError, match=message),
    ):
        measure(SMALL)


def test_a_program_that_has_ended_is_told(monkeypatch):
    monkeypatch.setattr("pdarts_tf.cost.latency_program._PROGRAM", "raise SystemExit('broken')")
    with measuring(DIGITS) as measure:
        for _ in range(2):
            with pytest.raises(RunError, match=r"cannot be measured \(broken\)"):
                measure(SMALL)
