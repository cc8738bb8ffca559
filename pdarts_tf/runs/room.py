"""Memory that the steps of a run have to fit into: that of its GPUs, or of its machine."""

from dataclasses import dataclass

from pdarts_tf.cost.memory import Memory
from pdarts_tf.cost.plan import Plan
from pdarts_tf.runs.free_memory import free_memory
from pdarts_tf.training.devices_in_use import DevicesInUse, free_gpu_memory

GIB = 2**30
# TensorFlow leaves 0.5 to 1.8 GiB of a GPU to its driver, by the compute capability.
LEFT_TO_DRIVER = 1800 * 2**20


@dataclass(frozen=True)
class Room:
    """Free memory, and the share of a batch that is computed in it.

    Args:
        used: Devices of the run. GPUs have a memory each, the CPU's logical devices one together.
        free: Bytes that a run may take; of several GPUs those of the one with the least. None if
            unknown.

    Example:

    >>> memory = Memory(fixed=2**30, per_image=2**20, on_gpu=2**25)
    >>> room = Room(DevicesInUse("GPU", here=2, total=2), free=2**33)
    >>> room.needed(memory, batch_size=64) // 2**20
    64
    """

    used: DevicesInUse
    free: int | None

    def needed(self, memory: Memory, batch_size: int) -> int:
        """Returns the bytes that a plain run is estimated to need in each memory."""
        return self.fixed(memory) + memory.activations(-(-batch_size // self.used.num_memories))

    def fixed(self, memory: Memory) -> int:
        """Returns the bytes of `needed` that do not depend on the batch size."""
        return (memory.of_gpu() if self.used.kind == "GPU" else memory).fixed

    def largest_batch(self, memory: Memory, limit: int) -> int:
        """Returns the largest batch that is estimated to need at most `limit` bytes, or 0."""
        own = memory.of_gpu() if self.used.kind == "GPU" else memory
        return own.largest_batch(limit) * self.used.num_memories

    def compared(self, plan: Plan) -> list[str]:
        """Returns a line that compares a plan with the memory of GPUs; none without them."""
        if self.used.kind == "CPU":
            return []
        needed = max(self.needed(part.most, plan.batch_size) for part in plan.parts)
        free = "an unknown part" if self.free is None else f"{self.free / GIB:.2f} GiB"
        return [
            f"A plain run is estimated to need at most {needed / GIB:.2f} GiB of {self.place}, and "
            f"may take {free}."
        ]

    @property
    def place(self) -> str:
        """Such as "each of 2 GPUs"."""
        if self.used.kind == "CPU":
            return "this machine" if self.used.num_memories == 1 else "each machine"
        return "the GPU" if self.used.total == 1 else f"each of {self.used.total} GPUs"


def measured_room(used: DevicesInUse) -> Room:
    """Returns the memory that is free now; of GPUs, that was free when the process began."""
    if used.kind == "CPU":
        return Room(used, free_memory())
    free = free_gpu_memory(used)
    return Room(used, None if free is None else max(0, free - LEFT_TO_DRIVER))
