"""One target fed by atheris: `python -m tests.fuzz.guided NAME INPUTS DIRECTORY`.

DIRECTORY gets `outcomes.json`, and a file `crash-…` with the first input that fails.
"""

import collections
import json
import resource
import sys
import time
from pathlib import Path

import atheris

from tests.fuzz import guard, targets

_LONGEST_INPUT = 4096
_SECONDS_PER_INPUT = 20
_MOST_MEMORY_MB = 4096
_BETWEEN_NOTES = 1000


def _peak_mb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def main(name: str, inputs: int, directory: Path) -> None:
    """Feeds so many inputs to a target; never returns."""
    scratch, corpus = directory / "scratch", directory / "corpus"
    for each in (scratch, corpus):
        each.mkdir()
    with atheris.instrument_imports(include=["pdarts_tf", "export", "flags"]):
        target = targets.make(name, scratch)
    inputs = round(inputs * target.share)
    for number, seed in enumerate(target.seeds):
        (corpus / f"seed{number}").write_bytes(seed)
        targets.outcome(target, seed)  # imports and traces what comes with the first
    words = directory / "tokens"
    words.write_text("".join(f'"{_escaped(each)}"\n' for each in target.tokens))
    outcomes: collections.Counter[str] = collections.Counter()
    started, at_first, reading = time.monotonic(), _peak_mb(), False
    slowest = 0.0

    def note() -> None:
        record = {
            "target": name,
            "inputs": outcomes.total(),
            "of": inputs,
            "outcomes": dict(sorted(outcomes.items())),
            "seconds": round(time.monotonic() - started, 1),
            "slowest_input_s": round(slowest, 3),
            "peak_growth_mb": _peak_mb() - at_first,
        }
        (directory / "outcomes.json").write_text(json.dumps(record))

    def feed(data: bytes) -> None:
        nonlocal reading, slowest
        begun, reading = time.monotonic(), True
        try:
            outcomes[targets.outcome(target, data)] += 1
        finally:
            reading = False
        slowest = max(slowest, time.monotonic() - begun)
        if outcomes.total() % _BETWEEN_NOTES == 0 or outcomes.total() >= inputs:
            note()

    guard.install(scratch, lambda: reading)
    options = [
        f"-runs={inputs}",
        f"-max_len={_LONGEST_INPUT}",
        f"-timeout={_SECONDS_PER_INPUT}",
        f"-rss_limit_mb={_MOST_MEMORY_MB}",
        f"-artifact_prefix={directory}/",
        "-seed=1",
        "-verbosity=0",
    ]
    if target.tokens:
        options.append(f"-dict={words}")
    atheris.Setup([sys.argv[0], *options, str(corpus)], feed)
    atheris.Fuzz()


def _escaped(text: str) -> str:
    """Returns text as libFuzzer's dictionaries have it."""
    return "".join(f"\\x{each:02x}" for each in text.encode())


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
