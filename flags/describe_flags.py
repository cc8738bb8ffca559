"""Flags of `python -m pdarts_tf.describe`."""

from absl import flags

GENOTYPE = flags.DEFINE_string(
    "genotype",
    None,
    "Name of a published cell such as PDARTS, or a file: a run's genotype.json, or text in the "
    "official notation.",
)
JSON = flags.DEFINE_boolean("json", False, "Print one JSON object instead of tables.")
