"""How well a finished search knew its time left: predicted against true, epoch by epoch.

    python -m benchmarks.time_left runs/demo

Both are of the moments when an epoch had been measured; the search ended when its genotype was
written. Only a search that was not interrupted tells the truth.
"""

import json
import math
import pathlib
import sys

from pdarts_tf.config import SearchConfig
from pdarts_tf.cost.tables import table
from pdarts_tf.runs.run_directory import GENOTYPE, TIMINGS, read_config, read_settings
from pdarts_tf.runs.time_left import compared_with_truth, search_parts


def main(path: pathlib.Path) -> None:
    """Prints the table of a run directory."""
    config = read_settings(path, SearchConfig)
    images = read_config(path)["data"]["num_train"]
    for_weights = int(config.train_portion * images)
    most = config.max_steps_per_epoch or math.inf
    steps = min(for_weights // config.batch_size, most)
    evaluated = min(math.ceil((images - for_weights) / config.batch_size), most)
    records = [json.loads(line) for line in (path / TIMINGS).read_text().splitlines()]
    parts = search_parts(config, int(steps), int(evaluated), begin=0)
    end = (path / GENOTYPE).stat().st_mtime
    rows = [
        [f"{record['stage']}.{record['epoch']}", *map("{:.0f}".format, times), f"{error:+.0%}"]
        for record, (*times, error) in zip(
            records, compared_with_truth(parts, records, int(steps), end), strict=False
        )
    ]
    print(table(["epoch", "predicted s", "true s", "error"], rows))


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    main(pathlib.Path(sys.argv[1]))
