"""Flags of `python -m pdarts_tf.predict`."""

from absl import flags

from flags.importing import define_plugins
from flags.kinds import define_path

FORMATS = ("table", "json", "csv")

RUN_DIR = define_path("run_dir", "Run directory of a training, whose network classifies.")
MODEL = define_path(
    "model",
    "Directory of an exported model, whose newest version classifies, or of a version.",
)
FORMAT = flags.DEFINE_enum(
    "format",
    FORMATS[0],
    FORMATS,
    "table, the three most probable classes of every image; json or csv, the probabilities of all.",
)
PLUGINS = define_plugins()
