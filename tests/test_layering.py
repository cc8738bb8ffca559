"""The order of the modules, and the few things that no source file may do."""

import ast
import subprocess
import sys
from collections import Counter

import pytest

from tests import source_tree
from tests.source_tree import ROOT, sources

# From low to high: a module imports from lower rooms only; the modules of one room may import each
# other. A new module or room of pdarts_tf gets its place here. Commands, the modules that
# `python -m` runs, are above all rooms, even where their files lie inside one.
ROOMS = (
    ("errors", "registration"),
    (
        "arrays",
        "durations",
        "exported_models",
        "own_packages",
        "plugins",
        "primitives",
        "probabilities",
        "published_cells",
        "startup",
        "stems",
        "streams",
    ),
    ("cell_fields", "literals"),
    ("interchange",),
    ("notations",),
    ("genotype", "schedules"),
    ("search_space",),
    ("derivation",),
    ("alphas",),
    ("config", "layers"),
    ("models",),
    ("data",),
    ("cost",),
    ("training",),
    ("runs",),
    ("search", "train"),
    ("prediction",),
    ("drawing", "interop"),
    ("tensorboard",),
    ("report",),
    ("study", "library"),
)
COMMANDS = "commands"
RANK = {name: rank for rank, names in enumerate(ROOMS) for name in names} | {COMMANDS: len(ROOMS)}
OBSERVERS = ("pdarts_tf/drawing/", "pdarts_tf/tensorboard/", "pdarts_tf/report/",
             "pdarts_tf/study/")  # fmt: skip
ONLY_THIRD_PARTY: dict[str, set[str]] = {
    "arrays": {"numpy"},
    "durations": set(),
    "own_packages": set(),
    "primitives": set(),
    "published_cells": set(),
    "cell_fields": set(),
    "literals": set(),
    "interchange": set(),
    "notations": set(),
    "genotype": set(),
    "schedules": set(),
    "search_space": {"numpy"},
    "derivation": {"numpy"},
    "alphas": {"numpy"},
}
FACADE = "pdarts_tf/__init__.py"
PACKAGE = [path for path in sources("pdarts_tf") if path != FACADE]
RUNNING = {"search", "train", "training", "runs", "data", "models", "layers", "cost"}
SHIPPED = [path for path in sources() if not path.startswith("tests/")]


def room(path: str) -> str:
    """The room of a file: a module or a package directly below pdarts_tf, or the commands."""
    if source_tree.is_entry_point(path):
        return COMMANDS
    return source_tree.module_name(path).split(".")[1]


def project_imports(path: str) -> list[tuple[int, str]]:
    """Lines and files of what a file imports from this project."""
    found = [(item.line, source_tree.imported_file(item)) for item in source_tree.imports(path)]
    return [(line, file) for line, file in found if file is not None]


@pytest.mark.parametrize("path", PACKAGE)
def test_imports_go_downward(path):
    assert room(path) in RANK, f"give {room(path)} a place in ROOMS"
    for line, file in project_imports(path):
        assert file != FACADE, f"{path}:{line} imports pdarts_tf itself: import the module"
        if file.startswith("pdarts_tf/") and room(file) != room(path):
            assert RANK[room(file)] < RANK[room(path)], f"{path}:{line} imports upward: {file}"


@pytest.mark.parametrize("path", sources("pdarts_tf/layers", "pdarts_tf/models"))
def test_layers_and_models_know_no_settings(path):
    above = ("pdarts_tf/config/", "pdarts_tf/training/", "pdarts_tf/data/", "flags/")
    for line, file in project_imports(path):
        assert not file.startswith(above), f"{path}:{line} imports {file}"


@pytest.mark.parametrize("path", [path for path in PACKAGE if room(path) in RUNNING])
def test_what_runs_knows_nobody_who_watches(path):
    for line, file in project_imports(path):
        assert not file.startswith(OBSERVERS), f"{path}:{line} imports {file}"


@pytest.mark.parametrize("path", sources("pdarts_tf"))
def test_only_commands_import_flags_and_nothing_imports_export(path):
    for line, file in project_imports(path):
        assert not file.startswith("export/"), f"{path}:{line} imports {file}"
        if file.startswith("flags/"):
            # Functions have the recipes of the commands.
            if path == "pdarts_tf/library/recipes.py":
                assert file == "flags/command_line.py"
                continue
            assert room(path) == COMMANDS, f"{path}:{line} imports {file}"


@pytest.mark.parametrize("path", sources("flags"))
def test_flags_know_settings_and_options_only(path):
    known = ("flags/", "pdarts_tf/config/", "pdarts_tf/errors.py", "pdarts_tf/genotype.py",
             "pdarts_tf/plugins.py", "pdarts_tf/runs/options.py", "pdarts_tf/stems.py",
             "pdarts_tf/streams.py", "pdarts_tf/training/devices.py")  # fmt: skip
    for line, file in project_imports(path):
        assert file.startswith(known), f"{path}:{line} imports {file}"


def test_no_two_modules_and_no_two_classes_have_one_name():
    modules: Counter[str] = Counter()
    classes: Counter[str] = Counter()
    for path in [*sources("pdarts_tf"), *sources("flags"), *sources("export")]:
        modules[path.split("/")[-1]] += 1
        classes.update(
            node.name
            for node in source_tree.tree(path).body
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
        )
    allowed = {"__init__.py", "__main__.py"}
    assert {name for name, count in modules.items() if count > 1} <= allowed
    assert [name for name, count in classes.items() if count > 1] == []


@pytest.mark.parametrize("name", ONLY_THIRD_PARTY)
def test_pure_modules_use_no_framework(name):
    allowed = ONLY_THIRD_PARTY[name] | sys.stdlib_module_names | {"pdarts_tf"}
    for item in source_tree.imports(f"pdarts_tf/{name}.py"):
        assert item.distribution in allowed, f"line {item.line} imports {item.name}"


def modules_without_tensorflow() -> list[str]:
    """The rules, the settings, what only counts or shows, and commands: they check flags first."""
    light = {"config", "drawing", "tensorboard", "report", "study", COMMANDS}
    light |= {name for names in ROOMS[: RANK["config"]] for name in names}
    found = [source_tree.module_name(path) for path in PACKAGE if room(path) in light]
    counting = ("candidates", "description", "latency_model", "latency_program", "plan")
    return ["pdarts_tf", *found, *(f"pdarts_tf.cost.{name}" for name in counting)]


def test_the_modules_of_the_contract_exist():
    contract = {"genotype", "schedules", "search_space", "derivation", "config"}
    assert {f"pdarts_tf.{name}" for name in contract} <= set(modules_without_tensorflow())
    assert "pdarts_tf.search.__main__" in modules_without_tensorflow()
    assert (ROOT / FACADE).is_file()


@pytest.mark.slow
def test_importing_the_light_modules_loads_no_tensorflow():
    """All from one interpreter, which forks: two commands cannot define their flags in one."""
    code = """
import importlib, os, sys
import numpy
for name in sys.argv[1:]:
    if not os.fork():
        importlib.import_module(name)
        loaded = {"tensorflow", "keras"} & set(sys.modules)
        sys.exit(f"{name} imports TensorFlow" if loaded else 0)
    if os.wait()[1]:
        sys.exit(1)
"""
    command = [sys.executable, "-c", code, *modules_without_tensorflow()]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")


def offence(node: ast.AST) -> str | None:
    """What a node does that no shipped source may."""
    match node:
        case ast.Assert():
            return "assert: it vanishes under -O, raise an error"
        case ast.ImportFrom(names=[ast.alias(name="*")]):
            return "star import"
        case ast.ExceptHandler(type=None):
            return "bare except"
        case ast.Call(func=ast.Name(id="eval" | "exec")):
            return "eval or exec"
    return None


@pytest.mark.parametrize("path", SHIPPED)
def test_sources_keep_to_the_style(path):
    found = [(offence(node), node) for node in ast.walk(source_tree.tree(path))]
    assert not [f"{path}:{getattr(node, 'lineno', 0)}: {what}" for what, node in found if what]
    assert not path.endswith("/utils.py"), "name the file after what is in it"
    length = len((ROOT / path).read_text("utf-8").splitlines())
    assert length < 350, "split it by subject"


@pytest.mark.parametrize(
    "line",
    ["assert x", "from os import *", "try: x\nexcept: pass", "x = eval('1')", "exec('x')"],
)
def test_offences_are_seen(line):
    assert any(offence(node) for node in ast.walk(ast.parse(line)))
