"""Stands for the commands that search and train: run directories of chance, in half a second.

    python -m tests.study.fake_runs search --output_dir=… --layers=3,4,5 …

What it writes follows from the flags, as what a run finds does. The environment variable
FAKE_RUN_SECONDS makes it take its time, in which it can be killed; FAKE_RUN_FAILS makes runs fail
whose directory has that in its name.
"""

import hashlib
import importlib
import json
import os
import pathlib
import sys
import time
from typing import Any

import numpy as np
from absl import flags

from pdarts_tf.genotype import Genotype
from pdarts_tf.runs.run_directory import FORMAT
from tests.run_directories import DATA, write_lines, write_search, write_training


def main():
    """Writes the finished run directory of the flags."""
    command = sys.argv[1]
    defined: Any = importlib.import_module(f"flags.{command}_flags")
    flags.FLAGS(sys.argv[1:])
    settings = getattr(defined, f"{command}_config")()
    path = pathlib.Path(defined.run_options().output_dir)
    with open(path.parent / "started.txt", "a", encoding="utf-8") as file:
        file.write(f"{path.name} {settings.seed}\n")
    time.sleep(float(os.environ.get("FAKE_RUN_SECONDS", "0")))
    if os.environ.get("FAKE_RUN_FAILS", "nothing") in path.name:
        sys.exit("error: the loss became nan")
    if command == "search":
        _search(path, settings)
    else:
        _training(path, settings)


def _search(path, settings):
    """Its chance is that of the settings which matter, so that recipes find different cells."""
    draw = int(hashlib.sha256(settings.to_json().encode()).hexdigest()[:8], 16)
    genotype = path / "genotype.json"
    write_search(path, settings, seed=draw, data=DATA)
    found = genotype.read_text()
    genotype.unlink()
    rng = np.random.default_rng(draw)
    records = [json.loads(line) for line in (path / "metrics.jsonl").read_text().splitlines()]
    for record in records:
        record["entropy_reduce"] = 1.5
        record["valid_accuracy"], record["valid_loss"] = rng.uniform(0.2, 0.5), 1.0
    write_lines(path / "metrics.jsonl", records)
    _add_format(path)
    genotype.write_text(found)


def _training(path, settings):
    """Its accuracy is a function of the genotype."""
    genotype = Genotype.parse(settings.genotype)
    draw = int(hashlib.sha256(genotype.to_json().encode()).hexdigest()[:8], 16)
    rng = np.random.default_rng(draw)
    write_training(path, settings)
    (path / "result.json").unlink()
    scores = {
        "epoch": settings.epochs,
        "valid_accuracy": rng.uniform(0.5, 0.9),
        "valid_loss": 1.0,
        "valid_top5": 0.9,
        "test_accuracy": rng.uniform(0.5, 0.9),
        "test_loss": 1.0,
        "test_top5": 0.9,
    }
    content = {"last": scores, "best": scores, "parameters": draw % 10**6, "macs": draw % 10**8}
    _add_format(path)
    (path / "result.json").write_text(json.dumps(content))


def _add_format(path):
    content = json.loads((path / "config.json").read_text())
    (path / "config.json").write_text(json.dumps({"format": FORMAT, **content}))


if __name__ == "__main__":
    main()
