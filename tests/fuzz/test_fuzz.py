"""A few mutations of every kind of input that people or servers send; see `tests.fuzz`."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz import guard, targets


@st.composite
def mutations(draw, seeds, tokens):
    """A seed with up to six edits: bytes replaced, removed, put in, doubled, or the end cut off."""
    data = draw(st.sampled_from(seeds))
    words = st.sampled_from([each.encode() for each in tokens]) if tokens else st.nothing()
    for _ in range(draw(st.integers(0, 6))):
        start = draw(st.integers(0, len(data)))
        stop = draw(st.integers(start, min(len(data), start + 16)))
        between = draw(st.one_of(st.binary(max_size=16), words, st.just(data[start:stop] * 2)))
        data = data[:start] + between + data[stop if draw(st.integers(0, 9)) else len(data) :]
    return data


@pytest.mark.parametrize("name", targets.NAMES)
def test_mutated_input_is_read_rightly_or_refused(name, tmp_path):
    target = targets.make(name, tmp_path)
    # That a good input is read shows that the others can be.
    assert targets.outcome(target, target.seeds[0]) == "read"

    @settings(
        max_examples=round(60 * max(target.share, 0.1)), suppress_health_check=list(HealthCheck)
    )
    @given(mutations(target.seeds, target.tokens))
    def check(data):
        targets.outcome(target, data)

    check()


def test_a_reader_that_raises_anything_else_fails():
    def read(data):
        raise KeyError(data)

    with pytest.raises(KeyError):
        targets.outcome(targets.Target([b""], read, (ValueError,)), b"x")


@pytest.mark.parametrize("message", ["two\nlines", "x" * 5000, "\x1b[2J"])
def test_an_error_that_is_no_short_line_fails(message):
    def read(data):
        raise ValueError(message)

    with pytest.raises(AssertionError, match="an error of"):
        targets.outcome(targets.Target([b""], read, (ValueError,)), b"x")


@pytest.mark.parametrize(
    ("event", "arguments", "expected"),
    [
        ("open", ("/data/a", "r", 0), False),
        ("open", ("/data/a", "w", 0), True),
        ("open", ("/scratch/a", "w", 0), False),
        ("open", ("/scratch/../a", "r+", 0), True),
        ("os.remove", (b"/data/a", -1), True),
        ("os.rename", ("/scratch/a", "/scratch/b", -1, -1), False),
        ("subprocess.Popen", ("ls",), True),
        ("exec", (compile("1", "<string>", "eval"),), True),
        ("exec", (compile("1", guard.__file__, "eval"),), False),
    ],
)
def test_what_the_guard_forbids(event, arguments, expected):
    assert guard.forbidden(event, arguments, Path("/scratch")) == expected


@pytest.mark.slow
def test_the_long_form_counts_its_inputs_and_finds_a_failure(tmp_path):
    command = [sys.executable, "-m", "tests.fuzz", "--inputs=300", "genotypes", "checkpoints"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count('"inputs": 300') == 2
