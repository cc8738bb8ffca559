"""Searches a cell: python -m pdarts_tf.search --dataset=cifar10

Exit codes: 0 done, 2 wrong usage or input, 75 stopped by SIGTERM (the same command resumes), 1
anything else.
"""

import os

import pdarts_tf.own_packages  # noqa: F401, before `flags`
from flags import command_line, search_flags
from pdarts_tf.genotype import load_genotype
from pdarts_tf.library.jobs import SEARCH
from pdarts_tf.runs import job, run_directory
from pdarts_tf.runs.next_commands import train_line
from pdarts_tf.runs.options import RunOptions
from pdarts_tf.runs.run_directory import GENOTYPE, REPORT


def main() -> None:
    """Runs the search of the flags, and prints its result."""
    options = search_flags.run_options()
    path = job.run(SEARCH, search_flags.search_config(), options)
    if path is not None:
        print_result(path, options)


def print_result(path: str, options: RunOptions) -> None:
    """Prints the genotype of a finished search, and how to go on with it."""
    file = os.path.join(path, GENOTYPE)
    settings = run_directory.read_config(path)["config"]
    print(f"\nResult for M={settings['max_skip_connects']}:\n{load_genotype(file)}\n")
    print(f"It is in {file}; {os.path.join(path, REPORT)} shows the search. Train it with")
    print(f"  {train_line(path, file, command_line.recipe_settings, options.of_data)}")


if __name__ == "__main__":
    command_line.run(main, search_flags, recipes_of="search")
