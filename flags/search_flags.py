"""Flags of `python -m pdarts_tf.search`."""

from absl import flags

from flags.device_flags import define_device_flags
from flags.settings import define_flags, read_flags
from pdarts_tf.config import SearchConfig

define_flags(SearchConfig, __name__)
devices = define_device_flags(__name__)
DATA_DIR = flags.DEFINE_string(
    "data_dir", None, "Where the data lies, or where TFDS may download it to."
)
OUTPUT_DIR = flags.DEFINE_string(
    "output_dir", None, "Run directory; by default runs/search_<dataset>_seed<seed>."
)


def search_config() -> SearchConfig:
    """Returns the settings that the flags give.

    Raises:
        ConfigError: they are not valid.
    """
    return read_flags(SearchConfig)
