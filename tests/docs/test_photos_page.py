"""docs/photos.md: its commands, one after the other, on the photos that the first of them makes."""

import csv
import json
import pathlib
import re
import shlex
from collections import Counter

import pytest

from tests.commands import run_command
from tests.documented import commands_of
from tests.source_tree import ROOT

PAGE = (ROOT / "docs/photos.md").read_text("utf-8")
# Another test runs what follows: it needs a server, or measures for an hour.
ELSEWHERE = ("export.client", "benchmarks.photo_baselines")
FEW = ("--train_images_per_class=4", "--epochs=2", "--batch_size=8", "--init_channels=4")
# What makes a command short; searches are those of a supernet of one layer.
SHORTER = {
    "pdarts_tf.search": (*FEW, "--warmup_epochs=1", "--layers=3,3,3"),
    "pdarts_tf.train": (*FEW, "--layers=3"),
}


def words(text):
    """The words of a command of the page as of `python -m`, and the file its output goes to."""
    _, _, *own = shlex.split(text)
    return (own[:-2], own[-1]) if ">" in own else (own, None)


OWN = [words(text) for text in commands_of(PAGE) if text.startswith("python -m ")]
COMMANDS = [(own, output) for own, output in OWN if own[0] not in ELSEWHERE]


pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


DRY_RUN = "pdarts_tf.search --dataset=folder --data_dir=photos --image_size=96 --dry_run"


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """The directory in which all commands have run, and {command: what it printed}."""
    path = tmp_path_factory.mktemp("photos_page")
    printed = {}
    for (module, *arguments), output in COMMANDS:
        program = "tests.one_layer" if module == "pdarts_tf.search" else module
        # The dry run is the page's, with the settings that follow from all of the photos.
        shorter = () if "--dry_run" in arguments else SHORTER.get(module, ())
        done = run_command(program, *arguments, *shorter, cwd=path)
        assert done.returncode == 0, f"{module}: {done.stderr}"
        if output is not None:
            (path / output).write_text(done.stdout, "utf-8")
        printed[shlex.join((module, *arguments))] = done.stdout
    return path, printed


def test_the_page_goes_from_a_folder_to_a_model(ran):
    path, _ = ran
    for file in ("runs/photos/genotype.json", "models/photos/1/saved_model.pb"):
        assert (path / file).is_file()


def test_the_dry_run_prints_what_the_page_shows(ran):
    _, printed = ran
    before_the_search, *_ = PAGE.partition("## 3. Search")
    shown = re.findall(r"```text\n(.*?)```", before_the_search, re.DOTALL)
    assert len(shown) == 2
    for block in shown:
        assert block in printed[DRY_RUN]


def test_every_image_is_answered_by_the_run(ran):
    path, printed = ran
    table = printed["pdarts_tf.predict --run_dir=runs/photos_network photos/test/cat"]
    answers = [line for line in table.splitlines() if line.startswith("photos/test/cat/")]
    assert len(answers) == len(list((path / "photos/test/cat").iterdir())) == 25


def test_the_exported_model_answers_as_the_test_of_the_training(ran):
    path, _ = ran
    with open(path / "answers.csv", encoding="utf-8") as file:
        answers = list(csv.DictReader(file))
    right = Counter(
        pathlib.Path(each["image"]).parent.name
        for each in answers
        if each["class"] == pathlib.Path(each["image"]).parent.name
    )
    tested = json.loads((path / "runs/photos_network/result.json").read_text("utf-8"))["test"]
    names = json.loads((path / "runs/photos_network/config.json").read_text("utf-8"))["data"][
        "class_names"
    ]
    assert len(answers) == sum(tested["images"]) == 370
    expected = dict(zip(names, tested["correct"], strict=True))
    # A few images may lie between two classes for a network that has hardly been trained.
    assert sum(abs(right[name] - count) for name, count in expected.items()) <= 2
