"""Trials at once on one machine: who gets which devices, and how errors and stops end them."""

import signal
import threading

import pytest

from pdarts_tf.errors import RunError, StoppedError
from pdarts_tf.study import local
from pdarts_tf.study.local import environments, run_locally, visible_gpus
from pdarts_tf.study.methods import StudyError
from pdarts_tf.study.trials import trials
from tests.study.test_trials import make_study


@pytest.fixture
def no_gpus(monkeypatch):
    monkeypatch.setattr(local, "visible_gpus", list)


def test_one_job_has_all_devices():
    assert environments(1) == [{}]


def test_jobs_have_a_gpu_each(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,5,7")
    found = environments(2)
    assert [each["CUDA_VISIBLE_DEVICES"] for each in found] == ["2", "5"]


def test_more_jobs_than_gpus_are_refused(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    with pytest.raises(StudyError, match=r"--jobs must be at most 2, .*Received: 3"):
        environments(3)


@pytest.mark.parametrize(("cores", "jobs", "threads"), [(8, 2, "4"), (8, 3, "2"), (2, 4, "1")])
def test_without_gpus_jobs_share_the_cores(monkeypatch, no_gpus, cores, jobs, threads):
    monkeypatch.setattr(local, "_cores", lambda: cores)
    found = environments(jobs)
    assert len(found) == jobs
    assert {value for each in found for value in each.values()} == {threads}


@pytest.mark.parametrize(
    ("visible", "gpus"), [("", []), ("-1", []), ("0", ["0"]), ("a,b", ["a", "b"])]
)
def test_gpus_are_those_that_cuda_shows(monkeypatch, visible, gpus):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert visible_gpus() == gpus


def test_gpus_are_those_that_the_driver_lists(monkeypatch, tmp_path):
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho 'GPU 0: one (UUID: x)'\necho 'GPU 1: two (UUID: y)'\n")
    program.chmod(0o755)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert visible_gpus() == ["0", "1"]
    program.write_text("#!/bin/sh\necho 'no driver'\nexit 9\n")
    assert visible_gpus() == []


def test_trials_at_once_have_different_devices():
    todo = trials(make_study())
    both = threading.Barrier(2, timeout=10)
    seen = []

    def run(trial, environment):
        both.wait()
        seen.append(environment["device"])
        both.wait()

    run_locally(todo, run, [{"device": "a"}, {"device": "b"}], lambda *_: None)
    assert sorted(seen[:2]) == sorted(seen[2:]) == ["a", "b"]


def test_a_failed_trial_is_told_and_the_others_run():
    todo, told = trials(make_study()), {}

    def run(trial, environment):
        if trial.number == 1:
            raise RunError("the loss became nan")

    run_locally(todo, run, [{}], lambda trial, error: told.update({trial.number: error}))
    assert [None if told[k] is None else str(told[k]) for k in range(4)] == [
        None,
        "the loss became nan",
        None,
        None,
    ]


def test_a_stop_begins_no_other_trial():
    todo, begun = trials(make_study()), []

    def run(trial, environment):
        begun.append(trial.number)
        raise StoppedError(signal.SIGTERM)

    with pytest.raises(StoppedError):
        run_locally(todo, run, [{}], lambda *_: None)
    assert begun[0] == 0
    assert len(begun) < len(todo)
