"""Every command in the documentation is run, or its flags are read, or a line says why not."""

import functools
import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest

from pdarts_tf import __main__ as pdarts
from tests import documented, parsing, source_tree
from tests.commands import run_command
from tests.documented_how import NOT_RUN, PARSED, RUN, TESTED
from tests.image_files import pixels, save, write_folder
from tests.requirements import PROJECT
from tests.run_directories import write_search
from tests.source_tree import ROOT

HOW = (*RUN, *PARSED, *TESTED, *NOT_RUN)
FOUND = [each.text for each in documented.commands()]
# What a reader puts in place of the words in capitals, in the directory of the tests.
VALUES = {
    "D": "data",
    "ROOT": "photos",
    "F": "search.flags",
    "FILE|NAME": "PDARTS",
    "NAME": "digits",
    "N": "1",
    "RUN": "runs/demo",
    "FILE": "page.html",
    "CHECKOUT": "official",
    "PYTHON_WITH_TORCH": "python3",
}
OWN = ("pdarts_tf", "export", "benchmarks", "tools")
# Flags that a page names together with their command only.
MORE = {
    "pdarts client --grpc": ["--model=demo", "image.png"],
    "pdarts export --format=onnx": ["--run_dir=runs/demo", "--export_dir=models/demo"],
    "pdarts study --executor=ray": ["--output_dir=runs/study"],
}


def arguments(text):
    """The words of a command of this project as of `python -m`; None for others."""
    words = documented.words(text, VALUES)
    if words[0] == "pdarts" and len(words) > 1:
        return [pdarts._COMMANDS[words[1]].module, *words[2:]]
    own = words[:2] == ["python", "-m"] and words[2].split(".")[0] in OWN
    return words[2:] if own else None


def test_every_command_of_the_pages_has_a_line():
    missing = sorted(set(FOUND) - set(HOW))
    assert missing == [], "tell in tests/documented_how.py how these are tried, or why not"


def test_every_line_is_a_command_of_a_page_once():
    assert sorted(set(HOW) - set(FOUND)) == []
    assert [text for text, times in Counter(HOW).items() if times > 1] == []


def test_every_module_that_is_named_is_there():
    ours = {name for name in documented.modules() if name.split(".")[0] in (*OWN, "tests")}
    assert ours
    for name in ours:
        path = source_tree.file_of(name) or source_tree.file_of(f"{name}.__main__")
        assert path is not None, name


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A directory with what the commands name."""
    path = tmp_path_factory.mktemp("documented")
    for name in ("demo", "search_cifar10_seed0", "search_folder_seed0", "study"):
        write_search(path / "runs" / name)
    (path / "flags").mkdir()
    (path / "flags/recipes").symlink_to(ROOT / "flags/recipes")
    (path / "studies").symlink_to(ROOT / "studies")
    (path / "data").mkdir()
    (path / "photos/test/cat").mkdir(parents=True)
    for name in ("image.png", "photos/test/cat/IMG_0016.JPG"):
        (path / name).write_bytes(b"")
    for name, lines in {"search": "--epochs=20", "train": "", "short": "", "study": ""}.items():
        (path / f"{name}.flags").write_text(lines)
    (path / "study.flags").write_text("--output_dir=study\n--methods=pdarts\n--seeds=0,1\n")
    (path / "trackers.py").write_text("def mlflow(): ...\n")
    write_plugin(path)
    return path


def write_plugin(path):
    """Writes the module of docs/extending.md into a directory."""
    page = (ROOT / "docs" / "extending.md").read_text("utf-8")
    text = re.search(r"```python\n(import pdarts_tf as pd\n.*?)```", page, re.DOTALL)
    assert text is not None
    (path / "my_primitives.py").write_text(text[1], "utf-8")


def groups():
    """Commands of this project that are parsed: those that may share a process together."""
    found: dict[str, list[str]] = {}
    for text in PARSED:
        if words := arguments(text):
            shared = words[0].startswith(("pdarts_tf", "export"))
            found.setdefault(words[0] if shared else text, []).append(text)
    return list(found.values())


@pytest.mark.parametrize("texts", groups(), ids=lambda texts: arguments(texts[0])[0])
def test_flags_and_settings_are_accepted(folder, texts):
    words = [arguments(text) + MORE.get(text, []) for text in texts]
    done = run_command(*words[0], run=functools.partial(parsing.print_errors, words), cwd=folder)
    assert done.returncode == 0, done.stderr
    errors = json.loads(done.stdout.splitlines()[-1])
    assert dict(zip(texts, errors, strict=True)) == dict.fromkeys(texts)


def test_wrong_flags_and_settings_are_seen(folder):
    command = ["pdarts_tf.train", "--genotype=PDARTS", "--dataset=digits"]
    words = [[*command, "--epoch=1"], [*command, "--layers=2"], command]
    done = run_command(*command, run=functools.partial(parsing.print_errors, words), cwd=folder)
    unknown, wrong, right = json.loads(done.stdout.splitlines()[-1])
    assert "Unknown command line flag 'epoch'" in unknown
    assert "--layers must be" in wrong
    assert right is None


@pytest.mark.parametrize("text", [text for text in PARSED if arguments(text) is None])
def test_targets_extras_and_files_exist(text):
    words = [word for word in documented.words(text, VALUES) if not re.match(r"[A-Z]+=.*/", word)]
    if words[0] == "make":
        subprocess.run(["make", "--dry-run", *words[1:]], cwd=ROOT, check=True, capture_output=True)
    elif words[0] == "pip":
        for extra in re.findall(r"\[(.*)\]", text):
            assert extra in PROJECT["optional-dependencies"]
        assert "-r" not in words or (ROOT / words[-1]).is_file()
    else:
        assert words[1:3] == ["-m", "pytest"]
        assert all((ROOT / word).is_file() for word in words if word.startswith("tests/"))


@pytest.mark.parametrize("path", sorted(set(TESTED.values())))
def test_the_tests_that_are_named_exist(path):
    assert (ROOT / path).is_file()


@pytest.fixture(scope="module")
def working_directory(tmp_path_factory):
    """Where the commands run, one after the other, with a folder of photos."""
    path = tmp_path_factory.mktemp("documented_runs")
    labels = np.arange(24) % 2
    images = pixels(24, (8, 8, 3)) // 2 + (128 * labels[:, None, None, None]).astype(np.uint8)
    write_folder(path / "photos", {"train": (images, labels)}, ["dark", "light"])
    save(path / "photos" / "a.png", images[0])
    write_plugin(path)
    shutil.copy(ROOT / "Makefile", path)
    (path / "bin").mkdir()
    (path / "bin/pdarts").write_text(f'#!/bin/sh\nexec {sys.executable} -m pdarts_tf "$@"\n')
    (path / "bin/pdarts").chmod(0o755)
    return path


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_commands_run_one_after_the_other(working_directory):
    for text in RUN:
        words = arguments(text)
        if text == "python -m pdarts_tf.search --dataset=folder --data_dir=ROOT":
            words.append("--batch_size=4")  # for so few images
        if text.endswith("--export_dir=models/demo"):  # make demo calls this training otherwise
            shutil.copytree(
                working_directory / "runs/demo_trained", working_directory / "runs/demo_training"
            )
        if words is None:
            environment = os.environ | {
                "PATH": f"{working_directory / 'bin'}:{os.environ['PATH']}",
                "PYTHONPATH": str(ROOT),
            }
            done = subprocess.run(
                ["bash", "-ec", text],
                cwd=working_directory,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
        else:
            if words[0] == "pdarts_tf.search" and "--help" not in words:
                words[0] = "tests.one_layer"
            done = run_command(*words, cwd=working_directory)
        assert done.returncode == 0, f"{text}: {done.stderr}"
    written = ("runs/demo/genotype.json", "cells.svg", "page.html", "models/demo/1/saved_model.pb")
    assert [name for name in written if not (working_directory / name).is_file()] == []
