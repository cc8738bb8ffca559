"""Flags of `python -m export.keras_code`."""

import dataclasses
from typing import Any

from absl import flags

from flags.importing import define_plugins
from flags.kinds import define_max_skip_connects, define_path
from pdarts_tf.config import TrainConfig
from pdarts_tf.stems import CHOICES

FIRST = ("run_dir", "genotype", "output")  # in --help
_FIELDS = {field.name: field for field in dataclasses.fields(TrainConfig)}
_SIZE = " Not with --run_dir, which has it."


def _default(name: str) -> Any:
    return _FIELDS[name].default


def _help(name: str) -> str:
    return str(_FIELDS[name].metadata["help"])


RUN_DIR = define_path("run_dir", "Run directory of a training, whose weights are written too.")
GENOTYPE = flags.DEFINE_string("genotype", None, f"Without a training: {_help('genotype')}")
MAX_SKIP_CONNECTS = define_max_skip_connects()
OUTPUT = define_path(
    "output",
    "Python file to write, such as cell_network.py; the weights go beside it, into "
    "cell_network.weights.h5. Required.",
)
LAYERS = flags.DEFINE_integer("layers", _default("layers"), _help("layers") + _SIZE)
INIT_CHANNELS = flags.DEFINE_integer(
    "init_channels", _default("init_channels"), _help("init_channels") + _SIZE
)
STEM = flags.DEFINE_enum("stem", _default("stem"), CHOICES, _help("stem") + _SIZE)
IMAGE_SIZE = flags.DEFINE_integer(
    "image_size",
    None,
    "Height and width of the images in pixels; by default 32, or 224 with --stem=imagenet." + _SIZE,
    lower_bound=1,
)
PLUGINS = define_plugins()
NUM_CLASSES = flags.DEFINE_integer("num_classes", 10, "Number of classes." + _SIZE, lower_bound=1)

SIZES = (LAYERS, INIT_CHANNELS, STEM, IMAGE_SIZE, NUM_CLASSES)
"""Flags that a run decides."""
