"""Searches a cell: python -m pdarts_tf.search --dataset=cifar10

Exit codes: 0 done, 2 wrong usage or input, 75 stopped by SIGTERM (the same command goes on), 1
anything else.
"""

import functools
import os

from flags import command_line, search_flags
from pdarts_tf.genotype import load_genotype
from pdarts_tf.runs import job, run_directory
from pdarts_tf.runs.run_directory import GENOTYPE, REPORT


def main():
    """Runs the search of the flags, and prints its result."""
    config = search_flags.search_config()
    command = job.Command("search", GENOTYPE, _search, command_line.recipe_settings)
    path = job.start(command, config, search_flags)
    if path is not None:
        print_result(path, search_flags.DATA_DIR.value)


def _search(config, data, strategy):
    from pdarts_tf.search.progressive import ProgressiveSearch

    return ProgressiveSearch(config, data, strategy)


def print_result(path, data_dir):
    """Prints the genotype of a finished search, and what to do with it."""
    file = os.path.join(path, GENOTYPE)
    settings = run_directory.read_config(path)["config"]
    print(f"\nResult for M={settings['max_skip_connects']}:\n{load_genotype(file)}\n")
    print(f"It is in {file}; {os.path.join(path, REPORT)} shows the search. Train it with")
    data = f"--dataset={settings['dataset']}" + (f" --data_dir={data_dir}" if data_dir else "")
    print(f"  python -m pdarts_tf.train --genotype={file} {data}")


if __name__ == "__main__":
    command_line.run(
        main, search_flags, functools.partial(command_line.parse_with_recipe, "search")
    )
