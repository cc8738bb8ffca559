"""BUILD names exactly the sources and dependencies that there are.

Twice: compared with what tools/build_file.py would write, and read on its own.
"""

import ast
import difflib
import re
import sys
import tomllib
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import pytest

from tests import source_tree
from tests.source_tree import ROOT, Import
from tools import build_file

REWRITE = "run `python -m tools.build_file --write`"
RULES = ("py_library", "py_binary", "py_test")
TEST_MAIN = "tests/run_pytest.py"


def read_element(node: ast.expr) -> str:
    """A string, or the distribution in a call of `requirement`, written as `@distribution`."""
    if isinstance(node, ast.Call):
        assert ast.unparse(node.func) == "requirement", f"BUILD:{node.lineno}: only requirement()"
        return "@" + ast.literal_eval(node.args[0])
    return ast.literal_eval(node)


def read_targets() -> list[dict[str, Any]]:
    """The rules in BUILD with their attributes; nothing in it is evaluated but literals."""
    found = []
    for statement in ast.parse((ROOT / "BUILD").read_text("utf-8")).body:
        assert isinstance(statement, ast.Expr), f"BUILD:{statement.lineno}: only calls and texts"
        if not isinstance(statement.value, ast.Call):
            continue
        rule = ast.unparse(statement.value.func)
        assert rule in (*RULES, "load", "package", "filegroup"), f"BUILD has an unknown {rule}"
        target: dict[str, Any] = {"rule": rule, "line": statement.lineno, "deps": [], "data": []}
        if rule in (*RULES, "filegroup"):
            for keyword in statement.value.keywords:
                listed = isinstance(keyword.value, ast.List)
                elements = keyword.value.elts if isinstance(keyword.value, ast.List) else []
                read = [read_element(element) for element in elements]
                if listed or rule in RULES:
                    target[str(keyword.arg)] = read if listed else read_element(keyword.value)
                elif keyword.arg == "name":
                    target["name"] = read_element(keyword.value)
            found.append(target)
    return found


TARGETS = read_targets()
LIBRARIES = {t["srcs"][0]: f":{t['name']}" for t in TARGETS if t["rule"] == "py_library"}


def strings(path: str) -> set[str]:
    """The string constants of a file."""
    nodes = ast.walk(source_tree.tree(path))
    return {n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)}


def named_files(path: str) -> set[str | None]:
    """Files of the modules that strings name, in the files where that makes a dependency."""
    texts = {text for text in strings(path) if re.fullmatch(r"\.?\w+(\.\w+)*", text)}
    absolute = {source_tree.file_of(text) for text in texts if "." in text.strip(".")}
    if path.endswith("/__init__.py"):
        package = source_tree.module_name(path)
        return absolute | {source_tree.file_of(f"{package}.{text.lstrip('.')}") for text in texts}
    return absolute if path.startswith(("tests/", "benchmarks/")) else set()


def distribution(item: Import) -> str | None:
    """`@distribution` that an import needs, None for the standard library and for extras."""
    top = item.distribution
    if top in sys.stdlib_module_names or top in build_file.OPTIONAL:
        return None
    full = f"{item.name}.{item.member}" if item.member else item.name
    matches = [name for name in build_file.DISTRIBUTIONS if f"{full}.".startswith(f"{name}.")]
    return "@" + (build_file.DISTRIBUTIONS[max(matches)] if matches else top.replace("_", "-"))


def needed(path: str) -> set[str]:
    """What `deps` has to have because of one source file."""
    deps: set[str | None] = set()
    for item in source_tree.imports(path):
        file = source_tree.imported_file(item)
        deps.add(LIBRARIES.get(file, f"a target for {file}") if file else distribution(item))
    deps |= {LIBRARIES[file] for file in named_files(path) if file in LIBRARIES}
    return {dep for dep in deps if dep is not None} - {LIBRARIES.get(path)}


def pins(name: str) -> dict[str, str]:
    """Distribution -> version, of a requirements file; names compare as pip compares them."""
    lines = (ROOT / name).read_text("utf-8").splitlines()
    matches = [re.match(r"([A-Za-z0-9_.-]+)==([^\s;#]+)", line) for line in lines]
    return {re.sub(r"[-_.]+", "-", m[1]).lower(): m[2] for m in matches if m}


def test_is_as_generated():
    present = (ROOT / "BUILD").read_text("utf-8").splitlines()
    wanted = build_file.generate().splitlines()
    change = "\n".join(difflib.unified_diff(present, wanted, "BUILD", "wanted", lineterm="", n=3))
    assert not change, f"{REWRITE}, or change these lines:\n{change}"


def test_every_source_is_in_a_target_and_no_other():
    listed = {source for target in TARGETS if target["rule"] in RULES for source in target["srcs"]}
    present = set(source_tree.sources())
    assert listed == present, (
        f"{REWRITE}; without a target: {present - listed}; without a file: {listed - present}"
    )


@pytest.mark.parametrize(
    "target", [t for t in TARGETS if t["rule"] in RULES], ids=lambda t: t["name"]
)
def test_dependencies_are_the_imports(target):
    wanted = set().union(*(needed(source) for source in target["srcs"]))
    if target["rule"] == "py_test":
        conftests = [folder / "conftest.py" for folder in Path(target["args"][0]).parents]
        wanted |= {LIBRARIES[str(path)] for path in conftests if str(path) in LIBRARIES}
    missing, surplus = wanted - set(target["deps"]), set(target["deps"]) - wanted
    assert not missing and not surplus, (
        f"{REWRITE}; BUILD:{target['line']}: add {sorted(missing)}, remove {sorted(surplus)}"
    )
    assert target["deps"] == sorted(set(target["deps"]), key=lambda d: (d[0] == "@", d))


def test_names_are_unique_and_dependencies_exist_without_cycles():
    names = [f":{target['name']}" for target in TARGETS]
    assert len(set(names)) == len(names), (
        "two targets share a name; entry points need distinct ones"
    )
    graph = {
        f":{target['name']}": {d for d in target["deps"] + target["data"] if d[0] == ":"}
        for target in TARGETS
    }
    assert not set().union(*graph.values()) - set(names)
    list(TopologicalSorter(graph).static_order())


def test_entry_points_and_tests_have_their_rule():
    mains = {target["main"] for target in TARGETS if target["rule"] == "py_binary"}
    assert mains == {path for path in source_tree.sources() if source_tree.is_entry_point(path)}
    args = [target["args"] for target in TARGETS if target["rule"] == "py_test"]
    tests = [path for path in source_tree.sources("tests") if "/test_" in path]
    assert sorted(args) == [[path] for path in tests]
    assert {target["main"] for target in TARGETS if target["rule"] == "py_test"} == {TEST_MAIN}


def package_requirements() -> list[str]:
    """The files that installing the package reads."""
    content = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    dynamic = content["tool"]["setuptools"]["dynamic"]
    extras = dynamic["optional-dependencies"].values()
    return [file for each in (dynamic["dependencies"], *extras) for file in each["file"]]


@pytest.mark.parametrize("file", package_requirements())
def test_requirements_of_the_package_are_pins_and_nothing_else(file):
    """Installing the package reads these files, but knows no `-r` in them."""
    lines = (ROOT / file).read_text("utf-8").splitlines()
    lines = [line for line in lines if line and not line.startswith("#")]
    assert len(lines) == len(pins(file)) > 0


def test_requirements_are_declared_and_locked():
    used = {dep[1:].lower() for target in TARGETS for dep in target["deps"] if dep[0] == "@"}
    used = {re.sub(r"[-_.]+", "-", name) for name in used}
    files = ("requirements.txt", "requirements-dev.txt", "requirements-onnx.txt")
    declared = dict(pin for file in files for pin in pins(file).items())
    undeclared = used - declared.keys()
    assert not undeclared, f"imported, but in no requirements file: {undeclared}"
    assert declared.items() <= pins("requirements-lock.txt").items(), "run `make lock`"


@pytest.mark.parametrize(
    ("source", "deps"),
    [
        ("import os, absl.flags\n", ['requirement("absl-py")']),
        ("def f():\n    from google.protobuf import json_format\n", ['requirement("protobuf")']),
        (
            "from pdarts_tf import a, b, VALUE\n",
            ['":pdarts_tf"', '":pdarts_tf_a"', '":pdarts_tf_b"'],
        ),
        ("from .a import f\nfrom . import b\n", ['":pdarts_tf_a"', '":pdarts_tf_b"']),
        ("import pdarts_tf.deep.c as c\n", ['":pdarts_tf_deep_c"']),
        ("if TYPE_CHECKING:\n    import numpy as np\n", ['requirement("numpy")']),
        ("import torch\nimport pdarts_tf.b.name\n", ['":pdarts_tf_b"']),
    ],
)
def test_generator_sees_every_kind_of_import(tmp_path, source, deps):
    package = tmp_path / "pdarts_tf"
    (package / "deep").mkdir(parents=True)
    for name, text in {"__init__": "", "a": "", "b": "", "deep/c": "", "user": source}.items():
        (package / f"{name}.py").write_text(text)
    modules = build_file.read_modules(tmp_path)
    assert sorted(build_file.dependencies(modules["pdarts_tf.user"], modules)) == deps


def test_generator_sees_modules_that_are_loaded_late_or_started_by_name(tmp_path):
    texts = {
        "pdarts_tf/__init__.py": "LATE = {'f': 'a', 'g': '.deep.c'}\n",
        "pdarts_tf/a.py": "NAME = 'pdarts_tf.deep.c'\n",
        "pdarts_tf/deep/c.py": "",
        "tests/test_a.py": "COMMAND = ['-m', 'pdarts_tf.a', 'recipes/x.flags']\n",
    }
    for name, text in texts.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    modules = build_file.read_modules(tmp_path)
    found = {name: build_file.dependencies(module, modules) for name, module in modules.items()}
    assert found["pdarts_tf"] == {'":pdarts_tf_a"', '":pdarts_tf_deep_c"'}
    assert found["pdarts_tf.a"] == set()
    assert found["tests.test_a"] == {'":pdarts_tf_a"'}
    assert 'data = [":recipes"]' in build_file.generate(tmp_path)
