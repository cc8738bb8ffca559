"""Flags of `python -m pdarts_tf.describe`."""

from collections.abc import Mapping
from typing import Any

from absl import flags

from flags.importing import define_plugins
from flags.kinds import define_max_skip_connects, define_path
from pdarts_tf.config.data import MAX_IMAGE_SIZE
from pdarts_tf.config.settings import MOST

FIRST = ("genotype",)  # in --help
_OF_FRONT = ("image_size", "num_classes", "trainings", "latency", "plot")
GENOTYPE = flags.DEFINE_string(
    "genotype",
    None,
    "Genotype: a file (docs/genotypes.md has the notations), FILE:NAME for one of several in a "
    "file, the run directory of a search, or the name of a published cell, such as PDARTS.",
)
MAX_SKIP_CONNECTS = define_max_skip_connects()
JSON = flags.DEFINE_boolean("json", False, "Print a JSON object instead of tables.")
SVG = define_path("svg", "SVG file to draw both cells to.")
PNG = define_path("png", "PNG file to draw both cells to.")
FRONT = flags.DEFINE_boolean(
    "front",
    False,
    "Print, instead, what budgets choose among: the largest networks, of every depth, width and "
    "limit on skip-connects, that are to be had for their parameters.",
)
IMAGE_SIZE = flags.DEFINE_integer(
    "image_size",
    None,
    "With --front: height and width of the images in pixels; by default those of the search, or of "
    "the trainings.",
    lower_bound=1,
    upper_bound=MAX_IMAGE_SIZE,
)
NUM_CLASSES = flags.DEFINE_integer(
    "num_classes",
    None,
    "With --front: number of classes; by default those of the search, or of the trainings.",
    lower_bound=1,
    upper_bound=MOST,
)
TRAININGS = flags.DEFINE_list(
    "trainings", [], "With --front: run directories of finished trainings, whose accuracy is shown."
)
LATENCY = flags.DEFINE_boolean(
    "latency",
    False,
    "With --front: measure the latency of a few exported networks on this machine, for one image, "
    "and predict those of the others.",
)
PLOT = define_path("plot", "With --front: SVG file to draw the front to.")
PLUGINS = define_plugins()


@flags.multi_flags_validator(
    ["front", *_OF_FRONT], f"--{', --'.join(_OF_FRONT)} are for --front: add it"
)
def _only_with_front(values: Mapping[str, Any]) -> bool:
    return values["front"] or not any(values[name] for name in _OF_FRONT)
