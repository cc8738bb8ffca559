"""BUILD, which is valid Python too: its sources, dependencies and files are the project's."""

import sys
from collections import Counter
from functools import partial
from graphlib import TopologicalSorter
from importlib.metadata import packages_distributions
from typing import Any

import pytest

from tests import source_tree
from tests.requirements import LOCKED_EXTRAS, declared, normalized
from tests.source_tree import ROOT

FACADE, TEST_MAIN = "pdarts_tf/__init__.py", "tests/run_pytest.py"
# Not in the lock: the code that imports torch says how to get it.
OPTIONAL = {"torch"}
# Dependencies that are no imports; BUILD says what they are for.
NOT_IMPORTED = {
    *("@importlib-resources", "@ipykernel", "@mkdocs-jupyter", "@mkdocs-material"),
    *("@mkdocstrings-python", "@pytest-timeout", "@scikit-image"),
}
DISTRIBUTIONS = packages_distributions()


def glob(
    include: list[str], exclude: tuple[str, ...] | list[str] = (), allow_empty: bool = False
) -> list[str]:
    """Bazel's function, except that every pattern has to match a file."""
    found: dict[str, set[str]] = {}
    for pattern in (*include, *exclude):
        files = [path for path in ROOT.glob(pattern) if path.is_file()]
        found[pattern] = {path.relative_to(ROOT).as_posix() for path in files}
        assert files or allow_empty, f"BUILD: {pattern} matches no file"
    excluded = set().union(*(found[pattern] for pattern in exclude))
    return sorted(set().union(*(found[pattern] for pattern in include)) - excluded)


def read_targets() -> list[dict[str, Any]]:
    """The rules of BUILD with their attributes; a requirement is written as `@distribution`."""
    targets: list[dict[str, Any]] = []

    def add(rule: str, **attributes: Any) -> None:
        targets.append({"rule": rule, "srcs": [], "data": [], **attributes})

    # BUILD is Starlark, a subset of Python: it can neither import, open nor evaluate anything.
    names: dict[str, Any] = {
        "__builtins__": {"len": len, "list": list},
        "glob": glob,
        "load": lambda *_: None,
        "package": lambda **_: None,
        "requirement": lambda name: f"@{normalized(name)}",
        **{rule: partial(add, rule) for rule in ("py_binary", "py_library", "py_test")},
    }
    exec(compile((ROOT / "BUILD").read_text("utf-8"), "BUILD", "exec"), names)
    return targets


TARGETS = read_targets()
LIBRARIES = {f":{each['name']}": each for each in TARGETS if each["rule"] == "py_library"}
TESTS = [each for each in TARGETS if each["rule"] == "py_test"]
BINARIES = [each for each in TARGETS if each["rule"] == "py_binary"]
OWNERS = {source: label for label, each in LIBRARIES.items() for source in each["srcs"]}


def imports(label: str) -> dict[str, set[str]]:
    """What the sources of a library import: its name -> labels, any of which provides it.

    The tests, which depend on nothing but `:tests`, count as its sources.
    """
    tests = [source for test in TESTS for source in test["srcs"]] if label == ":tests" else []
    # A module of a package loads the package itself.
    found = {FACADE: {OWNERS[FACADE]}} if label.startswith(":pdarts_tf/") else {}
    for source in LIBRARIES[label]["srcs"] + tests:
        for item in source_tree.imports(source):
            file, top = source_tree.imported_file(item), item.distribution
            if file == FACADE:
                found["pdarts_tf"] = {":pdarts_tf"}
            elif file:
                found[file] = {OWNERS.get(file, label)}
            elif top not in sys.stdlib_module_names and top not in OPTIONAL:
                found[top] = {f"@{normalized(name)}" for name in DISTRIBUTIONS[top]}
    return {name: labels for name, labels in found.items() if label not in labels}


def test_every_source_is_in_exactly_one_library_or_test():
    tests = [source for test in TESTS for source in test["srcs"] if source != TEST_MAIN]
    listed = Counter(tests + [s for each in LIBRARIES.values() for s in each["srcs"]])
    assert listed == Counter(source_tree.sources())


def test_files_exist():
    named = [file for each in TARGETS for file in [*each["srcs"], *each["data"]]]
    assert [file for file in named if not (ROOT / file).is_file()] == []


def test_entry_points_are_programs_with_the_library_that_they_are_in():
    mains = [program["main"] for program in BINARIES]
    entry_points = set(filter(source_tree.is_entry_point, source_tree.sources()))
    assert set(mains) == entry_points - set(source_tree.sources("tests"))
    for program in BINARIES:
        assert program["deps"] == [OWNERS[program["main"]]]
    assert all(test["main"] == TEST_MAIN and test["deps"] == [":tests"] for test in TESTS)


def test_targets_are_unique_and_without_cycles():
    graph = {f":{each['name']}": {d for d in each["deps"] if d[0] == ":"} for each in TARGETS}
    assert len(graph) == len(TARGETS), "two targets share a name"
    assert set().union(*graph.values()) <= graph.keys()
    list(TopologicalSorter(graph).static_order())  # raises CycleError


@pytest.mark.parametrize("label", LIBRARIES)
def test_dependencies_are_the_imports(label):
    deps = set(LIBRARIES[label]["deps"])
    # Who depends on the whole package need not name its parts.
    whole = set(LIBRARIES[":pdarts_tf"]["deps"]) if ":pdarts_tf" in deps else set()
    wanted = imports(label)
    missing = {name: labels for name, labels in wanted.items() if not labels & (deps | whole)}
    assert not missing, f"BUILD: {label} has to depend on what it imports"
    used = set().union(*wanted.values()) | NOT_IMPORTED
    if used & whole:
        used.add(":pdarts_tf")
    if label != ":pdarts_tf":  # which is there to gather all of them
        assert deps <= used, f"BUILD: {label} depends on {deps - used}, which it does not import"


def test_the_whole_package_has_all_of_its_parts():
    parts = {label for label in LIBRARIES if label.startswith(":pdarts_tf/")}
    assert parts <= set(LIBRARIES[":pdarts_tf"]["deps"])


def test_requirements_are_declared():
    used = {dep[1:] for each in LIBRARIES.values() for dep in each["deps"] if dep[0] == "@"}
    assert used <= {normalized(each.name) for each in declared(*LOCKED_EXTRAS)}
