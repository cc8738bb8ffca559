"""Flags of `python -m pdarts_tf.describe`."""

from absl import flags

from flags.importing import define_plugins
from flags.kinds import define_max_skip_connects, define_path

FIRST = ("genotype",)  # in --help
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
PLUGINS = define_plugins()
