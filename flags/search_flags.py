"""Flags of `python -m pdarts_tf.search`."""

from absl import flags

from flags.device_flags import define_device_flags
from flags.profile_flags import define_profile_flag
from flags.settings import define_flags, read_flags
from pdarts_tf.config import CheckpointConfig, SearchConfig

define_flags(SearchConfig, __name__)
define_flags(CheckpointConfig, __name__)
devices = define_device_flags(__name__)
profile_steps = define_profile_flag(__name__)
DATA_DIR = flags.DEFINE_string(
    "data_dir", None, "Where the data lies, or where TFDS may download it to."
)
OUTPUT_DIR = flags.DEFINE_string(
    "output_dir", None, "Run directory; by default runs/search_<dataset>_seed<seed>."
)
DRY_RUN = flags.DEFINE_boolean(
    "dry_run", False, "Read the data, print what would run and the memory it would take, and end."
)
MEMORY_LIMIT_GB = flags.DEFINE_float(
    "memory_limit_gb",
    None,
    "With --dry_run: print the largest batch for which this memory will do.",
    lower_bound=0.0,
)


@flags.multi_flags_validator(["memory_limit_gb", "dry_run"], "it is for --dry_run only")
def _limit_is_for_dry_runs(values):
    return values["dry_run"] or values["memory_limit_gb"] is None


def search_config() -> SearchConfig:
    """Returns the settings that the flags give.

    Raises:
        ConfigError: they are not valid.
    """
    return read_flags(SearchConfig)


def checkpoint_config() -> CheckpointConfig:
    """Returns when checkpoints are to be written.

    Raises:
        ConfigError: the flags are not valid.
    """
    return read_flags(CheckpointConfig)
