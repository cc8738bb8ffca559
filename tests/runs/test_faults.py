"""The kill matrix: `make faults`. Real processes are killed at random moments, and go on.

Every run is killed several times, until it has been through all the moments that were drawn for it,
and has to end like one that was left alone.
"""

import concurrent.futures
import random
import signal

import pytest

from tests.interruptions import Moment, Write, assert_same_run, run_with

pytestmark = [pytest.mark.slow, pytest.mark.timeout(7200)]

STAGES, EPOCHS, STEPS = 3, 3, 3
FLAGS = (
    "--layers=3,3,3",
    "--init_channels=2",
    f"--epochs={EPOCHS}",
    "--warmup_epochs=1",
    "--validation_epochs=1",
    f"--max_steps_per_epoch={STEPS}",
    "--batch_size=8",
    "--checkpoint_every_steps=1",
)
FILES = (
    "genotype.json",
    "genotypes.json",
    "alphas.jsonl",
    "metrics.jsonl",
    *(f"search_space_stage{stage + 1}.json" for stage in range(STAGES)),
)
STAGE = EPOCHS * STEPS


def moments():
    """Five runs with five or six interruptions each: 21 by SIGKILL, 5 by SIGTERM."""
    draw = random.Random(20191027)

    def kill(first, last, longest=0.3, by=signal.SIGKILL):
        return Moment(draw.randint(first, last), draw.uniform(0, longest), by)

    def term(first, last):
        return kill(first, last, by=signal.SIGTERM)

    ends = [
        Write("before:genotypes.json:1"),
        Write("inside:genotype.json:1"),
        Write("before:genotype.json:1"),
    ]
    during = [
        Write(f"{when}:*.npz:{draw.randint(1, STAGE - 2)}")
        for when in ("inside", "before", "after")
    ]
    inside = [(stage * STAGE + 1, (stage + 1) * STAGE - 1) for stage in range(STAGES)]
    between = [Moment(stage * STAGE, draw.uniform(0, 3)) for stage in (1, 2)]
    return [
        [kill(*inside[0]), between[0], kill(*inside[1]), term(*inside[2]), ends[0]],
        [during[0], term(*inside[0]), kill(*inside[1]), between[1], kill(*inside[2])],
        [term(*inside[0]), during[1], kill(*inside[1]), kill(*inside[2]), ends[1]],
        [kill(*inside[0]), term(*inside[1]), during[2], kill(*inside[2]), ends[2]],
        [kill(*inside[0]), kill(*inside[0]), kill(*inside[1]), term(*inside[1]), kill(*inside[2])],
        [kill(1, STEPS, 0.0)],
    ]


def test_the_matrix_is_as_large_as_it_says():
    drawn = [moment for run in moments() for moment in run]
    terms = [each for each in drawn if isinstance(each, Moment) and each.by == signal.SIGTERM]
    assert (len(drawn) - len(terms), len(terms)) == (21, 5)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run that was left alone, and futures of those that were not; two at a time."""
    path = tmp_path_factory.mktemp("faults")
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        reference = pool.submit(run_with, "pdarts_tf.search", path / "reference", FLAGS, [])
        runs = [
            pool.submit(run_with, "pdarts_tf.search", path / f"run{i}", FLAGS, each)
            for i, each in enumerate(moments())
        ]
        reference.result()
        yield path / "reference", [(path / f"run{i}", run) for i, run in enumerate(runs)]
        for run in runs:
            run.cancel()


@pytest.mark.parametrize("number", range(len(moments())))
def test_a_run_that_is_killed_again_and_again_ends_like_one_that_was_left_alone(finished, number):
    reference, runs = finished
    path, run = runs[number]
    for moment, (code, _, stderr) in zip(moments()[number], run.result(), strict=False):
        if isinstance(moment, Moment) and moment.by == signal.SIGTERM:
            assert code == 75, (moment, stderr)
            # Steps make TensorFlow say a line about oneDNN, so ours is the last one.
            last = stderr.splitlines()[-1]
            assert last.startswith("stopped by SIGTERM with a checkpoint of the last step; the")
        else:
            assert code == -signal.SIGKILL
    assert_same_run(path, reference, FILES)
