"""Flags of `python -m export.saved_model`."""

from absl import flags

from flags.importing import define_plugins
from flags.kinds import define_path
from flags.run_flags import define_max_megapixels

FIRST = ("run_dir", "export_dir", "format")  # in --help
FORMATS = ("saved_model", "tflite", "onnx")
DEVICES = ("cpu", "gpu")

RUN_DIR = define_path("run_dir", "Run directory of a training. Required.")
EXPORT_DIR = define_path(
    "export_dir",
    "Directory of the model, such as models/pdarts; its versions are written into it. Required.",
)
VERSION = flags.DEFINE_integer(
    "version", None, "Version number to write; by default, the next free one.", lower_bound=1
)
FORMAT = flags.DEFINE_enum(
    "format",
    FORMATS[0],
    FORMATS,
    "saved_model for TensorFlow Serving; tflite or onnx for a single file for other runtimes.",
)
SERVE_ON = flags.DEFINE_enum(
    "serve_on",
    DEVICES[0],
    DEVICES,
    "Form of a SavedModel's graph: cpu computes eight images of a batch at a time, gpu the whole "
    "batch at once, without a loop, which OpenVINO reads too. Both run on either device.",
)
MAX_MEGAPIXELS = define_max_megapixels()
PLUGINS = define_plugins()
