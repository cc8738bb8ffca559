"""Cases in processes of their own, within a time that they never exceed."""

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable
from typing import Any

from benchmarks.gpu.cases import Case

Result = dict[str, Any]

LIMITS = {"gpu": 120.0, "cpu": 45.0}
"""Most seconds of a case by device, so that one that hangs leaves time for the others."""

COMPILED_LIMITS = {"gpu": 240.0, "cpu": 45.0}
"""As `LIMITS`, of what XLA or `torch.compile` compiles."""

SHORTEST = 8.0
"""Seconds without which no case is begun: TensorFlow alone takes several to import."""

_MARGIN = 2.0  # to end a process, and to write


class Budget:
    """Seconds that are left of a limit.

    Args:
        seconds: The limit, from now on.
        clock: Function that returns seconds.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._start = clock()
        self._end = self._start + seconds

    def left(self) -> float:
        """Returns the seconds that are left for a case."""
        return self._end - _MARGIN - self._clock()

    def used(self) -> float:
        """Returns the seconds since the start."""
        return self._clock() - self._start


def run_cases(
    cases: Iterable[Case],
    device: str,
    budget: Budget,
    measure: Callable[[Case, float], Result],
    done: Callable[[list[Result]], None],
) -> None:
    """Measures cases one by one while there is time.

    Args:
        cases: The cases in their order.
        device: "gpu" or "cpu".
        budget: The time for all of them.
        measure: Function of a case and of the most seconds that it may take, which returns what it
            has measured.
        done: Function that is given all results so far, after every case.
    """
    results: list[Result] = []
    for case in cases:
        entry: Result = {"name": case.name, **case.to_json()}
        limits = COMPILED_LIMITS if case.jit_compile else LIMITS
        left = budget.left()
        if left < SHORTEST:
            entry["left_out"] = "no time was left"
        else:
            start = budget.used()
            entry |= measure(case, min(left, limits[device]))
            entry["process_s"] = round(budget.used() - start, 1)
        results.append(entry)
        done(results)


def run_worker(
    command: list[str], seconds: float, *, text: str = "", environment: dict[str, str] | None = None
) -> Result:
    """Runs a process that prints its results, and ends it when its time is up.

    Args:
        command: The command.
        seconds: The most seconds that it may take.
        text: Its standard input.
        environment: Environment variables that it gets besides those of this process.

    Returns:
        The last line of JSON that it has printed, and an "error" in one line if it has failed or
        has been ended.
    """
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | (environment or {}),
        start_new_session=True,  # to end what it has started, too
    )
    error = {}
    try:
        output, messages = process.communicate(text, timeout=seconds)
        if process.returncode:
            error = {"error": _last_line(messages) or f"exit code {process.returncode}"}
    except subprocess.TimeoutExpired:
        _end(process)
        output, _ = process.communicate()
        error = {"error": f"ended after {seconds:.0f} s"}
    finally:
        _end(process)
    return last_result(output) | error


def _end(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def last_result(output: str) -> Result:
    """Returns the last whole JSON object of a process' lines; empty if there is none.

    Example:

    >>> last_result('{"a": 1}\\nsomething else\\n{"a": 1, "b": 2}\\n{"a": 1, "b')
    {'a': 1, 'b': 2}
    """
    for line in reversed(output.splitlines()):
        with contextlib.suppress(ValueError):
            found = json.loads(line)
            if isinstance(found, dict):
                return found
    return {}


def _last_line(messages: str) -> str:
    lines = [line.strip() for line in messages.splitlines() if line.strip()]
    return lines[-1][:300] if lines else ""
