"""Differences between a run and its recipe, and the command that repeats the run."""

import dataclasses
import pathlib
from typing import NamedTuple

from pdarts_tf.config.settings import Settings, shown
from pdarts_tf.config.train import BUDGET
from pdarts_tf.genotype import GENOTYPES, Genotype
from pdarts_tf.report.run import Run
from pdarts_tf.runs.next_commands import MODULES, changed_flags, option_flags, shell_line
from pdarts_tf.runs.run_directory import GENOTYPE


class ComparedSetting(NamedTuple):
    """A setting of a run beside that of its recipe.

    Args:
        name: Name of the flag.
        value: Value in the run, as typed on the command line.
        recipe: Value in the recipe, as typed on the command line.
        help: Help text of the flag.
        differs: Whether the two values differ.
    """

    name: str
    value: str
    recipe: str
    help: str
    differs: bool


def compared_settings(run: Run, recipe: Settings) -> list[ComparedSetting]:
    """Returns all settings of a run beside those of its recipe, those that differ first.

    Args:
        run: The run.
        recipe: Settings of the same class.
    """
    found = []
    for each in dataclasses.fields(run.settings):
        mine, theirs = getattr(run.settings, each.name), getattr(recipe, each.name)
        text = each.metadata["help"]
        found.append(ComparedSetting(each.name, shown(mine), shown(theirs), text, mine != theirs))
    return sorted(found, key=lambda setting: not setting.differs)


def command_to_repeat(run: Run, recipe: Settings) -> str:
    """Returns the command that repeats a run, in a directory beside the original.

    Args:
        run: The run.
        recipe: Settings of the same class that the command's --dataset implies.
    """
    # A budget may have chosen the network, which the other settings describe; it would choose anew.
    named = ("genotype", "dataset", *BUDGET)
    names = [each.name for each in dataclasses.fields(run.settings) if each.name not in named]
    return shell_line(
        MODULES[run.command],
        *([f"--genotype={_genotype(run)}"] if run.command == "train" else []),
        f"--dataset={run.settings.dataset}",
        *option_flags(run.options),
        *changed_flags(run.settings, recipe, names, run.given),
        f"--output_dir={_beside(run.path)}",
    )


def _genotype(run: Run) -> str:
    """Returns what names the genotype of a training: its name, its file, or else itself."""
    file = run.path / GENOTYPE
    return published_name(run.genotype) or str(file if file.is_file() else run.genotype)


def _beside(path: pathlib.Path) -> pathlib.Path:
    """Returns the path of a directory beside another one."""
    named = path if path.name not in ("", "..") else path.resolve()
    return named.with_name(f"{named.name}_again")


def published_name(genotype: Genotype | None) -> str | None:
    """Returns the name of a genotype if it is published, else None.

    >>> published_name(GENOTYPES["DARTS_V2"])
    'DARTS_V2'
    """
    return next((name for name, each in GENOTYPES.items() if each == genotype), None)
