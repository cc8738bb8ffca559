"""Flags of `python -m pdarts_tf.study`."""

import dataclasses
import os
from collections.abc import Sequence
from typing import Any

from absl import flags

from flags.command_line import RECIPES, recipe_path
from flags.fields import define_flags, read_flags
from flags.run_flags import define_run_flags
from pdarts_tf.config import SearchConfig, TrainConfig
from pdarts_tf.study.methods import PDARTS, Method, StudyError
from pdarts_tf.study.trials import Study

METHODS = RECIPES / "methods"
_OWN = ("output_dir", "data_dir", "dry_run", "memory_limit_gb")  # of runs: the study sets them

OUTPUT_DIR = flags.DEFINE_string("output_dir", None, "Directory of the study. Required.")
_METHODS = flags.DEFINE_list(
    "methods",
    [PDARTS],
    "Methods to compare, the first with all others: pdarts, pdarts_no_dropout, pdarts_unrefined, "
    "darts, darts_second, random, or flagfiles of the search; each with @unrestricted, @M=0, "
    "@stage1 and the like after it for another cell of the same search.",
)
_SEEDS = flags.DEFINE_list("seeds", ["0", "1", "2"], "Seeds of the searches.")
_DATASET = flags.DEFINE_string("dataset", "digits", "Data set; see the search's flag.")
_DATA_DIR = flags.DEFINE_string("data_dir", None, "Directory of the data; see the search's flag.")
_SEARCH_FLAGS = flags.DEFINE_string(
    "search_flags",
    None,
    "Flagfile of all searches: on top of the data set's recipe, below those of the methods.",
)
_TRAIN_FLAGS = flags.DEFINE_string(
    "train_flags", None, "Flagfile of all trainings, on top of the data set's recipe."
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
)
GPUS_PER_TRIAL = flags.DEFINE_float(
    "gpus_per_trial", 1.0, "GPUs that a trial takes with --executor=ray.", lower_bound=0.0
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


def study() -> Study:
    """Returns the study that the flags describe.

    Raises:
        InputError: They are not valid.
    """
    methods = tuple(Method.parse(text) for text in _METHODS.value)
    dataset = _DATASET.value
    searches: dict[str, SearchConfig] = {}
    search_options: tuple[str, ...] = ()
    for recipe in dict.fromkeys(method.recipe for method in methods):
        files = [_SEARCH_FLAGS.value, *_method_files(recipe)]
        searches[recipe], search_options = _read("search", SearchConfig, dataset, files)
    training, train_options = _read("train", TrainConfig, dataset, [_TRAIN_FLAGS.value])
    return Study(
        methods,
        _seeds(),
        searches,
        training,
        _DATA_DIR.value,
        search_options,
        train_options,
    )


def _seeds() -> tuple[int, ...]:
    try:
        return tuple(int(text) for text in _SEEDS.value)
    except ValueError as error:
        received = ",".join(_SEEDS.value)
        raise StudyError(
            f"--seeds must be integers, such as 0,1,2. Received: {received}"
        ) from error


def _method_files(recipe: str) -> list[str]:
    """Returns the flagfiles of a method's recipe."""
    if recipe == PDARTS:
        return []
    named = METHODS / f"{recipe}.flags"
    if named.is_file():
        return [str(named)]
    if os.path.isfile(recipe):
        return [recipe]
    known = ", ".join([PDARTS, *sorted(path.stem for path in METHODS.glob("*.flags"))])
    raise StudyError(f"--methods must be out of {known}, or flagfiles. Received: {recipe}")


def _read(
    command: str, settings: type, dataset: str, files: Sequence[str | None]
) -> tuple[Any, tuple[str, ...]]:
    """Returns the settings that flagfiles give on top of the recipe, and their further flags."""
    values = flags.FlagValues()
    define_flags(settings, __name__, values)
    define_run_flags(command, __name__, values)
    flags.DEFINE_string("flagfile", "", "Recipe.", flag_values=values)
    paths = [str(path) for path in (recipe_path(command, dataset), *files) if path is not None]
    try:
        rest = values(["", *(f"--flagfile={path}" for path in paths)])
    except (flags.Error, OSError) as error:
        raise StudyError(f"flags of the {command}: {error}") from error
    if rest[1:]:
        raise StudyError(f"flags of the {command}: expected flags only. Received: {rest[1]}")
    names = {field.name for field in dataclasses.fields(settings)} | {"flagfile"}
    given = [name for name in values if values[name].present and name not in names]
    for name in _OWN:
        if name in given:
            raise StudyError(f"flags of the {command}: leave out --{name}, which the study sets")
    options = tuple(values[name].serialize() for name in given)
    return read_flags(settings, values, dataset=dataset), options
