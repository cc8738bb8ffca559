"""Flags of `python -m pdarts_tf.train`."""

from absl import flags

from flags.device_flags import define_device_flags
from flags.profile_flags import define_profile_flag
from flags.settings import define_flags, read_flags
from pdarts_tf.config import CheckpointConfig, TrainConfig
from pdarts_tf.genotype import load_genotype

define_flags(TrainConfig, __name__)
define_flags(CheckpointConfig, __name__)
devices = define_device_flags(__name__)
profile_steps = define_profile_flag(__name__)
DATA_DIR = flags.DEFINE_string(
    "data_dir", None, "Where the data lies, or where TFDS may download it to."
)
OUTPUT_DIR = flags.DEFINE_string(
    "output_dir", None, "Run directory; by default runs/train_<dataset>_seed<seed>."
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
EVALUATE_ONLY = flags.DEFINE_boolean(
    "evaluate_only", False, "Test the stored weights of --run_dir instead of training."
)
RUN_DIR = flags.DEFINE_string("run_dir", None, "Run directory for --evaluate_only.")


@flags.multi_flags_validator(["memory_limit_gb", "dry_run"], "it is for --dry_run only")
def _limit_is_for_dry_runs(values):
    return values["dry_run"] or values["memory_limit_gb"] is None


@flags.multi_flags_validator(
    ["dry_run", "evaluate_only"], "--dry_run shows what a training would do: leave one out"
)
def _nothing_to_show_of_tests(values):
    return not (values["dry_run"] and values["evaluate_only"])


def train_config() -> TrainConfig:
    """Returns the settings that the flags give, with the genotype itself instead of its file.

    Raises:
        ConfigError: they are not valid.
        GenotypeError: --genotype names no genotype.
    """
    return read_flags(TrainConfig, genotype=str(load_genotype(flags.FLAGS.genotype)))


def checkpoint_config() -> CheckpointConfig:
    """Returns when checkpoints are to be written.

    Raises:
        ConfigError: the flags are not valid.
    """
    return read_flags(CheckpointConfig)
