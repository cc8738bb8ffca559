"""--batch_size=auto: the largest batch that is estimated to fit into memory."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

from pdarts_tf.config import SearchConfig, TrainConfig
from pdarts_tf.cost.plan import Plan
from pdarts_tf.errors import InputError
from pdarts_tf.runs.room import GIB, Room

# A search whose stages follow each other in one process has grown by 1.25 times the estimate of its
# largest stage (docs/memory.md).
SHARE = 0.8
"""Share of the free memory that the estimate may fill."""


class BatchSizeError(InputError):
    """Raised if no batch size can be chosen; the message says what to do."""


@dataclass(frozen=True)
class ChosenBatch:
    """A batch size, and a line that says why.

    Args:
        size: Images per step, on all devices together.
        reason: End of the sentence "--batch_size=auto is 704, …".
    """

    size: int
    reason: str

    def limited(self, size: int) -> "ChosenBatch":
        """Returns the batch of all workers, of whose sizes `size` is the smallest."""
        if size == self.size:
            return self
        return ChosenBatch(size, "the most that the worker with the least memory can take")

    def line(self, learning_rate: float) -> str:
        """Returns the line to print.

        >>> ChosenBatch(704, "as this run began with").line(0.025)
        '--batch_size=auto is 704, as this run began with; --learning_rate=0.025 is left as it is'
        """
        return (
            f"--batch_size=auto is {self.size}, {self.reason}; "
            f"--learning_rate={learning_rate:g} is left as it is"
        )


def chosen_batch(
    config: SearchConfig | TrainConfig,
    make_plan: Callable[[SearchConfig | TrainConfig], Plan],
    room: Room,
    recorded: int | None,
) -> ChosenBatch:
    """Returns the batch size of a run, whatever that of its settings is.

    Args:
        config: Settings of the run.
        make_plan: Function that returns the plan for settings.
        room: The memory of the run.
        recorded: Batch size that the run in its directory has; None if it is new.

    Raises:
        BatchSizeError: See `largest_batch`.
    """
    if recorded is not None:
        return ChosenBatch(recorded, "as this run began with")
    plan = make_plan(dataclasses.replace(config, batch_size=1))  # which all data have
    return largest_batch(plan, room, room.used.total * config.parts_per_device)


def largest_batch(plan: Plan, room: Room, multiple: int) -> ChosenBatch:
    """Returns the largest batch whose plain run is estimated to fit.

    Args:
        plan: Plan of the run, whatever its batch size; all of its parts have to fit.
        room: The memory.
        multiple: Number of which the batch size has to be a multiple.

    Raises:
        BatchSizeError: It is not known how much memory is free, or too little is.
    """
    if room.free is None:
        raise BatchSizeError(
            f"--batch_size=auto has to know how much memory of {room.place} is free, and "
            "nvidia-smi does not tell; give the number of images"
        )
    limit = int(SHARE * room.free)
    fits = min(room.largest_batch(part.most, limit) for part in plan.parts)
    size = min(fits, plan.num_images) // multiple * multiple
    within = f"{SHARE:.0%} of the {room.free / GIB:.2f} GiB that a run may take on {room.place}"
    if not size:
        lacking = "there are too few images"
        if fits < multiple:
            lacking = f"so many are estimated not to fit into {within}"
        raise BatchSizeError(
            f"--batch_size=auto must be a multiple of {multiple}, but {lacking}; use fewer "
            "devices, --layers or --init_channels"
        )
    kind = "the largest" if multiple == 1 else f"the largest multiple of {multiple}"
    if fits > plan.num_images:
        return ChosenBatch(
            size, f"{kind} of {plan.num_images:,} images, though {fits:,} would fit into {within}"
        )
    return ChosenBatch(size, f"{kind} that is estimated to fit into {within}")
