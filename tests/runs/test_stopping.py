"""Signals: the first one asks, the second one ends, whatever the main thread is doing."""

import os
import signal
import subprocess
import sys
import time

import pytest

from pdarts_tf.runs.stopping import StopRequest
from tests.source_tree import ROOT

# A main thread that reads what came of the signal, or is deep in native code for a minute.
WAITING = """
import time
from pdarts_tf.runs.stopping import StopRequest
with StopRequest() as stop:
    print("ready", flush=True)
    while stop.signal is None:
        time.sleep(0.01)
    print(f"\\nasked by {{stop.signal.name}}\\n", end="", flush=True)
    {then}
"""
NATIVE = "import ctypes; ctypes.CDLL(None).sleep(60); ctypes.CDLL(None).sleep(60)"


@pytest.fixture
def start():
    """Starts a process that is ready for signals."""
    processes = []

    def start(then="pass"):
        process = subprocess.Popen(
            [sys.executable, "-c", WAITING.format(then=then)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT])
def test_the_first_signal_only_asks_and_says_what_will_happen(start, by):
    process = start()
    process.send_signal(by)
    stdout, _ = process.communicate(timeout=20)
    assert process.returncode == 0
    assert f"\n{by.name}: stopping after this step, with a checkpoint; another {by.name}" in stdout
    assert f"asked by {by.name}" in stdout


@pytest.mark.parametrize(("by", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_the_second_signal_ends_the_process_even_inside_native_code(start, by, code):
    process = start(then=NATIVE)
    process.send_signal(by)
    while "asked by" not in process.stdout.readline():
        pass
    time.sleep(0.1)  # now it sleeps in C, and Python's own handlers would have to wait
    process.send_signal(by)
    assert process.wait(timeout=20) == code


def test_nothing_is_asked_at_first():
    with StopRequest() as stop:
        assert stop.signal is None


def test_afterwards_signals_do_what_they_did_before():
    signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs ignore it
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    with StopRequest():
        pass
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == before
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(1)


def test_other_signals_are_not_meant():
    seen = []
    before = signal.signal(signal.SIGUSR1, lambda number, _: seen.append(number))
    try:
        with StopRequest() as stop:
            os.kill(os.getpid(), signal.SIGUSR1)
            time.sleep(0.05)
            assert (seen, stop.signal) == ([signal.SIGUSR1], None)
    finally:
        signal.signal(signal.SIGUSR1, before)
