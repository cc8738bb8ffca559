"""Memory of training, estimated and measured side by side.

    python -m benchmarks.memory_estimate
    python -m benchmarks.memory_estimate --what=3,network --batch_sizes=16,48
    python -m benchmarks.memory_estimate --what=1,2,3 --arch_order=second

The stages of the paper (16 channels, 5/11/17 cells, 8/5/3 candidates per edge, drawn at random) and
its evaluation network (20 cells, 36 channels, auxiliary head); 32x32 images. Each is measured in a
process of its own: by how much the steps raise the peak of its memory over what it took when the
network had been built. --json=FILE writes the same numbers.
"""

import json

from absl import app, flags

from benchmarks.memory_growth import WHAT, compare
from pdarts_tf.cost.tables import table
from pdarts_tf.runs.files import write_whole

_WHAT = flags.DEFINE_list("what", list(WHAT), "Stages to measure, and network.")
_BATCH_SIZES = flags.DEFINE_list("batch_sizes", ["16", "32"], "Images per step.")
_ARCH_ORDER = flags.DEFINE_enum(
    "arch_order", "first", ["first", "second"], "Order of the alphas' gradient in the stages."
)
_JSON = flags.DEFINE_string("json", None, "File to write the numbers to.")


def main(argv):
    """Measures what the flags name, and prints a table."""
    del argv
    results = [
        compare(what, int(size), _ARCH_ORDER.value)
        for what in _WHAT.value
        for size in _BATCH_SIZES.value
    ]
    print(table(results[0], [result.values() for result in results]))
    if _JSON.value:
        write_whole(_JSON.value, json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    app.run(main)
