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
from pdarts_tf.runs.room import GIB, Room, measured_room
from pdarts_tf.training.devices_in_use import devices_in_use


class OutOfMemoryError(RunError):
    """A step needs more memory than there is; the line has the estimate, and what to try.

    Args:
        memory: what was estimated, a `cost.memory.Memory`.
        batch_size: images per step.
        where: in which part of the run.
        room: the memory that it had.
    """

    def __init__(self, memory: Memory, batch_size: int, where: str, room: Room) -> None:
        super().__init__(
            f"out of memory in {where}: {_need(memory, batch_size, room)}, "
            f"{room.fixed(memory) / GIB:.2f} GiB of it whatever the batch size; try "
            f"{_advice(memory, batch_size, room)}, or the same command on a larger machine: the "
            "run keeps its newest checkpoint"
        )


def _need(memory: Memory, batch_size: int, room: Room) -> str:
    """Returns the estimate in words; on a CPU, that of one process."""
    needed = f"{room.needed(memory, batch_size) / GIB:.2f} GiB"
    if room.used.kind == "CPU":
        return (
            f"a plain run on one device with --batch_size={batch_size} is estimated to need "
            f"{needed} besides data and program"
        )
    return (
        f"a plain run with --batch_size={batch_size} is estimated to need {needed} of {room.place}"
    )


def _advice(memory: Memory, batch_size: int, room: Room) -> str:
    half = batch_size // 2 // room.used.total * room.used.total
    if half:
        smaller = f"--batch_size={half} ({room.needed(memory, half) / GIB:.2f} GiB)"
    else:
        smaller = "fewer --layers or --init_channels"
    return f"{smaller} or --rematerialize in another --output_dir"


@contextlib.contextmanager
def explain_out_of_memory(
    memory: Memory, batch_size: int, where: str, strategy: tf.distribute.Strategy
) -> Iterator[None]:
    """Turns TensorFlow's and Python's out-of-memory errors within a block into `OutOfMemoryError`.

    Of what will probably not fit a line says so before. On a CPU there may be no error: the system
    kills the process, or TensorFlow crashes. On a GPU it may come after minutes of tracing.

    Args: as `OutOfMemoryError`, and the devices that share each batch.
    """
    room = measured_room(devices_in_use(strategy))
    _warn_if_scarce(memory, batch_size, where, room)
    try:
        yield
    except (tf.errors.ResourceExhaustedError, MemoryError) as error:
        raise OutOfMemoryError(memory, batch_size, where, room) from error


def _warn_if_scarce(memory: Memory, batch_size: int, where: str, room: Room) -> None:
    if room.free is None:
        return
    free = room.free
    if room.used.kind == "CPU":
        # What the process holds already, such as that of the stage before, it can use again.
        free += psutil.Process().memory_info().rss
    needed = room.needed(memory, batch_size)
    if needed > free:
        of = "memory" if room.used.kind == "CPU" else f"memory of {room.place}"
        logger().warning(
            f"warning: a plain run of {where} is estimated to need {needed / GIB:.2f} GiB of "
            f"{of}, and {free / GIB:.2f} GiB are free; if it dies, try "
            f"{_advice(memory, batch_size, room)}"
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
