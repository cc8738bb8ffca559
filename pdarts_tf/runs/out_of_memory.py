"""Memory of this process, and what to do when it is not enough."""

import contextlib
import pathlib
import resource
import sys
from collections.abc import Iterator

import psutil
import tensorflow as tf

from pdarts_tf.cost.memory import Memory
from pdarts_tf.errors import RunError
from pdarts_tf.runs.log import logger

GIB = 2**30


class OutOfMemoryError(RunError):
    """A step needs more memory than there is; the line has the estimate, and what to try.

    Args:
        memory: what was estimated, a `cost.memory.Memory`.
        batch_size: images per step.
        where: in which part of the run.
    """

    def __init__(self, memory: Memory, batch_size: int, where: str) -> None:
        needed = f"{memory.total(batch_size) / GIB:.2f} GiB"
        super().__init__(
            f"out of memory in {where}: a plain run on one device with --batch_size={batch_size} "
            f"is estimated to need {needed} besides data and program, {memory.fixed / GIB:.2f} GiB "
            f"of it whatever the batch size; try {_advice(memory, batch_size)}, or the same "
            "command on a larger machine: the run keeps its newest checkpoint"
        )


def _advice(memory: Memory, batch_size: int) -> str:
    if batch_size == 1:
        smaller = "fewer --layers or --init_channels"
    else:
        half = batch_size // 2
        smaller = f"--batch_size={half} ({memory.total(half) / GIB:.2f} GiB)"
    return f"{smaller} or --rematerialize in another --output_dir"


@contextlib.contextmanager
def explain_out_of_memory(memory: Memory, batch_size: int, where: str) -> Iterator[None]:
    """Turns TensorFlow's and Python's out-of-memory errors within a block into `OutOfMemoryError`.

    On a CPU there may be no error: the system kills the process, or TensorFlow crashes. So what
    will probably not fit is said before.

    Args: as `OutOfMemoryError`.
    """
    if not tf.config.list_physical_devices("GPU"):
        _warn_if_scarce(memory, batch_size, where)
    try:
        yield
    except (tf.errors.ResourceExhaustedError, MemoryError) as error:
        raise OutOfMemoryError(memory, batch_size, where) from error


def _warn_if_scarce(memory: Memory, batch_size: int, where: str) -> None:
    # What the process holds already, such as that of the stage before, it can use again.
    free = psutil.virtual_memory().available + psutil.Process().memory_info().rss
    needed = memory.total(batch_size)
    if needed > free:
        logger().warning(
            f"warning: a plain run of {where} is estimated to need {needed / GIB:.2f} GiB of "
            f"memory, and {free / GIB:.2f} GiB are free; if it dies, try "
            f"{_advice(memory, batch_size)}"
        )


def present_memory() -> int:
    """Returns the most bytes that this process has held in memory so far."""
    try:
        # What getrusage says of a process begins with the peak of the one that started it.
        status = pathlib.Path("/proc/self/status").read_text("ascii")
        return int(status.split("VmHWM:")[1].split()[0]) * 1024
    except (OSError, IndexError):  # no Linux
        pass
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
