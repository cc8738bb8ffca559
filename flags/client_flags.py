"""Flags of `python -m export.client`."""

from absl import flags

from flags.kinds import define_finite, define_path

FIRST = ("model", "host", "port")  # in --help
HOST = flags.DEFINE_string("host", "localhost", "Name or address of the server.")
PORT = flags.DEFINE_integer(
    "port",
    None,
    "Port of the server; by default, 8501 for REST and 8500 for gRPC.",
    lower_bound=1,
    upper_bound=65535,
)
MODEL = flags.DEFINE_string("model", None, "Name of the model on the server. Required.")
VERSION = flags.DEFINE_integer(
    "version", None, "Version of the model; by default, the newest that is ready.", lower_bound=0
)
GRPC = flags.DEFINE_boolean("grpc", False, "Send requests over gRPC instead of REST.")
SIGNATURE = flags.DEFINE_enum(
    "signature", "predict_bytes", ["predict_bytes", "classify"], "Signature to call."
)
FORMAT = flags.DEFINE_enum(
    "format",
    "row",
    ["row", "column"],
    "Format of predict_bytes requests over REST: row sends `instances`, column sends `inputs`.",
)
TIMEOUT = flags.DEFINE_float(
    "timeout",
    10.0,
    "Seconds that an answer may take, from the look-up of the server's name to the last byte.",
    lower_bound=0.001,
)
CHECK = define_path(
    "check",
    "Directory that contains the exported versions: runs the same version in this process and "
    "compares its probabilities with the server's.",
)
TOLERANCE = define_finite("tolerance", 1e-4, "Maximum difference of a probability under --check.")
