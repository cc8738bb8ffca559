"""Options of a run that have no influence on its results."""

from dataclasses import dataclass, field

from pdarts_tf.config import CheckpointConfig
from pdarts_tf.data.image_header import MAX_MEGAPIXELS
from pdarts_tf.training.devices import Devices


@dataclass(frozen=True)
class RunOptions:
    """Options of a run: data, files, devices, checkpoints and profiling.

    Args:
        data_dir: Where the data lies; None for the data set's default.
        output_dir: The run directory; None for the default one.
        devices: Devices to run on.
        checkpoints: When checkpoints are written.
        profile_steps: First and last step to profile; None for none.
        dry_run: Print what would run, and end.
        memory_limit_gb: GiB of memory for which a dry run prints the largest batch; None for none.
        max_megapixels: Millions of pixels that an image may have, before it is resized.
    """

    data_dir: str | None = None
    output_dir: str | None = None
    devices: Devices = field(default_factory=Devices)
    checkpoints: CheckpointConfig = field(default_factory=CheckpointConfig)
    profile_steps: tuple[int, int] | None = None
    dry_run: bool = False
    memory_limit_gb: float | None = None
    max_megapixels: float = MAX_MEGAPIXELS
