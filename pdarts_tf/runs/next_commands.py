"""Commands to go on with a run, as lines that a shell understands.

What they need to find the same data goes along: its directory, the size of its images, and what
else of the user's choices a command that was pasted alone would lack.
"""

import dataclasses
import os
import shlex
from collections.abc import Callable, Collection, Mapping
from typing import Any

from pdarts_tf.config import SearchConfig, TrainConfig
from pdarts_tf.config.data import DataConfig
from pdarts_tf.config.settings import Settings, as_flag
from pdarts_tf.runs.options import given_settings, recorded_options
from pdarts_tf.runs.run_directory import (
    CONFIG,
    GENOTYPE,
    RunDirectoryError,
    command_of,
    read_config,
    read_settings,
)

MODULES = {"search": "pdarts_tf.search", "train": "pdarts_tf.train"}
"""Modules of the commands that make run directories."""

Recipes = Callable[[str, str], Settings]
"""Function (command, data set) -> settings of the recipe."""

# How long and in which batches a search computes says nothing about a training.
_OF_DATA = {each.name for each in dataclasses.fields(DataConfig)} - {
    "dataset",
    "max_steps_per_epoch",
}
_Path = str | os.PathLike[str]


def shell_line(module: str, *words: object) -> str:
    """Returns a command as a line for a shell.

    >>> shell_line("pdarts_tf.train", "--evaluate_only", "--run_dir=my run")
    "python -m pdarts_tf.train --evaluate_only '--run_dir=my run'"
    """
    return shlex.join(["python", "-m", module, *map(str, words)])


def changed_flags(
    settings: Settings, implied: Settings, names: Collection[str], given: Collection[str] = ()
) -> list[str]:
    """Returns the flags of settings that differ from those that a command has without them.

    Args:
        settings: Settings of a run.
        implied: Settings of the same class that the command's --dataset implies.
        names: Names of the settings to compare. Those that are None are left out, since no flag
            sets a value to None.
        given: Names of settings whose flags are returned even if they do not differ.

    >>> changed_flags(SearchConfig(seed=1, epochs=30), SearchConfig(), {"seed"})
    ['--seed=1']
    """
    values = {each.name: getattr(settings, each.name) for each in dataclasses.fields(settings)}
    return [
        as_flag(name, value)
        for name, value in values.items()
        if name in names
        and value is not None
        and (name in given or value != getattr(implied, name))
    ]


def option_flags(options: Mapping[str, Any]) -> list[str]:
    """Returns the flags of options, such as those of `RunOptions.of_data`."""
    return [as_flag(name, value) for name, value in options.items()]


def train_line(run: _Path, genotype: _Path, recipes: Recipes, options: Mapping[str, Any]) -> str:
    """Returns the command that trains a genotype on the data of a run.

    Args:
        run: The run directory, of a search or a training.
        genotype: File of the genotype.
        recipes: Settings by command and data set.
        options: Options of the data that go before those that the run has recorded.

    Raises:
        RunDirectoryError: It is no run directory.
    """
    content = read_config(run)
    command = command_of(content)
    settings: Any = read_settings(run, SearchConfig if command == "search" else TrainConfig)
    own, theirs = (recipes(each, settings.dataset) for each in (command, "train"))
    if (given := given_settings(content)) is not None:
        # The training chooses what the search has chosen, by the same data.
        words = changed_flags(settings, theirs, _OF_DATA & given, given)
    else:
        fields = dataclasses.fields(own)
        changed = [each.name for each in fields if _differs(settings, own, each.name)]
        words = changed_flags(settings, theirs, _OF_DATA.intersection(changed))
        if not _fits(content.get("data"), theirs):
            words.append(as_flag("batch_size", settings.batch_size))
    return shell_line(
        MODULES["train"],
        f"--genotype={os.fspath(genotype)}",
        f"--dataset={settings.dataset}",
        *option_flags(recorded_options(content) | dict(options)),
        *words,
    )


def _differs(settings: Settings, other: Settings, name: str) -> bool:
    return bool(getattr(settings, name) != getattr(other, name))


def _fits(data: Any, settings: Any) -> bool:
    """Returns whether the training images of a run surely fill a batch of other settings."""
    if not isinstance(data, dict) or not isinstance(num_train := data.get("num_train"), int):
        return True
    # What is held out is rounded by class.
    rounded = len(data.get("class_names", ())) if settings.validation_portion else 0
    held_out = int(num_train * settings.validation_portion) + rounded
    return bool(settings.batch_size <= num_train - held_out)


def evaluate_line(run: _Path, options: Mapping[str, Any]) -> str:
    """Returns the command that tests the stored weights of a training; see `train_line`."""
    return shell_line(
        MODULES["train"],
        "--evaluate_only",
        f"--run_dir={os.fspath(run)}",
        *option_flags(recorded_options(read_config(run)) | dict(options)),
    )


def read_training(run: _Path, recipes: Recipes) -> TrainConfig:
    """Returns the settings of a training; a search is refused with the command that trains.

    Args:
        run: The run directory.
        recipes: Settings by command and data set.

    Raises:
        RunDirectoryError: It is not the run directory of a training.
    """
    genotype = os.path.join(run, GENOTYPE)
    has_genotype = os.path.isfile(genotype)
    if has_genotype and not os.path.exists(os.path.join(run, CONFIG)):
        raise RunDirectoryError(
            f"{os.fspath(run)} has a genotype, but no weights; train it first: "
            f"{shell_line(MODULES['train'], f'--genotype={genotype}')} and --dataset"
        )
    if command_of(read_config(run)) == "train":
        return read_settings(run, TrainConfig)
    if not has_genotype:
        raise RunDirectoryError(
            f"{os.fspath(run)} is a search that is not finished, and has no weights to test; "
            "finish it by its own command, then train its genotype"
        )
    raise RunDirectoryError(
        f"{os.fspath(run)} is a search, which has no weights to test; train its genotype first: "
        + train_line(run, genotype, recipes, {})
    )
