"""Memory of this process, and what to do when it is not enough."""

import contextlib
import resource
import sys

import tensorflow as tf

from pdarts_tf.errors import RunError

GB = 2**30


class OutOfMemoryError(RunError):
    """A step needs more memory than there is; the line has the estimate, and what to try.

    Args:
        memory: what was estimated, a `models.memory.Memory`.
        batch_size: images per step.
        where: in which part of the run.
    """

    def __init__(self, memory, batch_size, where):
        needed = f"{memory.total(batch_size) / GB:.2f} GB"
        if batch_size == 1:
            advice = "fewer --layers or --init_channels"
        else:
            half = batch_size // 2
            advice = f"--batch_size={half} ({memory.total(half) / GB:.2f} GB)"
        super().__init__(
            f"out of memory in {where}: a plain run on one device with --batch_size={batch_size} "
            f"is estimated to need {needed} besides data and program, {memory.fixed / GB:.2f} GB "
            f"of it whatever the batch size; try {advice} or --rematerialize in another "
            "--output_dir, or the same command on a larger machine: the run keeps its newest "
            "checkpoint"
        )


@contextlib.contextmanager
def explain_out_of_memory(memory, batch_size, where):
    """Turns TensorFlow's and Python's out-of-memory errors within a block into `OutOfMemoryError`.

    Args: as `OutOfMemoryError`.
    """
    try:
        yield
    except (tf.errors.ResourceExhaustedError, MemoryError) as error:
        raise OutOfMemoryError(memory, batch_size, where) from error


def present_memory():
    """Returns the most bytes that this process has held in memory so far."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
