"""Settings of runs: frozen dataclasses, validated when they are made.

Every field is a flag of the same name, with the help text that stands beside it. Defaults are the
paper's for CIFAR-10.

Example:

>>> config = SearchConfig(dataset="cifar10", epochs=10, warmup_epochs=4)
>>> [stage.num_layers for stage in config.stages]
[5, 11, 17]
"""

from pdarts_tf.config.checkpoints import CheckpointConfig
from pdarts_tf.config.search import SearchConfig, StageConfig
from pdarts_tf.config.settings import ConfigError
from pdarts_tf.config.train import TrainConfig

__all__ = ["CheckpointConfig", "ConfigError", "SearchConfig", "StageConfig", "TrainConfig"]
