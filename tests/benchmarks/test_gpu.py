"""The benchmark of GPUs: its order, its time, and a run of it in small sizes."""

import json
import subprocess
import sys
import time

import pytest

from benchmarks.gpu import running, steps, summary
from benchmarks.gpu.cases import NETWORKS, Case, all_cases
from benchmarks.gpu.sizes import SIZES
from tests.source_tree import ROOT


class Clock:
    """A clock that stands still until it is told otherwise."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def run(seconds, durations, device="gpu", cases=None):
    """Results of fake cases that take so long each, and the seconds that each was allowed."""
    clock, allowed, written = Clock(), [], []
    takes = iter(durations)

    def measure(case, limit):
        allowed.append(limit)
        clock.now += min(next(takes), limit)
        return {"images_per_s": 1.0}

    cases = cases or all_cases(device)[: len(durations)]
    budget = running.Budget(seconds, clock)
    done = lambda results: written.append(json.dumps(results))  # noqa: E731
    running.run_cases(cases, device, budget, measure, done)
    return written, allowed, budget.used()


def test_the_most_telling_cases_come_first():
    names = [case.name for case in all_cases("gpu")]
    assert names[:4] == [
        "goldens",
        "ours, stage 1, tf32",
        "official, stage 1, tf32",
        "ours, stage 3, tf32",
    ]
    assert names.index("ours, stage 2, tf32") < names.index("ours, stage 1, tf32, compiled step")


@pytest.mark.parametrize("precision", ["float32", "tf32", "bfloat16"])
@pytest.mark.parametrize("network", NETWORKS)
def test_every_combination_is_a_case(network, precision):
    cases = all_cases("gpu")
    for deterministic in (True, False):
        for jit_compile in ("none", "cells", "step"):
            assert Case("ours", network, precision, deterministic, jit_compile) in cases
    for jit_compile in ("none", "step"):
        assert Case("official", network, precision, False, jit_compile) in cases


def test_no_case_comes_twice():
    for device in SIZES:
        names = [case.name for case in all_cases(device)]
        assert len(set(names)) == len(names)


def test_a_cpu_has_no_tf32():
    assert {case.precision for case in all_cases("cpu")} == {"float32", "bfloat16"}


def test_results_are_written_after_every_case():
    written, _, _ = run(1000, [10, 20, 30])
    assert [len(json.loads(each)) for each in written] == [1, 2, 3]
    assert [each["process_s"] for each in json.loads(written[-1])] == [10.0, 20.0, 30.0]


def test_a_case_is_not_allowed_more_than_what_is_left():
    _, allowed, used = run(100, [60, 500])
    assert allowed[1] == pytest.approx(40, abs=5)
    assert used <= 100


def test_a_case_that_hangs_leaves_time_for_others():
    _, allowed, _ = run(1000, [500, 10])
    assert allowed == [running.LIMITS["gpu"]] * 2


def test_what_is_compiled_may_take_longer():
    _, allowed, _ = run(1000, [1], cases=[Case("ours", "stage 1", jit_compile="cells")])
    assert allowed == [running.COMPILED_LIMITS["gpu"]]


def test_cases_that_there_is_no_time_for_are_named():
    written, allowed, used = run(60, [58, 10, 10])
    results = json.loads(written[-1])
    assert [each.get("left_out") for each in results] == [None, *["no time was left"] * 2]
    assert len(allowed) == 1
    assert used <= 60


def python(code):
    """The command that runs some lines."""
    return [sys.executable, "-c", code]


def test_a_worker_that_is_ended_keeps_what_it_has_printed():
    code = "import time; print('{\"a\": 1}', flush=True); time.sleep(60)"
    start = time.monotonic()
    result = running.run_worker(python(code), 1.0)
    assert result == {"a": 1, "error": "ended after 1 s"}
    assert time.monotonic() - start < 20


def test_what_a_worker_has_started_ends_with_it():
    """Else it would go on to use the GPU, and keep the pipe open."""
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'input()'])"
    start = time.monotonic()
    assert running.run_worker(python(f"import time\n{code}\ntime.sleep(60)"), 1.0)["error"]
    assert time.monotonic() - start < 20


def test_a_worker_that_fails_says_why_in_one_line():
    result = running.run_worker(python("print('{\"a\": 1}'); raise ValueError('no card')"), 60)
    assert result == {"a": 1, "error": "ValueError: no card"}


def test_a_worker_gets_its_input_and_environment():
    code = "import json, os; print(json.dumps({input(): os.environ['WORD']}))"
    assert running.run_worker(python(code), 60, text="a", environment={"WORD": "b"}) == {"a": "b"}


def result(kind, network, images_per_s, **others):
    """A result of a case."""
    case = Case(kind, network, deterministic=kind == "ours")
    return {"name": case.name, **case.to_json(), "images_per_s": images_per_s, **others}


def test_ratios_compare_the_same_network_and_precision():
    results = [
        result("ours", "stage 1", 30.0),
        result("official", "stage 1", 10.0),
        result("ours", "stage 3", 8.0),
        {"name": "goldens", **Case("goldens").to_json()},
    ]
    found = summary.summary(results, published=False)
    assert found["ratios"] == [{"name": "ours, stage 1, tf32", "ratio": 3.0}]


def test_memory_compares_estimated_and_measured():
    found = summary.memory([result("ours", "stage 1", 1.0, peak_mb=50.0, estimated_mb=100.0)])
    assert [each["ratio"] for each in found] == [2.0]


def test_hours_are_those_of_75_epochs_with_45_alpha_steps_each():
    times = {"batch": 96, "weight_s": 0.36, "arch_s": 0.18}
    results = [result("ours", f"stage {n}", 1.0, **times) for n in (1, 2, 3)]
    (found,) = summary.hours(results)
    assert found["name"] == "ours, tf32"
    assert found["hours"] == pytest.approx(260 * (75 * 0.36 + 45 * 0.18) / 3600)
    assert found["to_the_paper"] == pytest.approx(found["hours"] / 7)


def test_there_are_no_hours_without_all_stages():
    assert summary.hours([result("ours", "stage 1", 1.0, batch=96, weight_s=1, arch_s=1)]) == []


def test_the_sizes_of_a_gpu_are_the_papers():
    sizes = SIZES["gpu"]
    assert [stage.num_layers for stage in sizes.stages] == [5, 11, 17]
    assert (sizes.network.init_channels, sizes.network.layers) == (36, 20)
    assert (sizes.batch_size, sizes.network_batch_size) == (96, 128)


@pytest.mark.parametrize("network", NETWORKS)
def test_the_official_code_gets_the_same_sizes(network):
    case = Case("official", network, "bfloat16", jit_compile="step")
    task = steps.task(case, SIZES["gpu"], ".", "gpu")
    assert (task["device"], task["precision"], task["compile"]) == ("cuda", "bfloat16", True)
    assert task["batch_size"] == steps.batch_size(case, SIZES["gpu"])
    assert task["layers"] == {"stage 1": 5, "stage 2": 11, "stage 3": 17, "network": 20}[network]


def benchmark(*arguments):
    """A finished run of the command."""
    command = [sys.executable, "-m", "benchmarks.gpu", "--device=cpu", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_a_case_is_measured_in_a_process_of_its_own():
    case = Case("depthwise", precision="float32")
    text = json.dumps({"device": "cpu", "case": case.to_json()})
    done = benchmark(f"--worker={text}")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 16  # two types, two kernels, four forms
    result = running.last_result(done.stdout)
    assert all(each > 0 for name, each in result.items() if "float32" in name.split()[0])


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--official=."], "--official and --official_python must be given together"),
        (["--official=.", "--official_python=p"], "--official must be a checkout"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(flags, message):
    done = benchmark(*flags)
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {message}")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.slow
def test_it_runs_to_its_end_in_a_minute(tmp_path):
    start = time.monotonic()
    done = benchmark("--minutes=1", f"--json={tmp_path / 'gpu.json'}")
    assert time.monotonic() - start < 70  # the interpreter itself included
    assert done.returncode == 0, done.stderr
    everything = json.loads((tmp_path / "gpu.json").read_text())
    assert [each["name"] for each in everything["cases"]] == [c.name for c in all_cases("cpu")]
    assert everything["seconds"] <= 60
    first = everything["cases"][0]
    assert first["float32 network eval_logits"] < 1e-5
