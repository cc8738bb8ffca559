"""Runs of a trial: the ordinary commands, one after the other, each in its own directory."""

import contextlib
import fcntl
import os
import pathlib
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import IO

from pdarts_tf.errors import RunError, StoppedError
from pdarts_tf.genotype import Genotype
from pdarts_tf.runs import run_directory
from pdarts_tf.runs.files import writing
from pdarts_tf.runs.run_directory import GENOTYPE, RESULT
from pdarts_tf.runs.stopping import Stop
from pdarts_tf.study.collecting import cells_of, read_finished
from pdarts_tf.study.methods import StudyError
from pdarts_tf.study.trials import (
    Study,
    Trial,
    search_command,
    train_command,
    training_config,
    training_directory,
)

POLL_SECONDS = 0.2


class TrialError(RunError):
    """Raised for a run that ended with an error; the message has its last line."""


def check(study: Study, trials: Sequence[Trial], root: pathlib.Path) -> None:
    """Checks that the directories of all runs, as far as they exist, are of these settings.

    Raises:
        StudyError: The directory of the study is a file.
        RunDirectoryError: A run has other settings.
    """
    if root.exists() and not root.is_dir():
        raise StudyError(f"--output_dir must be a directory. Received: {root}, a file")
    for trial in trials:
        path = root / trial.directory
        run_directory.check(path, trial.config)
        if (path / GENOTYPE).is_file():
            for cell in cells_of(read_finished(path), trial.methods).values():
                _check_training(study, cell.genotype, root)


def _check_training(study: Study, genotype: Genotype, root: pathlib.Path) -> None:
    path = root / training_directory(genotype)
    run_directory.check(path, training_config(study, genotype))


def is_finished(trial: Trial, root: pathlib.Path) -> bool:
    """Returns whether nothing is left of a trial to run."""
    path = root / trial.directory
    if not (path / GENOTYPE).is_file():
        return False
    cells = cells_of(read_finished(path), trial.methods).values()
    return all((root / training_directory(each.genotype) / RESULT).is_file() for each in cells)


def run_trial(
    study: Study,
    trial: Trial,
    root: pathlib.Path,
    environment: Mapping[str, str],
    stop: Stop,
) -> None:
    """Runs what is left of a trial: its search, and the trainings of the cells that it gives.

    Args:
        study: The study.
        trial: The trial.
        root: Directory of the study, on a file system that all its processes share.
        environment: Environment variables of the runs beside those of this process.
        stop: Tells whether the study has been asked to stop.

    Raises:
        TrialError: A run ended with an error. If it was a training, the others did run.
        StoppedError: A signal asked to stop; the run has a checkpoint.
        RunDirectoryError: A directory is in use for something else.
    """
    path = root / trial.directory
    _run(search_command(study, trial, root), path, GENOTYPE, environment, stop)
    failed = []
    for cell in cells_of(read_finished(path), trial.methods).values():
        _check_training(study, cell.genotype, root)
        path = root / training_directory(cell.genotype)
        try:
            _run(train_command(study, cell.genotype, root), path, RESULT, environment, stop)
        except TrialError as error:
            failed.append(str(error))
    if failed:
        raise TrialError("; ".join(failed))


def _run(
    command: Sequence[str],
    path: pathlib.Path,
    result: str,
    environment: Mapping[str, str],
    stop: Stop,
) -> None:
    """Runs a command in its directory, unless it has been finished there."""
    with writing(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
    with _alone(path.with_name(f".{path.name}.lock"), stop) as lock:
        if (path / result).is_file():
            return
        code, last_line = _wait(
            command, path.with_name(f"{path.name}.log"), lock, environment, stop
        )
    if stop.signal is not None and code != 0:
        raise StoppedError(stop.signal)
    if code != 0:
        raise TrialError(f"{path} ended with exit code {code}: {last_line}")


@contextlib.contextmanager
def _alone(path: pathlib.Path, stop: Stop) -> Iterator[IO[str]]:
    """Waits until no other process has a file locked, and locks it.

    Two trials may have found the same cell, and a study that was killed may have left a run behind,
    which holds the lock that it has inherited until it is done.
    """
    with open(path, "a", encoding="utf-8") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                _end_if_asked(stop)
                time.sleep(POLL_SECONDS)
        yield lock


def _end_if_asked(stop: Stop) -> None:
    if stop.signal is not None:
        raise StoppedError(stop.signal)


def _wait(
    command: Sequence[str],
    log: pathlib.Path,
    lock: IO[str],
    environment: Mapping[str, str],
    stop: Stop,
) -> tuple[int, str]:
    """Returns the exit code of a command and the last line that it printed."""
    _end_if_asked(stop)
    with open(log, "ab") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **environment},
            pass_fds=(lock.fileno(),),
            start_new_session=True,  # Ctrl-C reaches it once, through us
        )
    told = False
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            code = process.wait(POLL_SECONDS)
            break
        if stop.signal is not None and not told:
            process.send_signal(stop.signal)
            told = True
    lines = log.read_text("utf-8", errors="replace").split("\n")
    return code, next((line for line in reversed(lines) if line.strip()), "")
