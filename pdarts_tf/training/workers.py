"""What the workers of a run that are not its chief have of its directory: they read it.

All workers go on from the checkpoint that the chief sees, so the directory has to be on a file
system that they share.
"""

import json
import pathlib
import time

import tensorflow as tf

from pdarts_tf.training.files import write_whole
from pdarts_tf.training.run_directory import LOG, RunDirectory, RunDirectoryError

_MEETING = ".meeting"
_PATIENCE = 30.0  # seconds, for file systems that show changes of other machines late


class ReadOnlyDirectory(RunDirectory):
    """A run directory that another process has open: what is written to it is not written.

    Args:
        path: the directory.
    """

    writes = False

    def __init__(self, path):
        self.path = pathlib.Path(path)

    def close(self):
        """Does nothing: it holds no lock."""

    def write(self, name, text):
        """Writes nothing."""


def meet(strategy, task, path):
    """Waits for all workers, and sees to it that they see the directory as the chief does.

    Call it when the chief has opened the directory, in all workers.

    Args:
        strategy: the MultiWorkerMirroredStrategy.
        task: the `devices.Task` of this process.
        path: the run directory.

    Raises:
        RunDirectoryError: a worker has another directory of this name.
    """
    path = pathlib.Path(path)
    number = 0
    if task.is_chief:
        number = time.time_ns() % 2**31
        write_whole(path / _MEETING, json.dumps([number, _contents(path)]))
    number = _sum_over_workers(strategy, number)
    until = time.monotonic() + _PATIENCE
    while not _met(path, number):
        if time.monotonic() > until:
            raise RunDirectoryError(
                f"--output_dir must be a directory that all workers share, as by NFS. Received: "
                f"{path}, which {task.name} sees otherwise than the chief"
            )
        time.sleep(0.1)


def part(strategy):
    """Waits until all workers have come here: until the chief has written its results."""
    _sum_over_workers(strategy, 0)


def _met(path, number):
    try:
        seen, contents = json.loads((path / _MEETING).read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return seen == number and contents == _contents(path)


def _contents(path):
    """[name, size] of what a run goes on from; the log and TensorBoard grow all the time."""
    files = [file for file in path.rglob("*") if file.is_file()]
    names = {file.relative_to(path): file.stat().st_size for file in files}
    return sorted(
        [str(name), size]
        for name, size in names.items()
        if not name.name.startswith(".") and name.name != LOG and name.parts[0] != "tensorboard"
    )


def _sum_over_workers(strategy, number):
    """Returns the sum of an integer over the workers, which all have to call this."""
    local = len(strategy.extended.worker_devices)

    def value(context):
        first = context.replica_id_in_sync_group % local == 0
        return tf.constant(number if first else 0, tf.int64)

    numbers = strategy.experimental_distribute_values_from_function(value)
    return int(strategy.reduce(tf.distribute.ReduceOp.SUM, numbers, axis=None))
