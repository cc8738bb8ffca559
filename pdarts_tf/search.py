"""Searches a cell: python -m pdarts_tf.search --dataset=cifar10

Exit codes: 0 done, 2 wrong usage or input, 1 anything else.
"""

import functools
import json
import os
import sys

from absl import flags

from flags import command_line, search_flags
from pdarts_tf import startup
from pdarts_tf.config import ConfigError
from pdarts_tf.data import sources
from pdarts_tf.data.sources import DataError
from pdarts_tf.genotype import load_genotype
from pdarts_tf.training import run_directory
from pdarts_tf.training.run_directory import CONFIG, GENOTYPE, RunDirectory, RunDirectoryError

EXIT_FAILURE = 1


def main():
    """Runs the search of the flags; imports TensorFlow, which takes seconds, only for that."""
    try:
        config = search_flags.search_config()
        sources.check_name(config.dataset)
        path = search_flags.OUTPUT_DIR.value or run_directory.default_path("search", config)
        run_directory.check(path, config)
    except (ConfigError, DataError, RunDirectoryError) as error:
        command_line.fail(str(error))
    if run_directory.is_finished(path):
        print(f"{path} holds the finished search of these settings:")
    else:
        _search(config, path)
    print_result(path)


def _search(config, path):
    """Loads the data, and searches in the directory."""
    startup.import_tensorflow()
    from pdarts_tf.progressive import ProgressiveSearch
    from pdarts_tf.training import runtime
    from pdarts_tf.training.checkpoint import CheckpointError
    from pdarts_tf.training.loop import NonFiniteLossError

    runtime.configure()
    try:
        data = sources.load(config.dataset, search_flags.DATA_DIR.value)
        data = sources.resized(data, config.image_size)
        search = ProgressiveSearch(config, data)
        details = {
            "command": "search",
            "data": data.description(),
            "versions": run_directory.versions(),
        }
        with RunDirectory(path, config, details) as run:
            search.execute(run)
    except (DataError, RunDirectoryError, CheckpointError) as error:
        command_line.fail(str(error))
    except NonFiniteLossError as error:
        print(f"error: {error}; {path} keeps the state before that epoch", file=sys.stderr)
        sys.exit(EXIT_FAILURE)
    except KeyboardInterrupt:
        print(f"interrupted; the same command resumes the run in {path}", file=sys.stderr)
        sys.exit(EXIT_FAILURE)


def print_result(path):
    """Prints the genotype of a finished search, and what to do with it."""
    file = os.path.join(path, GENOTYPE)
    genotype = load_genotype(file)
    with open(os.path.join(path, CONFIG), encoding="utf-8") as config:
        settings = json.load(config)["config"]
    print(f"\nResult for M={settings['max_skip_connects']}:\n{genotype}\n")
    print(f"It is in {file}. Train it from scratch with")
    print(f"  python -m pdarts_tf.train --genotype={file} --dataset={settings['dataset']}")


if __name__ == "__main__":
    flags.adopt_module_key_flags(search_flags)
    command_line.run(main, functools.partial(command_line.parse_with_recipe, "search"))
