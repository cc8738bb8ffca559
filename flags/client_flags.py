"""Flags of `python -m export.client`."""

from absl import flags

HOST = flags.DEFINE_string("host", "localhost", "Name or address of the server.")
PORT = flags.DEFINE_integer(
    "port",
    None,
    "Port of the server; by default 8501 (REST), with --grpc 8500.",
    lower_bound=1,
    upper_bound=65535,
)
MODEL = flags.DEFINE_string("model", None, "Name under which the server has the model.")
VERSION = flags.DEFINE_integer(
    "version", None, "Version to ask; by default the newest that is ready.", lower_bound=0
)
GRPC = flags.DEFINE_boolean("grpc", False, "Ask over gRPC instead of REST.")
SIGNATURE = flags.DEFINE_enum(
    "signature", "predict_bytes", ["predict_bytes", "classify"], "Signature of the model to ask."
)
FORMAT = flags.DEFINE_enum(
    "format", "row", ["row", "column"], "How predict_bytes goes over REST: instances or inputs."
)
TIMEOUT = flags.DEFINE_float("timeout", 10.0, "Seconds to wait for each answer.", lower_bound=0.001)
CHECK = flags.DEFINE_string(
    "check",
    None,
    "Directory with the versions of the exported model: runs it here too, and compares.",
)
TOLERANCE = flags.DEFINE_float(
    "tolerance", 1e-4, "Largest difference of probabilities that --check accepts.", lower_bound=0.0
)
