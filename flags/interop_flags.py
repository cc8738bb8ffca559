"""Flags of `python -m pdarts_tf.interop.pytorch`."""

from absl import flags

from flags.importing import define_plugins
from flags.kinds import define_path
from flags.run_flags import define_max_megapixels

FIRST = ("checkpoint", "genotype", "search_space", "output_dir")  # in --help
CHECKPOINT = define_path("checkpoint", "Checkpoint written by torch.save.")
GENOTYPE = flags.DEFINE_string(
    "genotype",
    None,
    "Genotype of the evaluation network: a file, FILE:NAME, the run directory of a search, or the "
    "name of a published cell.",
)
SEARCH_SPACE = define_path(
    "search_space",
    "Search space of the supernet: a file such as a run's search_space_stage3.json.",
)
DATASET = flags.DEFINE_string(
    "dataset",
    None,
    "Data set of the network; by default, the one with the network's number of classes.",
)
IMAGE_SIZE = flags.DEFINE_integer(
    "image_size",
    None,
    "Height and width in pixels to resize images to; by default as the recipe of the data says.",
)
MAX_MEGAPIXELS = define_max_megapixels()
DATA_DIR = define_path("data_dir", "Directory of the data.")
OUTPUT_DIR = define_path("output_dir", "Run directory to create.")
PLUGINS = define_plugins()
