"""Everything that one needs to know from a GPU, in one run that never exceeds its time.

    python -m benchmarks.gpu --official=CHECKOUT --official_python=PYTHON --minutes=8 --json=FILE
    python -m benchmarks.gpu --device=cpu --minutes=2 --json=FILE

Cases run in processes of their own, the most telling ones first: differences from the official
numbers; seconds to the first step, seconds per step, images per second and peak memory of the three
stages (batch 96) and of the network (batch 128), beside the official code on the same card; the
input pipeline; determinism, XLA, precisions; depthwise convolutions. A case that its time is up for
keeps what it has measured, and those that there is no time for are named. The file is one JSON
document, replaced as a whole after every case.

Without a GPU, or with --device=cpu, everything runs in small sizes, to try the benchmark itself.
"""

import dataclasses
import json
import pathlib
import sys
from typing import Any

from absl import app, flags

from benchmarks.gpu import running, steps
from benchmarks.gpu.cases import Case, all_cases
from benchmarks.gpu.sizes import SIZES
from benchmarks.gpu.summary import summary
from benchmarks.official_task import OFFICIAL_STEP
from pdarts_tf.errors import InputError
from pdarts_tf.runs.files import write_whole

_DEVICE = flags.DEFINE_enum("device", None, list(SIZES), "By default gpu where there is one.")
_MINUTES = flags.DEFINE_float("minutes", 8, "The most that all may take.", lower_bound=0.1)
_OFFICIAL = flags.DEFINE_string("official", None, "Checkout of the official code, to compare with.")
_OFFICIAL_PYTHON = flags.DEFINE_string("official_python", None, "Python that can import torch.")
_JSON = flags.DEFINE_string("json", "gpu.json", "File to write everything to.")
_WORKER = flags.DEFINE_string("worker", None, "Internal: the case to measure, as JSON.")

# On a CPU sizes are too small for PyTorch's threads, which spin while they wait for each other.
_ENVIRONMENT: dict[str, dict[str, str]] = {
    "gpu": {},
    "cpu": {"CUDA_VISIBLE_DEVICES": "-1", "OMP_NUM_THREADS": "1"},
}


def check_official(checkout: str | None, python: str | None) -> None:
    """Checks that both flags for the official code are given, or neither.

    Raises:
        InputError: They are not, or the checkout is none.
    """
    if (checkout is None) != (python is None):
        raise InputError(
            "--official and --official_python must be given together. Received: "
            f"--official={checkout}, --official_python={python}"
        )
    if checkout is not None and not pathlib.Path(checkout, "model_search.py").is_file():
        raise InputError(
            "--official must be a checkout of github: chenxin061/pdarts, with model_search.py. "
            f"Received: {checkout}"
        )


def measure(case: Case, seconds: float, device: str) -> dict[str, Any]:
    """Returns the results of a case, measured in another process."""
    environment = _ENVIRONMENT[device]
    if case.kind != "official":
        text = json.dumps({"device": device, "case": case.to_json()})
        command = [sys.executable, "-m", "benchmarks.gpu", f"--worker={text}"]
        return running.run_worker(command, seconds, environment=environment)
    if _OFFICIAL.value is None or _OFFICIAL_PYTHON.value is None:
        return {"left_out": "no --official and --official_python"}
    task = steps.task(case, SIZES[device], _OFFICIAL.value, device)
    command = [_OFFICIAL_PYTHON.value, "-m", OFFICIAL_STEP]
    return running.run_worker(command, seconds, text=json.dumps(task), environment=environment)


def work(text: str) -> None:
    """Measures a case in this process, and prints a line of JSON after every measurement."""
    from benchmarks.gpu import depthwise, goldens, loop, setup

    asked = json.loads(text)
    if "case" not in asked:
        print(json.dumps(setup.machine()))
        return
    measures = {
        "goldens": goldens.measure,
        "ours": steps.measure,
        "loop": loop.measure,
        "depthwise": depthwise.measure,
    }
    case = Case(**asked["case"])
    for result in measures[case.kind](case, SIZES[asked["device"]]):
        print(json.dumps(result), flush=True)


def find_machine(device: str | None, seconds: float) -> tuple[dict[str, Any], str]:
    """Returns what there is to know of the machine, and the device to measure on.

    Raises:
        InputError: A GPU is asked for, and there is none.
    """
    command = [sys.executable, "-m", "benchmarks.gpu", "--worker={}"]
    environment = _ENVIRONMENT[device or "gpu"]
    machine = running.run_worker(command, seconds, environment=environment)
    found = device or ("gpu" if machine.get("gpus") else "cpu")
    if found == "gpu" and not machine.get("gpus"):
        raise InputError(
            "--device=gpu needs a GPU that TensorFlow can use. Received: none; --device=cpu tries "
            "the benchmark out"
        )
    return machine, found


def line(result: dict[str, Any]) -> str:
    """Returns a result in one line: its name, and what has been measured."""
    case = {field.name for field in dataclasses.fields(Case)} | {"name"}
    words = [
        f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}"
        for key, value in result.items()
        if key not in case
    ]
    return f"{result['name']}: {', '.join(words)}"


def run() -> None:
    """Measures all cases and writes the file."""
    check_official(_OFFICIAL.value, _OFFICIAL_PYTHON.value)
    budget = running.Budget(60 * _MINUTES.value)
    machine, device = find_machine(_DEVICE.value, budget.left())
    sizes = SIZES[device]

    def done(results: list[dict[str, Any]]) -> None:
        print(line(results[-1]), flush=True)
        everything = {
            "device": device,
            "minutes": _MINUTES.value,
            "seconds": round(budget.used(), 1),
            "machine": machine,
            "summary": summary(results, published=sizes.published),
            "cases": results,
        }
        write_whole(_JSON.value, json.dumps(everything, indent=2) + "\n")

    running.run_cases(
        all_cases(device), device, budget, lambda case, left: measure(case, left, device), done
    )


def main(argv: list[str]) -> None:
    """Measures one case, or starts the processes that do."""
    del argv
    if _WORKER.value is not None:
        work(_WORKER.value)
        return
    try:
        run()
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    app.run(main)
