"""The command that repeats a run is read back by the real flags as the same settings."""

import dataclasses
import pathlib
import shlex
from typing import Any

import pytest
from absl import flags

from flags.command_line import recipe_path, recipe_settings
from flags.fields import define_flags, read_flags
from pdarts_tf.config import SearchConfig, TrainConfig
from pdarts_tf.genotype import Genotype
from pdarts_tf.report.repeat import command_to_repeat, compared_settings
from pdarts_tf.report.run import Run

_CHANGES = {"seed": 3, "layers": (5, 6, 7), "flip": True, "l2": 1e-5, "image_size": 16}
SEARCH = SearchConfig(**dataclasses.asdict(recipe_settings("search", "digits")) | _CHANGES)
SKIP = ("skip_connect", 0)
UNPUBLISHED = str(Genotype([SKIP, SKIP], [2], [SKIP, SKIP], [2]))


def run_of(config, path="runs/my run"):
    command = "search" if isinstance(config, SearchConfig) else "train"
    genotype = Genotype.parse(config.genotype) if command == "train" else None
    return Run(pathlib.Path(path), command, config, {}, {}, genotype=genotype)


@pytest.mark.parametrize("config", [SEARCH, SearchConfig(dataset="svhn_cropped", flip=False)])
def test_a_command_gives_the_settings_back(config):
    run = run_of(config)
    words = shlex.split(command_to_repeat(run, recipe_settings("search", config.dataset)))
    values = flags.FlagValues()
    define_flags(SearchConfig, __name__, values)
    flags.DEFINE_string("flagfile", "", "", flag_values=values)
    flags.DEFINE_string("output_dir", "", "", flag_values=values)
    recipe = recipe_path("search", config.dataset)
    values(["", *([f"--flagfile={recipe}"] if recipe else []), *words[3:]])
    assert words[:3] == ["python", "-m", "pdarts_tf.search"]
    assert read_flags(SearchConfig, values) == config
    assert values.output_dir == "runs/my run_again"


def test_a_command_names_only_what_differs_from_the_recipe():
    run = run_of(recipe_settings("search", "cifar10"), "r")
    command = command_to_repeat(run, recipe_settings("search", "cifar10"))
    assert command == "python -m pdarts_tf.search --dataset=cifar10 --output_dir=r_again"


def test_a_network_that_a_budget_has_chosen_is_not_chosen_anew():
    recipe: Any = recipe_settings("train", "digits")
    chosen = dataclasses.replace(recipe, init_channels=8, max_macs=10**6, max_latency_ms=2.5)
    words = shlex.split(command_to_repeat(run_of(chosen, "r"), recipe))
    assert words[3:] == [
        "--genotype=PDARTS", "--dataset=digits", "--init_channels=8", "--output_dir=r_again",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("genotype", "name"),
    [
        ("DARTS_V2", "DARTS_V2"),
        (str(Genotype.parse("PDARTS")), "PDARTS"),
        (UNPUBLISHED, "r/genotype.json"),
    ],
)
def test_a_training_names_its_genotype_or_its_file(genotype, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pathlib.Path("r").mkdir()
    pathlib.Path("r/genotype.json").touch()
    run = run_of(TrainConfig(genotype=genotype), "r")
    command = command_to_repeat(run, recipe_settings("train", "digits"))
    assert command.startswith(f"python -m pdarts_tf.train --genotype={name} --dataset=digits ")


def test_a_training_whose_file_is_lost_gives_its_genotype(tmp_path):
    run = run_of(TrainConfig(genotype=UNPUBLISHED), tmp_path)
    words = shlex.split(command_to_repeat(run, recipe_settings("train", "digits")))
    assert words[3] == f"--genotype={UNPUBLISHED}"


@pytest.mark.parametrize(
    ("path", "beside"), [("runs/a b/", "runs/a b_again"), (".", "{here}_again")]
)
def test_the_run_is_repeated_beside_the_original(path, beside, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = shlex.split(
        command_to_repeat(run_of(SEARCH, path), recipe_settings("search", "digits"))
    )
    assert words[-1] == f"--output_dir={beside.format(here=tmp_path)}"


def test_the_data_is_found_again():
    run = dataclasses.replace(
        run_of(SEARCH), options={"data_dir": "my photos; rm -rf", "max_megapixels": 100}
    )
    words = shlex.split(command_to_repeat(run, recipe_settings("search", "digits")))
    assert {"--data_dir=my photos; rm -rf", "--max_megapixels=100"} <= set(words)


def test_settings_that_differ_come_first():
    rows = compared_settings(run_of(SEARCH), recipe_settings("search", "digits"))
    assert [row.name for row in rows if row.differs] == [row.name for row in rows[:5]]
    assert ("layers", "5,6,7", "3,4,5") in [row[:3] for row in rows[:5]]
    assert len(rows) == len(dataclasses.fields(SearchConfig))


def test_what_was_given_is_repeated_where_the_data_would_choose():
    run = dataclasses.replace(
        run_of(SearchConfig(dataset="folder", batch_size=8)), given=frozenset({"epochs"})
    )
    words = shlex.split(command_to_repeat(run, SearchConfig()))
    assert {"--epochs=25", "--batch_size=8"} <= set(words)
    assert not [word for word in words if word.startswith("--init_channels")]
