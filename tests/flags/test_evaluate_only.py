"""Flags beside --evaluate_only."""

import pytest
from absl import flags

from flags.fields import check_as_trained, define_flags
from pdarts_tf.config import ConfigError, TrainConfig

CONFIG = TrainConfig(dataset="folder", image_size=96)


def check(*words):
    """Checks words of a command line that tests the network of a run."""
    values = flags.FlagValues()
    define_flags(TrainConfig, "example", values)
    values(["program", *words])
    check_as_trained(CONFIG, values)


def test_a_network_is_tested_as_it_was_trained():
    check()
    check("--dataset=folder", "--image_size=96", "--genotype=runs/search")


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("--image_size=64", "with --image_size=96. Received: 64; leave --image_size out"),
        ("--max_steps_per_epoch=1", "without --max_steps_per_epoch. Received: 1; leave"),
    ],
)
def test_other_settings_than_those_of_the_run_are_refused(word, message):
    with pytest.raises(ConfigError) as error:
        check(word)
    assert message in str(error.value)
