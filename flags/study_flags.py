"""Flags of `python -m pdarts_tf.study`."""

import dataclasses
import os
from collections.abc import Sequence
from typing import Any

from absl import flags

from flags.command_line import RECIPES, recipe_path
from flags.fields import define_flags, is_auto, read_flags
from flags.flagfiles import FlagfileError, expanded
from flags.importing import import_plugins
from flags.kinds import define_finite, define_path
from flags.run_flags import define_run_flags
from pdarts_tf.config import SearchConfig, TrainConfig
from pdarts_tf.config.settings import AUTO, as_flag
from pdarts_tf.errors import InputError

RECIPES_OF_METHODS = RECIPES / "methods"
FIRST = ("dataset", "data_dir", "output_dir", "methods", "seeds")  # in --help
PDARTS = "pdarts"
"""The method that is the recipe of the data set itself."""
MAX_JOBS = 1024
_OWN = ("output_dir", "data_dir", "dry_run", "memory_limit_gb")  # of runs: the study sets them

OUTPUT_DIR = define_path("output_dir", "Directory of the study. Required.")
METHODS = flags.DEFINE_list(
    "methods",
    [PDARTS],
    "Methods to compare, the first with all others: pdarts, pdarts_no_dropout, pdarts_unrefined, "
    "darts, darts_second, random, or flagfiles of the search; each with @unrestricted, @M=0, "
    "@stage1 and the like after it for another cell of the same search.",
)
_SEEDS = flags.DEFINE_list("seeds", ["0", "1", "2"], "Seeds of the searches.")
DATASET = flags.DEFINE_string("dataset", "digits", "Data set; see the search's flag.")
DATA_DIR = define_path("data_dir", "Directory of the data; see the search's flag.")
_SEARCH_FLAGS = define_path(
    "search_flags",
    "Flagfile of all searches: on top of the data set's recipe, below those of the methods.",
)
_TRAIN_FLAGS = define_path(
    "train_flags",
    "Flagfile of all trainings, on top of the data set's recipe; by default a tenth of the "
    "training images is held out, whatever the recipe says.",
)
EXECUTOR = flags.DEFINE_enum(
    "executor",
    "local",
    ["local", "ray"],
    "Where trials run: on this machine, or on a Ray cluster whose nodes share --output_dir.",
)
JOBS = flags.DEFINE_integer(
    "jobs",
    1,
    "Trials at once with --executor=local, each with a GPU of its own, or its share of the cores.",
    lower_bound=1,
    upper_bound=MAX_JOBS,
)
GPUS_PER_TRIAL = define_finite(
    "gpus_per_trial", 1.0, "GPUs that a trial takes with --executor=ray."
)
TRIAL = flags.DEFINE_integer(
    "trial",
    None,
    "Run this trial only, from 0, as one of an array of jobs that share --output_dir; the command "
    "without it then compares.",
    lower_bound=0,
)
DRY_RUN = flags.DEFINE_boolean(
    "dry_run", False, "Print the trials and what they would cost, and exit."
)


class StudyFlagsError(InputError):
    """Raised for flags that do not describe a study; the message says what to change."""


def seeds() -> tuple[int, ...]:
    """Returns the seeds of the searches.

    Raises:
        StudyFlagsError: --seeds has something else than integers.
    """
    try:
        return tuple(int(text) for text in _SEEDS.value)
    except ValueError as error:
        raise StudyFlagsError(
            f"--seeds must be integers, such as 0,1,2. Received: {','.join(_SEEDS.value)}"
        ) from error


def search_config(recipe: str) -> tuple[SearchConfig, tuple[str, ...]]:
    """Returns the settings of a method's searches, and further flags of their command.

    Args:
        recipe: "pdarts", another name of a method's recipe, or the path of a flagfile.

    Raises:
        ConfigError: The settings are not valid.
        StudyFlagsError: There is no such recipe, or a flagfile has other flags.
    """
    files = [recipe_path("search", DATASET.value), _SEARCH_FLAGS.value, *_method_files(recipe)]
    return _read("search", SearchConfig, _flagfiles(files))


def train_config() -> tuple[TrainConfig, tuple[str, ...]]:
    """Returns the settings of all trainings, and further flags of their command.

    Raises:
        ConfigError: The settings are not valid.
        StudyFlagsError: The flagfile has other flags.
    """
    # Recipes of the paper's experiments hold no images out: they choose nothing, but a study does.
    hold_out = as_flag("validation_portion", TrainConfig.validation_portion)
    recipe, given = (
        _flagfiles([path]) for path in (recipe_path("train", DATASET.value), _TRAIN_FLAGS.value)
    )
    return _read("train", TrainConfig, [*recipe, hold_out, *given])


def _flagfiles(paths: Sequence[str | os.PathLike[str] | None]) -> list[str]:
    return [f"--flagfile={path}" for path in paths if path is not None]


def _method_files(recipe: str) -> list[str]:
    """Returns the flagfiles of a method's recipe."""
    if recipe == PDARTS:
        return []
    named = RECIPES_OF_METHODS / f"{recipe}.flags"
    if named.is_file():
        return [str(named)]
    if os.path.isfile(path := os.path.expanduser(recipe)):
        return [path]
    known = [PDARTS, *sorted(path.stem for path in RECIPES_OF_METHODS.glob("*.flags"))]
    raise StudyFlagsError(
        f"--methods must be out of {', '.join(known)}, or flagfiles. Received: {recipe}"
    )


def _read(command: str, settings: type, words: Sequence[str]) -> tuple[Any, tuple[str, ...]]:
    """Returns the settings that words of a command line give, and the further flags among them."""
    values = flags.FlagValues()
    define_flags(settings, __name__, values)
    define_run_flags(command, __name__, values)
    try:
        rest = values(["", *expanded(words)])
    except (flags.Error, FlagfileError) as error:
        raise StudyFlagsError(f"flags of the {command}: {error}") from error
    if rest[1:]:
        raise StudyFlagsError(f"flags of the {command}: expected flags only. Received: {rest[1]}")
    if is_auto("batch_size", values):
        raise StudyFlagsError(
            f"flags of the {command}: --batch_size must be a number, since a study compares runs "
            f"with equal batches. Received: {AUTO}"
        )
    import_plugins(values)
    names = {field.name for field in dataclasses.fields(settings)}
    given = [name for name in values if values[name].present and name not in names]
    for name in _OWN:
        if name in given:
            raise StudyFlagsError(
                f"flags of the {command}: leave out --{name}, which the study sets"
            )
    options = tuple(values[name].serialize() for name in given)
    return read_flags(settings, values, dataset=DATASET.value), options
