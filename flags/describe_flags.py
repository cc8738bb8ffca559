"""Flags of `python -m pdarts_tf.describe`."""

from absl import flags

GENOTYPE = flags.DEFINE_string(
    "genotype",
    None,
    "Genotype: a file (JSON or the official notation), or the name of a published cell, such as "
    "PDARTS.",
)
JSON = flags.DEFINE_boolean("json", False, "Print a JSON object instead of tables.")
SVG = flags.DEFINE_string("svg", None, "SVG file to draw both cells to.")
PNG = flags.DEFINE_string("png", None, "PNG file to draw both cells to.")
