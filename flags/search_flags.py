"""Flags of `python -m pdarts_tf.search`."""

from flags.fields import define_flags, read_flags
from flags.run_flags import define_run_flags
from pdarts_tf.config import SearchConfig

FIRST = ("dataset", "data_dir", "output_dir", "epochs", "batch_size")  # in --help
define_flags(SearchConfig, __name__)
run_options = define_run_flags("search", __name__)


def search_config() -> SearchConfig:
    """Returns the settings that the flags give.

    Raises:
        ConfigError: They are not valid.
    """
    config: SearchConfig = read_flags(SearchConfig)
    return config
