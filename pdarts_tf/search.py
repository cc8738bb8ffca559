"""Searches a cell: python -m pdarts_tf.search --dataset=cifar10

Exit codes: 0 done, 2 wrong usage or input, 1 anything else.
"""

import functools
import os

from flags import command_line, search_flags
from pdarts_tf.data import sources
from pdarts_tf.genotype import load_genotype
from pdarts_tf.training import run_directory
from pdarts_tf.training.run_directory import GENOTYPE


def main():
    """Runs the search of the flags; imports TensorFlow, which takes seconds, only for that."""
    config = search_flags.search_config()
    sources.check_name(config.dataset)
    path = search_flags.OUTPUT_DIR.value or run_directory.default_path("search", config)
    run_directory.check(path, config)
    if os.path.isfile(os.path.join(path, GENOTYPE)):
        print(f"{path} holds the finished search of these settings:")
    else:
        _search(config, path)
    print_result(path)


def _search(config, path):
    """Loads the data, and searches in the directory."""
    from pdarts_tf.training.runtime import configure

    configure()
    from pdarts_tf.progressive import ProgressiveSearch

    data = sources.load(config.dataset, search_flags.DATA_DIR.value)
    data = sources.resized(data, config.image_size)
    search = ProgressiveSearch(config, data)
    with run_directory.RunDirectory(path, config, data.description()) as run:
        search.execute(run)


def print_result(path):
    """Prints the genotype of a finished search, and what to do with it."""
    file = os.path.join(path, GENOTYPE)
    settings = run_directory.read_config(path)["config"]
    print(f"\nResult for M={settings['max_skip_connects']}:\n{load_genotype(file)}\n")
    print(f"It is in {file}. Train it from scratch with")
    print(f"  python -m pdarts_tf.train --genotype={file} --dataset={settings['dataset']}")


if __name__ == "__main__":
    command_line.run(
        main, search_flags, functools.partial(command_line.parse_with_recipe, "search")
    )
