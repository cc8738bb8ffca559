"""Workers of a run that are not its chief: they read its directory, and stop with it.

All workers go on from the checkpoint that the chief sees, so the directory has to be on a file
system that they share. And all of them stop at the same step.
"""

import contextlib
import json
import os
import pathlib
import signal
import time
from collections.abc import Iterator
from typing import Any

import tensorflow as tf

from pdarts_tf.errors import StoppedError
from pdarts_tf.runs import checkpoint
from pdarts_tf.runs.files import write_whole
from pdarts_tf.runs.run_directory import CONFIG, RunDirectory, RunDirectoryError
from pdarts_tf.runs.state import CHECKPOINTS
from pdarts_tf.runs.stopping import Stop
from pdarts_tf.training.devices import Task

_MEETING = ".meeting"
_PATIENCE = 30.0  # seconds, for file systems that show changes of other machines late
# If several workers were asked, the first of these counts: after SIGTERM schedulers start again.
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class ReadOnlyDirectory(RunDirectory):
    """A run directory that another process has open: what is written to it is not written.

    Args:
        path: the directory.
    """

    writes = False

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = pathlib.Path(path)

    def close(self) -> None:
        """Does nothing: it holds no lock."""

    def write(self, name: str, data: str | bytes) -> None:
        """Writes nothing."""


class AgreedStop:
    """A `StopRequest` of all workers: if one is asked to stop, all are.

    Args:
        strategy: the MultiWorkerMirroredStrategy.
        stop: the `StopRequest` of this process.
    """

    def __init__(self, strategy: tf.distribute.Strategy, stop: Stop) -> None:
        self._strategy = strategy
        self._stop = stop

    @property
    def signal(self) -> signal.Signals | None:
        """The signal that asked, or None; all workers have to ask for it equally often."""
        mine = self._stop.signal
        counts = _sum_over_workers(self._strategy, [int(mine == each) for each in _SIGNALS])
        return next((each for each, count in zip(_SIGNALS, counts, strict=True) if count), None)


@contextlib.contextmanager
def together(
    strategy: tf.distribute.Strategy, task: Task, path: str | os.PathLike[str], stop: Stop
) -> Iterator[AgreedStop]:
    """A run of all workers, each inside this block: they begin, stop and end together.

    Enter it when the chief has opened the directory, in all workers.

    Args:
        strategy: the MultiWorkerMirroredStrategy.
        task: the `devices.Task` of this process.
        path: the run directory.
        stop: the `StopRequest` of this process.

    Yields:
        The `AgreedStop` of all.

    Raises:
        RunDirectoryError: a worker has another directory of this name.
    """
    _meet(strategy, task, pathlib.Path(path))
    try:
        yield AgreedStop(strategy, stop)
    except StoppedError:
        _wait(strategy)  # until the chief has written its checkpoint
        raise
    _wait(strategy)  # until it has written its results


def smallest(strategy: tf.distribute.Strategy, task: Task, number: int) -> int:
    """Returns the smallest of the numbers of all workers, which all have to call this.

    Args:
        strategy: the MultiWorkerMirroredStrategy.
        task: the `devices.Task` of this process.
        number: the number of this worker.
    """
    rank = task.index + (task.has_chief and task.kind == "worker")
    numbers = [number if i == rank else 0 for i in range(task.num_workers)]
    return min(_sum_over_workers(strategy, numbers))


def _meet(strategy: tf.distribute.Strategy, task: Task, path: pathlib.Path) -> None:
    """Waits until all workers see the directory as the chief does, which may then change it."""
    number = 0
    if task.is_chief:
        number = time.time_ns() % 2**31
        write_whole(path / _MEETING, json.dumps([number, _contents(path)]))
    (number,) = _sum_over_workers(strategy, [number])
    until = time.monotonic() + _PATIENCE
    while not _met(path, number):
        if time.monotonic() > until:
            raise RunDirectoryError(
                f"--output_dir must be a directory that all workers share, as by NFS. Received: "
                f"{path}, which {task.name} sees otherwise than the chief"
            )
        time.sleep(0.1)
    _wait(strategy)


def _met(path: pathlib.Path, number: int) -> bool:
    try:
        seen, contents = json.loads((path / _MEETING).read_text("utf-8"))
        return seen == number and contents == _contents(path)
    except (OSError, ValueError):
        return False


def _contents(path: pathlib.Path) -> list[list[Any]]:
    """[name, size] of the files that a run goes on from; None for what cannot be reached."""
    folder = path / CHECKPOINTS
    files = [path / CONFIG, *(checkpoint.own_files(folder) if folder.is_dir() else [])]
    return sorted([str(file.relative_to(path)), _size(file)] for file in files)


def _size(file: pathlib.Path) -> int | None:
    try:
        return file.stat().st_size
    except OSError:  # such as a link whose file is gone
        return None


def _wait(strategy: tf.distribute.Strategy) -> None:
    """Waits until all workers have come here."""
    _sum_over_workers(strategy, [0])


def _sum_over_workers(strategy: tf.distribute.Strategy, numbers: list[int]) -> list[int]:
    """Returns the sums of a list of integers over the workers, which all have to call this."""
    local = len(strategy.extended.worker_devices)

    def value(context: tf.distribute.ReplicaContext) -> tf.Tensor:
        first = context.replica_id_in_sync_group % local == 0
        return tf.constant(numbers if first else [0] * len(numbers), tf.int64)

    values = strategy.experimental_distribute_values_from_function(value)
    sums = strategy.reduce(tf.distribute.ReduceOp.SUM, values, axis=None)
    return [int(each) for each in sums]
