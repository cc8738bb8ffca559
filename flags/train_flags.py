"""Flags of `python -m pdarts_tf.train`."""

from collections.abc import Mapping
from typing import Any

from absl import flags

from flags.fields import define_flags, given_fields, read_flags
from flags.kinds import define_max_skip_connects, define_path
from flags.run_flags import define_run_flags
from pdarts_tf.config import ConfigError, TrainConfig, budget
from pdarts_tf.genotype import load_genotype, load_genotypes

FIRST = ("genotype", "dataset", "data_dir", "output_dir", "epochs")  # in --help
define_flags(TrainConfig, __name__)
flags.FLAGS.set_default("genotype", None)  # what trains for days is asked for, not assumed
run_options = define_run_flags("train", __name__)
EVALUATE_ONLY = flags.DEFINE_boolean(
    "evaluate_only", False, "Test the stored weights of --run_dir instead of training."
)
MAX_SKIP_CONNECTS = define_max_skip_connects()
RUN_DIR = define_path("run_dir", "Run directory for --evaluate_only.")


@flags.multi_flags_validator(
    ["dry_run", "evaluate_only"], "--dry_run shows what a training would do: leave one out"
)
def _nothing_to_show_of_tests(values: Mapping[str, Any]) -> bool:
    return not (values["dry_run"] and values["evaluate_only"])


def open_network(config: TrainConfig) -> budget.OpenNetwork | None:
    """Returns what the budget of the settings may choose, since no flag gives it; None if nothing.

    Args:
        config: The settings, see `train_config`.

    Raises:
        GenotypeError: The results of the search that --genotype names cannot be read.
    """
    return budget.open_network(
        config,
        lambda: load_genotypes(flags.FLAGS.genotype, MAX_SKIP_CONNECTS.value),
        given_fields(TrainConfig),
    )


def train_config() -> TrainConfig:
    """Returns the settings that the flags give, with the genotype itself instead of its file.

    Raises:
        ConfigError: They are not valid, or there is no --genotype.
        GenotypeError: --genotype names no genotype.
    """
    if flags.FLAGS.genotype is None:
        raise ConfigError(
            "--genotype is needed: the run directory of a search, a file, or the name of a "
            "published cell, such as --genotype=PDARTS"
        )
    genotype = str(load_genotype(flags.FLAGS.genotype, MAX_SKIP_CONNECTS.value))
    config: TrainConfig = read_flags(TrainConfig, genotype=genotype)
    return config
