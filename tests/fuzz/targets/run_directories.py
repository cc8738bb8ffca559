"""Run directories of others, as reports, trainings and resumed runs read them."""

import json
from pathlib import Path

from pdarts_tf.config import SearchConfig, TrainConfig
from pdarts_tf.errors import InputError
from pdarts_tf.genotype import load_genotype
from pdarts_tf.report.run import read_run
from pdarts_tf.runs import run_directory
from tests.fuzz.targets import Target
from tests.run_directories import DATA, SEARCH, TRAINING, write_search, write_training

_TOKENS = ("config", "NaN", "Infinity", "1e999", "null", "true", "[[", "]]", "{", "}", "\\u001b")
_SMALL = {"layers": (3, 4, 5), "epochs": 1, "warmup_epochs": 0}


def make(scratch: Path) -> Target:
    """See `Target`; the first byte of an input names the file that the rest becomes."""
    search = SearchConfig(**(vars(SEARCH) | _SMALL))
    data = DATA | {"mean": [0.3], "std": [0.4]}
    kinds = {
        write_search(scratch / "search", search, data=data): SearchConfig,
        write_training(scratch / "training", TRAINING, data): TrainConfig,
    }
    for path in kinds:
        config = json.loads((path / "config.json").read_text()) | {"format": run_directory.FORMAT}
        (path / "config.json").write_text(json.dumps(config))
    files = [each for path in kinds for each in sorted(path.iterdir()) if each.is_file()]
    whole = {file: file.read_bytes() for file in files}

    def read(data: bytes) -> str:
        file = files[data[0] % len(files)] if data else files[0]
        file.write_bytes(data[1:])
        try:
            return _read(file.parent, kinds[file.parent])
        finally:
            file.write_bytes(whole[file])

    seeds = [bytes([number]) + whole[file] for number, file in enumerate(files)]
    return Target(seeds, read, (InputError,), _TOKENS)


def _read(path: Path, kind: type[SearchConfig] | type[TrainConfig]) -> str:
    """Reads a run directory in every way; the worst outcome counts."""
    problems = read_run(path).problems
    assert all(each.isprintable() for each in problems), problems
    run_directory.check(path, run_directory.read_settings(path, kind))
    run_directory.stored_data(path)
    if kind is SearchConfig:
        load_genotype(str(path))
    return "read in part" if problems else "read"
