"""Flags of `python -m pdarts_tf.report`."""

from flags.importing import define_plugins
from flags.kinds import define_path

OUTPUT = define_path(
    "output",
    "HTML file to write; by default, report.html in the run directory if there is one run.",
)
PLUGINS = define_plugins()
