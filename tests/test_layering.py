"""The order of the modules, and the few things that no source file may do."""

import ast
import subprocess
import sys

import pytest

from tests import source_tree
from tests.source_tree import ROOT, sources

# From low to high: a module imports from lower layers only; the modules of one package, which is
# one layer, may import each other. A new module or package of pdarts_tf gets its place here.
LAYERS = (
    ("errors",),
    ("published_cells", "settings", "startup"),
    ("genotype", "schedules"),
    ("search_space",),
    ("derivation",),
    ("compute_config",),
    ("config",),
    ("layers",),
    ("models",),
    ("data",),
    ("training",),
    ("report",),
    ("stage_search",),
    ("evaluation", "progressive"),
    ("interop",),
    ("job",),
    ("search", "train", "describe"),
)
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}
ONLY_THIRD_PARTY: dict[str, set[str]] = {
    "published_cells": set(),
    "settings": set(),
    "genotype": set(),
    "schedules": set(),
    "search_space": {"numpy"},
    "derivation": {"numpy"},
}
FACADE = "pdarts_tf/__init__.py"
PACKAGE = [path for path in sources("pdarts_tf") if path != FACADE]
SHIPPED = [path for path in sources() if not path.startswith("tests/")]


def unit(path: str) -> str:
    """What has a place in LAYERS: a module or a package directly below pdarts_tf."""
    return source_tree.module_name(path).split(".")[1]


def project_imports(path: str) -> list[tuple[int, str]]:
    """Lines and files of what a file imports from this project."""
    found = [(item.line, source_tree.imported_file(item)) for item in source_tree.imports(path)]
    return [(line, file) for line, file in found if file is not None]


@pytest.mark.parametrize("path", PACKAGE)
def test_imports_go_downward(path):
    assert unit(path) in RANK, f"give {unit(path)} a place in LAYERS"
    for line, file in project_imports(path):
        assert file != FACADE, f"{path}:{line} imports pdarts_tf itself: import the module"
        if file.startswith("pdarts_tf/") and unit(file) != unit(path):
            assert RANK[unit(file)] < RANK[unit(path)], f"{path}:{line} imports upward: {file}"


@pytest.mark.parametrize("path", sources("pdarts_tf/layers", "pdarts_tf/models"))
def test_layers_and_models_know_no_settings(path):
    above = ("pdarts_tf/config.py", "pdarts_tf/training/", "pdarts_tf/data/", "flags/")
    for line, file in project_imports(path):
        assert not file.startswith(above), f"{path}:{line} imports {file}"


@pytest.mark.parametrize("path", sources("pdarts_tf"))
def test_only_entry_points_import_flags_and_nothing_imports_export(path):
    for line, file in project_imports(path):
        assert not file.startswith("export/"), f"{path}:{line} imports {file}"
        if file.startswith("flags/"):
            assert source_tree.is_entry_point(path), f"{path}:{line} imports {file}"


@pytest.mark.parametrize("name", ONLY_THIRD_PARTY)
def test_pure_modules_use_no_framework(name):
    allowed = ONLY_THIRD_PARTY[name] | sys.stdlib_module_names | {"pdarts_tf"}
    for item in source_tree.imports(f"pdarts_tf/{name}.py"):
        assert item.distribution in allowed, f"line {item.line} imports {item.name}"


def modules_without_tensorflow() -> list[str]:
    """The pure modules, and the entry points, which first check their flags."""
    units = [path for path in PACKAGE if path.count("/") == 1]
    light = [
        path for path in units if not RANK["layers"] <= RANK.get(unit(path), 0) < RANK["search"]
    ]
    return ["pdarts_tf", *(source_tree.module_name(path) for path in light)]


def test_the_modules_of_the_contract_exist():
    contract = {"genotype", "schedules", "search_space", "derivation", "config", "search"}
    assert {f"pdarts_tf.{name}" for name in contract} <= set(modules_without_tensorflow())
    assert (ROOT / FACADE).is_file()


@pytest.mark.parametrize("module", modules_without_tensorflow())
def test_importing_loads_no_tensorflow(module):
    code = f"import sys, {module}; print(*sorted({{'tensorflow', 'keras'}} & set(sys.modules)))"
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout.strip()) == (0, ""), result.stdout + result.stderr


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
