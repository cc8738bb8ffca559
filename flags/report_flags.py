"""Flags of `python -m pdarts_tf.report`."""

from absl import flags

OUTPUT = flags.DEFINE_string(
    "output",
    None,
    "HTML file to write; by default, report.html in the run directory if there is one run.",
)
