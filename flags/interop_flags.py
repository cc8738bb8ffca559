"""Flags of `python -m pdarts_tf.interop.pytorch`."""

from absl import flags

CHECKPOINT = flags.DEFINE_string("checkpoint", None, "File that torch.save wrote.")
GENOTYPE = flags.DEFINE_string(
    "genotype", None, "Genotype of an evaluation network: a file, or the name of a published one."
)
SEARCH_SPACE = flags.DEFINE_string(
    "search_space", None, "Candidates of a supernet, as in search_space_stage3.json of a run."
)
DATASET = flags.DEFINE_string(
    "dataset", None, "Data set of the network; by default the one with as many classes."
)
DATA_DIR = flags.DEFINE_string("data_dir", None, "Where the data lies.")
OUTPUT_DIR = flags.DEFINE_string("output_dir", None, "Run directory to make.")
