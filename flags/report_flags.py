"""Flags of `python -m pdarts_tf.report`."""

from absl import flags

OUTPUT = flags.DEFINE_string(
    "output",
    None,
    "File to write; for one run report.html in its directory by default.",
)
