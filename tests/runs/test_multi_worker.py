"""Whole searches by the real command on several devices and workers; and workers that end early."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from tests.cheap_search import FILES
from tests.interruptions import assert_same_run, newest_step
from tests.source_tree import ROOT
from tests.workers import free_addresses, task_config

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
    "--checkpoint_every_steps=1",
)
# Runs the command, and notes what a worker that does not write would have written.
RANK = """
import json, sys
from pdarts_tf.runs import workers
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


def start(path, *flags, rank=None, out=None):
    """Starts a search, as a worker if `rank` is its TF_CONFIG."""
    environment = {k: v for k, v in os.environ.items() if k != "TF_CONFIG"}
    command = [sys.executable, "-m", "pdarts_tf.search"]
    if rank is not None:
        environment["TF_CONFIG"] = rank
    if out is not None:
        command = [sys.executable, "-c", RANK, str(out)]
    return subprocess.Popen(
        [*command, "--dataset=digits", f"--output_dir={path}", *TINY, *flags],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def start_both(paths, outs=(None, None)):
    """Starts two workers, each in its directory."""
    workers = free_addresses(2)
    return [
        start(path, rank=task_config(index=i, worker=workers), out=out)
        for i, (path, out) in enumerate(zip(paths, outs, strict=True))
    ]


def ends(processes):
    """Waits for processes: (exit code, standard output, standard error) of each."""
    outputs = [process.communicate() for process in processes]
    return [(p.returncode, *output) for p, output in zip(processes, outputs, strict=True)]


@pytest.fixture(scope="module")
def searches(tmp_path_factory):
    """The directory of a mirrored search, that of two workers, and what each process said."""
    path = tmp_path_factory.mktemp("searches")
    mirrored = start(path / "mirrored", "--num_cpu_devices=2")
    outs = [path / f"rank{i}.json" for i in range(2)]
    results = ends([*start_both([path / "workers"] * 2, outs), mirrored])
    assert [code for code, _, _ in results] == [0, 0, 0], results
    return path, results


def test_every_rank_ends_with_the_same_genotype(searches):
    path, _ = searches
    genotype = (path / "mirrored" / "genotype.json").read_text("utf-8")
    assert (path / "workers" / "genotype.json").read_text("utf-8") == genotype
    rank1 = json.loads((path / "rank1.json").read_text("utf-8"))
    assert rank1["genotype.json"] == genotype
    genotypes = (path / "workers" / "genotypes.json").read_text("utf-8")
    assert rank1["genotypes.json"] == genotypes


def test_only_the_chief_prints(searches):
    _, (chief, worker, _) = searches
    assert "Result for M=2" in chief[1]
    assert worker[1] == ""


@pytest.mark.parametrize(
    ("sent", "step", "codes", "chief_says"),
    [
        (signal.SIGTERM, 1, (75, 75), "stopped by SIGTERM with a checkpoint of the last step"),
        (signal.SIGKILL, 5, (1, -signal.SIGKILL), "worker 0 has lost another worker"),
    ],
)
def test_workers_go_on_after_one_has_ended(searches, tmp_path, sent, step, codes, chief_says):
    """One worker gets a signal; both are started again, and end like those that got none."""
    both = [tmp_path / "run"] * 2
    workers = start_both(both)
    while newest_step(both[0]) < step:
        assert [worker.poll() for worker in workers] == [None, None], ends(workers)
        time.sleep(0.05)
    workers[1].send_signal(sent)
    (code, _, message), (other, _, _) = ends(workers)
    assert (code, other) == codes
    assert chief_says in message.splitlines()[-1]
    assert [code for code, _, _ in ends(start_both(both))] == [0, 0]
    assert_same_run(both[0], searches[0] / "workers", FILES)


def test_workers_that_see_other_directories_are_refused(tmp_path):
    (chief, _, _), (worker, _, message) = ends(start_both([tmp_path / "own0", tmp_path / "own1"]))
    assert worker == 2
    assert "--output_dir must be a directory that all workers share" in message
    assert chief == 1
