"""Settings that follow from the data, for data sets without a recipe."""

import dataclasses
from collections.abc import Collection
from typing import Any, NamedTuple

from pdarts_tf.config.data_rules import TrainingData, search_rules, train_rules
from pdarts_tf.config.search import SearchConfig
from pdarts_tf.config.settings import as_flag
from pdarts_tf.config.train import TrainConfig

_Config = SearchConfig | TrainConfig


class ChosenSetting(NamedTuple):
    """A setting that was chosen.

    Args:
        name: Name of the setting.
        value: Its value.
        reason: Why it is that, for people.
    """

    name: str
    value: Any
    reason: str


def chosen(
    config: _Config, unset: Collection[str], data: TrainingData, multiple: int = 1
) -> list[ChosenSetting]:
    """Returns the settings that follow from the data.

    Args:
        config: Settings of the run.
        unset: Names of settings that may be chosen; all others keep their values.
        data: The training images.
        multiple: Number of which the batch size has to be a multiple.

    Example:

    >>> photos = TrainingData((120, 80, 60), (96, 96, 3))
    >>> [each] = chosen(TrainConfig(), {"batch_size"}, photos)
    >>> each.value, each.reason
    (8, 'about 32 steps an epoch')
    """
    rules = search_rules if isinstance(config, SearchConfig) else train_rules
    values = {each.name: getattr(config, each.name) for each in dataclasses.fields(config)}
    choices = []
    for name, rule in rules(data, multiple).items():
        if name in unset:
            value, reason = rule(values)
            values[name] = value
            choices.append(ChosenSetting(name, value, reason))
    return choices


def with_choices(config: _Config, choices: Collection[ChosenSetting]) -> _Config:
    """Returns settings with what was chosen."""
    return dataclasses.replace(config, **{each.name: each.value for each in choices})


def lines(choices: Collection[ChosenSetting], data: TrainingData) -> list[str]:
    """Returns lines for people: what was chosen and why; none if nothing was."""
    if not choices:
        return []
    height, width, _ = data.image_shape
    by_reason: dict[str, list[str]] = {}
    for each in choices:
        by_reason.setdefault(each.reason, []).append(as_flag(each.name, each.value))
    return [
        f"settings that follow from {data.num_images:,} training images of {height}x{width} "
        f"pixels in {len(data.counts)} classes (flags override them):",
        *(f"  {' '.join(flags)}  {reason}" for reason, flags in by_reason.items()),
    ]
