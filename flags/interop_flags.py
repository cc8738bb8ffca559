"""Flags of `python -m pdarts_tf.interop.pytorch`."""

from absl import flags

CHECKPOINT = flags.DEFINE_string("checkpoint", None, "Checkpoint written by torch.save.")
GENOTYPE = flags.DEFINE_string(
    "genotype",
    None,
    "Genotype of the evaluation network: a file, FILE:NAME, the run directory of a search, or the "
    "name of a published cell.",
)
SEARCH_SPACE = flags.DEFINE_string(
    "search_space",
    None,
    "Search space of the supernet: a file such as a run's search_space_stage3.json.",
)
DATASET = flags.DEFINE_string(
    "dataset",
    None,
    "Data set of the network; by default, the one with the network's number of classes.",
)
DATA_DIR = flags.DEFINE_string("data_dir", None, "Directory of the data.")
OUTPUT_DIR = flags.DEFINE_string("output_dir", None, "Run directory to create.")
