"""Searches a cell: python -m pdarts_tf.search --dataset=cifar10

Exit codes: 0 done, 2 wrong usage or input, 75 stopped by SIGTERM (the same command resumes), 1
anything else.
"""

import functools
import os
from typing import TYPE_CHECKING

import pdarts_tf.own_packages  # noqa: F401, before `flags`
from flags import command_line, search_flags
from pdarts_tf.config import SearchConfig
from pdarts_tf.data.images import ImageData
from pdarts_tf.genotype import load_genotype
from pdarts_tf.runs import job, run_directory
from pdarts_tf.runs.run_directory import GENOTYPE, REPORT, RunDirectory

if TYPE_CHECKING:  # these import TensorFlow, which takes seconds
    import tensorflow as tf

    from pdarts_tf.cost.plan import Plan
    from pdarts_tf.runs.state import RunState
    from pdarts_tf.search.progressive import ProgressiveSearch
    from pdarts_tf.search.random_search import RandomSearch


def main() -> None:
    """Runs the search of the flags, and prints its result."""
    options = search_flags.run_options()
    command = job.Command("search", GENOTYPE, _plan, _make_search, _watchers)
    path = job.run(command, search_flags.search_config(), options)
    if path is not None:
        print_result(path, options.data_dir)


def _plan(config: SearchConfig, data: ImageData) -> "Plan":
    return _make_search(config, data, None).plan


def _make_search(
    config: SearchConfig, data: ImageData, strategy: "tf.distribute.Strategy | None"
) -> "ProgressiveSearch | RandomSearch":
    if config.strategy == "random":
        from pdarts_tf.search.random_search import RandomSearch

        return RandomSearch(config, data, strategy)
    from pdarts_tf.search.progressive import ProgressiveSearch

    return ProgressiveSearch(config, data, strategy)


def _watchers(
    search: "ProgressiveSearch | RandomSearch", directory: RunDirectory, state: "RunState"
) -> job.Watchers:
    from pdarts_tf.report.watchers import search_watchers

    recipes = command_line.recipe_settings
    return search_watchers(search, directory, state, recipes=recipes)


def print_result(path: str, data_dir: str | None) -> None:
    """Prints the genotype of a finished search, and how to go on with it."""
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
