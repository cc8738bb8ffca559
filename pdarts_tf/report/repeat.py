"""What makes a run different from its recipe, and the command that runs it again."""

import dataclasses
import shlex
from typing import Any, NamedTuple

from pdarts_tf.config.settings import Settings, shown
from pdarts_tf.genotype import GENOTYPES, Genotype
from pdarts_tf.report.run import Run
from pdarts_tf.runs.run_directory import GENOTYPE


class Setting(NamedTuple):
    """A setting of a run: its flag's name, its value and the recipe's as typed, its help text."""

    name: str
    value: str
    recipe: str
    help: str
    differs: bool


def compared_settings(run: Run, recipe: Settings) -> list[Setting]:
    """Returns all settings of a run beside those of its recipe, those that differ first.

    Args:
        run: the run.
        recipe: settings of the same class.
    """
    found = []
    for each in dataclasses.fields(run.settings):
        mine, theirs = getattr(run.settings, each.name), getattr(recipe, each.name)
        found.append(
            Setting(each.name, shown(mine), shown(theirs), each.metadata["help"], mine != theirs)
        )
    return sorted(found, key=lambda setting: not setting.differs)


def command_to_repeat(run: Run, recipe: Settings) -> str:
    """Returns the command that runs the same again, into a directory beside the first one.

    Args:
        run: the run.
        recipe: settings of the same class, which the command's --dataset brings.
    """
    words = ["python", "-m", f"pdarts_tf.{run.command}"]
    if run.command == "train":
        name = published_name(run.genotype) or run.path / GENOTYPE
        words.append(f"--genotype={name}")
    words.append(f"--dataset={run.settings.dataset}")
    for each in dataclasses.fields(run.settings):
        value = getattr(run.settings, each.name)
        if each.name not in ("genotype", "dataset") and value != getattr(recipe, each.name):
            words.append(_flag(each.name, value))
    words.append(f"--output_dir={run.path}_again")
    return shlex.join(words)


def published_name(genotype: Genotype | None) -> str | None:
    """Returns the name of a published cell, None if it is none."""
    return next((name for name, each in GENOTYPES.items() if each == genotype), None)


def _flag(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return f"--{name}" if value else f"--no{name}"
    return f"--{name}={shown(value)}"
