"""Whole searches by the real command on several devices and workers; and a worker that dies."""

import concurrent.futures
import json
import os
import subprocess
import sys

import pytest

from tests.source_tree import ROOT
from tests.training.test_devices import config, free_ports

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3000)]

TINY = (
    "--layers=3,3",
    "--candidates=8,3",
    "--skip_dropout_rates=0.0,0.4",
    "--add_channels=0,0",
    "--init_channels=2",
    "--epochs=2",
    "--warmup_epochs=1",
    "--validation_epochs=1",
    "--max_steps_per_epoch=2",
    "--batch_size=8",
)
# Runs the command, and notes what a worker that does not write would have written.
RANK = """
import json, sys
from pdarts_tf.training import workers
written = {}
workers.ReadOnlyDirectory.write = lambda self, name, text: written.update({name: text})
import runpy
out = sys.argv.pop(1)
sys.argv[0] = "search"
try:
    runpy.run_module("pdarts_tf.search", run_name="__main__")
finally:
    open(out, "w").write(json.dumps(written))
"""


def search(path, *flags, rank=None, out=None):
    """Runs a search, as a worker if `rank` is its TF_CONFIG: (exit code, stdout, stderr)."""
    environment = {k: v for k, v in os.environ.items() if k != "TF_CONFIG"}
    command = [sys.executable, "-m", "pdarts_tf.search"]
    if rank is not None:
        environment["TF_CONFIG"] = rank
        command = [sys.executable, "-c", RANK, str(out)]
    done = subprocess.run(
        [*command, "--dataset=digits", f"--output_dir={path}", *TINY, *flags],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="module")
def searches(tmp_path_factory):
    """The directory of a mirrored search, that of two workers, and what each process said."""
    path = tmp_path_factory.mktemp("searches")
    workers = [f"127.0.0.1:{port}" for port in free_ports(2)]
    with concurrent.futures.ThreadPoolExecutor() as pool:
        runs = [pool.submit(search, path / "mirrored", "--num_cpu_devices=2")]
        for i in range(2):
            rank = config(index=i, worker=workers)
            out = path / f"rank{i}.json"
            runs.append(pool.submit(search, path / "workers", rank=rank, out=out))
        results = [run.result() for run in runs]
    assert [code for code, _, _ in results] == [0, 0, 0], results
    return path, results


def test_every_rank_ends_with_the_same_genotype(searches):
    path, _ = searches
    genotype = (path / "mirrored" / "genotype.json").read_text("utf-8")
    assert (path / "workers" / "genotype.json").read_text("utf-8") == genotype
    rank1 = json.loads((path / "rank1.json").read_text("utf-8"))
    assert rank1["genotype.json"] == genotype
    alphas = (path / "workers" / "alphas.jsonl").read_text("utf-8")
    assert rank1["alphas.jsonl"] == alphas


def test_only_the_chief_prints(searches):
    _, (_, chief, worker) = searches
    assert "Result for M=2" in chief[1]
    assert worker[1] == ""


def test_workers_that_see_other_directories_are_refused(tmp_path):
    workers = [f"127.0.0.1:{port}" for port in free_ports(2)]
    with concurrent.futures.ThreadPoolExecutor() as pool:
        runs = [
            pool.submit(
                search,
                tmp_path / f"own{i}",
                rank=config(index=i, worker=workers),
                out=tmp_path / f"{i}",
            )
            for i in range(2)
        ]
        (chief, _, _), (worker, _, message) = [run.result() for run in runs]
    assert worker == 2
    assert "--output_dir must be a directory that all workers share" in message
    assert chief == 1
