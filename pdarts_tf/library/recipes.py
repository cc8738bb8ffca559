"""Settings of the commands' recipes, for functions."""

import dataclasses
import difflib
from collections.abc import Collection
from typing import Any, TypeVar

from pdarts_tf.config import SearchConfig, TrainConfig
from pdarts_tf.config.settings import Settings

_Config = TypeVar("_Config", SearchConfig, TrainConfig)


def recipe_settings(command: str, dataset: str) -> Settings:
    """Returns the settings that a command has for a data set when no flag is given.

    Args:
        command: "search" or "train".
        dataset: Name of any data set; without a recipe, it gets the defaults.
    """
    from flags import command_line

    return command_line.recipe_settings(command, dataset)


def given_settings(command: str, dataset: str, settings: Collection[str]) -> frozenset[str] | None:
    """Returns the settings that were given; None if there is a recipe, which sets the others.

    Args:
        command: "search" or "train".
        dataset: Name of any data set.
        settings: Names of the settings that were given.
    """
    from flags import command_line

    has_recipe = command_line.recipe_path(command, dataset) is not None
    return None if has_recipe else frozenset(settings)


def settings_for(kind: type[_Config], dataset: str, settings: dict[str, Any]) -> _Config:
    """Returns the settings of a run: those of the recipe of its data set, changed as told.

    Args:
        kind: `SearchConfig` or `TrainConfig`.
        dataset: Name of the data set.
        settings: Fields of `kind` by name.

    Raises:
        TypeError: If there is no such setting.
        ConfigError: If settings do not fit each other.

    Example:

    >>> settings_for(SearchConfig, "digits", {"epochs": 30}).layers
    (3, 4, 5)
    """
    known = {field.name for field in dataclasses.fields(kind)}
    unknown = sorted(set(settings) - known)
    if unknown:
        close = difflib.get_close_matches(unknown[0], known, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise TypeError(f"expected settings of {kind.__name__}. Received: {unknown[0]!r}{hint}")
    command = "search" if kind is SearchConfig else "train"
    recipe: Any = recipe_settings(command, dataset)
    return dataclasses.replace(recipe, **settings)
