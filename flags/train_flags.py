"""Flags of `python -m pdarts_tf.train`."""

from absl import flags

from flags.device_flags import define_device_flags
from flags.settings import define_flags, read_flags
from pdarts_tf.config import TrainConfig
from pdarts_tf.genotype import load_genotype

define_flags(TrainConfig, __name__)
devices = define_device_flags(__name__)
DATA_DIR = flags.DEFINE_string(
    "data_dir", None, "Where the data lies, or where TFDS may download it to."
)
OUTPUT_DIR = flags.DEFINE_string(
    "output_dir", None, "Run directory; by default runs/train_<dataset>_seed<seed>."
)
EVALUATE_ONLY = flags.DEFINE_boolean(
    "evaluate_only", False, "Test the stored weights of --run_dir instead of training."
)
RUN_DIR = flags.DEFINE_string("run_dir", None, "Run directory for --evaluate_only.")


def train_config() -> TrainConfig:
    """Returns the settings that the flags give, with the genotype itself instead of its file.

    Raises:
        ConfigError: they are not valid.
        GenotypeError: --genotype names no genotype.
    """
    return read_flags(TrainConfig, genotype=str(load_genotype(flags.FLAGS.genotype)))
