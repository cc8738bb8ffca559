"""Feeds many inputs to every reader: `python -m tests.fuzz [--inputs=N] [NAME …]`.

Prints a table and ends with exit code 1 if any reader fails.
"""

import argparse
import concurrent.futures
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.fuzz.targets import NAMES
from tests.source_tree import ROOT

_ENVIRONMENT = {
    "CUDA_VISIBLE_DEVICES": "-1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_ENABLE_ONEDNN_OPTS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
}


def fuzz(name: str, inputs: int, directory: Path) -> tuple[dict[str, Any], str]:
    """Feeds a reader in a process of its own.

    Returns:
        What was counted, and an empty string or what went wrong.
    """
    directory.mkdir(parents=True)
    command = [sys.executable, "-m", "tests.fuzz.guided", name, str(inputs), str(directory)]
    environment = os.environ | _ENVIRONMENT
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    file = directory / "outcomes.json"
    record = json.loads(file.read_text()) if file.exists() else {"target": name}
    failed = done.returncode != 0 or not record or record["inputs"] < record["of"]
    return record, done.stdout[-4000:] + done.stderr[-500:] if failed else ""


def main() -> None:
    """Runs the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=list(NAMES), metavar="NAME")
    parser.add_argument("--inputs", type=int, default=100_000, help="inputs per reader")
    parser.add_argument("--json", help="file to write the counts to")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(NAMES):
        parser.error(f"expected names out of {', '.join(NAMES)}. Received: {', '.join(unknown)}")
    parent = Path(tempfile.mkdtemp(prefix="fuzz_"))
    records, failures = [], 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = [
            pool.submit(fuzz, name, arguments.inputs, parent / name) for name in arguments.names
        ]
        for job in concurrent.futures.as_completed(jobs):
            record, failure = job.result()
            print(json.dumps(record), flush=True)
            records.append(record)
            if failure:
                failures += 1
                name = record["target"]
                print(f"FAILED: {name}; its input is in {parent / name}\n{failure}", flush=True)
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(records, indent=2) + "\n")
    sys.exit(failures > 0)


if __name__ == "__main__":
    main()
