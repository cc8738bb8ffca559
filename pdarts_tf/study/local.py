"""The executor of this machine: several trials at once, each with its share of the devices."""

import concurrent.futures
import os
import queue
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence

from pdarts_tf.errors import RunError, StoppedError
from pdarts_tf.study.methods import StudyError
from pdarts_tf.study.trials import Trial

Environment = Mapping[str, str]
RunTrial = Callable[[Trial, Environment], None]
Done = Callable[[Trial, RunError | None], None]
"""Function that is told of every trial that has ended, with its error or None."""


def run_locally(
    trials: Sequence[Trial],
    run: RunTrial,
    environments: Sequence[Environment],
    done: Done,
) -> None:
    """Runs trials, as many at once as there are environments.

    Args:
        trials: The trials, which are begun in this order.
        run: Function of a trial and of environment variables that runs it.
        environments: Variables that give a trial its devices; each is used by one trial at a time.
        done: Called in this thread after every trial, with its error or None.

    Raises:
        StoppedError: A signal asked to stop; all trials have stopped.
        InputError: A directory is in use for something else; the other trials have been run.
    """
    free: queue.SimpleQueue[Environment] = queue.SimpleQueue()
    for environment in environments:
        free.put(environment)

    def run_one(trial: Trial) -> None:
        environment = free.get()
        try:
            run(trial, environment)
        finally:
            free.put(environment)

    with concurrent.futures.ThreadPoolExecutor(len(environments)) as pool:
        futures = {pool.submit(run_one, trial): trial for trial in trials}
        try:
            for future in concurrent.futures.as_completed(futures):
                error = future.exception()
                if error is not None and not isinstance(error, RunError):
                    raise error
                done(futures[future], error)
        except StoppedError:
            pool.shutdown(cancel_futures=True)
            raise


def environments(jobs: int) -> list[Environment]:
    """Returns the environment variables of so many jobs at once on this machine.

    One job has all devices. Several have a GPU each, or, where there is none, their share of the
    cores.

    Raises:
        StudyError: There are fewer GPUs than jobs.
    """
    if jobs == 1:
        return [{}]
    gpus = visible_gpus()
    if gpus:
        if jobs > len(gpus):
            raise StudyError(
                f"--jobs must be at most {len(gpus)}, the number of GPUs. Received: {jobs}"
            )
        return [{"CUDA_VISIBLE_DEVICES": gpu} for gpu in gpus[:jobs]]
    threads = str(max(1, _cores() // jobs))
    names = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")
    return [dict.fromkeys(names, threads)] * jobs


def visible_gpus() -> list[str]:
    """Returns the GPUs that this process may use, as CUDA_VISIBLE_DEVICES names them.

    TensorFlow is not asked: it would take memory on each of them.
    """
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return [name for name in visible.split(",") if name not in ("", "-1")]
    if shutil.which("nvidia-smi") is None:
        return []
    listed = subprocess.run(
        ["nvidia-smi", "--list-gpus"], capture_output=True, text=True, check=False
    )
    lines = listed.stdout.splitlines() if listed.returncode == 0 else []
    return [str(i) for i, line in enumerate(lines) if line.startswith("GPU ")]


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
