"""The executor of a Ray cluster: a task per trial, tried again when its node is lost."""

import contextlib
import pathlib
import signal as signals
from collections.abc import Sequence
from typing import Any

from pdarts_tf.errors import InputError, RunError, StoppedError
from pdarts_tf.runs.stopping import Stop
from pdarts_tf.study.local import Done
from pdarts_tf.study.methods import StudyError
from pdarts_tf.study.running import TrialError, run_trial
from pdarts_tf.study.trials import Study, Trial

RETRIES = 10  # a cluster of spot machines loses a node now and then; a trial goes on where it was
_POLL_SECONDS = 1.0


class _NeverStop:
    """Stands in tasks for a `Stop`: Ray ends its workers without asking."""

    signal: signals.Signals | None = None


def run_on_ray(
    study: Study,
    trials: Sequence[Trial],
    root: pathlib.Path,
    gpus_per_trial: float,
    done: Done,
    stop: Stop,
) -> None:
    """Runs trials on the Ray cluster that RAY_ADDRESS, or this machine's Ray, names.

    Args:
        study: The study.
        trials: The trials.
        root: Directory of the study, at the same path on all nodes.
        gpus_per_trial: GPUs of a node that a trial takes, such as 1 or 0.5.
        done: Called after every trial, with its error or None.
        stop: Tells whether the study has been asked to stop.

    Raises:
        StudyError: Ray is not installed, or there is no cluster.
        StoppedError: A signal asked to stop; runs go on from their newest checkpoints.
    """
    ray = _connected()
    task = ray.remote(num_gpus=gpus_per_trial, max_retries=RETRIES)(_run_in_task)
    waiting = {task.remote(study, trial, str(root)): trial for trial in trials}
    try:
        while waiting:
            ready, _ = ray.wait(list(waiting), timeout=_POLL_SECONDS)
            for reference in ready:
                done(waiting.pop(reference), _error(ray, reference))
            if stop.signal is not None:
                raise StoppedError(stop.signal)
    finally:
        for reference in waiting:
            with contextlib.suppress(ray.exceptions.RayError):
                ray.cancel(reference, force=True)
        ray.shutdown()


def _connected() -> Any:
    try:
        import ray
    except ImportError as error:
        raise StudyError(
            "--executor=ray needs the extra, on all nodes: pip install 'pdarts-tf[ray]'"
        ) from error
    try:
        ray.init(address="auto", log_to_driver=False)
    except ConnectionError as error:
        raise StudyError(
            "--executor=ray found no cluster; start one with `ray start --head`, or set "
            "RAY_ADDRESS to one"
        ) from error
    return ray


def _run_in_task(study: Study, trial: Trial, root: str) -> str | None:
    """Runs a trial on the node that Ray has chosen; returns the message of an error, or None."""
    try:
        run_trial(study, trial, pathlib.Path(root), {}, _NeverStop())
    except (InputError, RunError) as error:
        return str(error)
    return None


def _error(ray: Any, reference: Any) -> TrialError | None:
    try:
        message = ray.get(reference)
    except ray.exceptions.RayError as error:
        return TrialError(f"Ray gave up ({type(error).__name__}): {str(error).splitlines()[0]}")
    return None if message is None else TrialError(message)
