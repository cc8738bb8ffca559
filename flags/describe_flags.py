"""Flags of `python -m pdarts_tf.describe`."""

from absl import flags

GENOTYPE = flags.DEFINE_string(
    "genotype",
    None,
    "Name of a published cell such as PDARTS, or a file: a run's genotype.json, or text in the "
    "official notation.",
)
JSON = flags.DEFINE_boolean("json", False, "Print one JSON object instead of tables.")
SVG = flags.DEFINE_string("svg", None, "Also draw both cells into this SVG file.")
PNG = flags.DEFINE_string("png", None, "Also draw both cells into this PNG file.")
