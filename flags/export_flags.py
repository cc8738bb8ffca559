"""Flags of `python -m export.saved_model`."""

from absl import flags

FORMATS = ("saved_model", "tflite", "onnx")

RUN_DIR = flags.DEFINE_string("run_dir", None, "Run directory of a training.")
EXPORT_DIR = flags.DEFINE_string(
    "export_dir", None, "Directory of the model, such as models/pdarts; versions are made in it."
)
VERSION = flags.DEFINE_integer(
    "version", None, "Number of the version; by default the next free one.", lower_bound=1
)
FORMAT = flags.DEFINE_enum(
    "format",
    FORMATS[0],
    FORMATS,
    "saved_model for TensorFlow Serving, or a file for other runtimes: tflite or onnx.",
)
