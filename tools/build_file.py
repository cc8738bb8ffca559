"""Writes BUILD, Bazel's view of the project, from the files and their imports.

    python -m tools.build_file            # print what has to change; exit code 1 if anything has
    python -m tools.build_file --write

Lists of sources and dependencies that people keep by hand go stale, so this program keeps them:

- every module is a `py_library`, named by its path, and a `py_binary` too if it can be run; every
  `test_*.py` is a `py_test`, with the conftest files that pytest loads for it;
- dependencies are the imports, wherever they stand: late, relative, or for types only. `import a.b`
  depends on `a.b` alone, not on the package `a`: only so can `a` import its own modules without a
  cycle, and Bazel makes missing `__init__.py` files;
- packages that load their modules late name them in strings, and tests and benchmarks start modules
  by name: there, a string that is exactly a module's name is a dependency as well;
- a source that names one of the `DATA` words in a path gets that file group as data.
"""

import argparse
import ast
import difflib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDERS = ("pdarts_tf", "flags", "export", "benchmarks", "tools", "tests")
TEST_MAIN = Path("tests/run_pytest.py")
# Import names that are not simply the distribution's name with "_" for "-".
DISTRIBUTIONS = {
    "absl": "absl-py",
    "grpc": "grpcio",
    "google.protobuf": "protobuf",
    "importlib_resources": "importlib_resources",
    "PIL": "pillow",
    "sklearn": "scikit-learn",
    "tensorflow_serving": "tensorflow-serving-api",
}
# Extras: the code that imports one does without it, or says how to get it. Not in the lock.
# `model_search`, `model` and `genotypes` are modules of the official code, which benchmarks are
# given a checkout of.
OPTIONAL = frozenset({"torch", "model_search", "model", "genotypes", "tf2onnx", "onnxruntime"})
# Word in a path -> file group of HEADER.
DATA = {
    "goldens": ":goldens",
    "pyproject.toml": ":source_tree",
    "recipes": ":recipes",
    "templates": ":templates",
}
HEADER = """\
# Written by `python -m tools.build_file --write` from the files and their imports: do not edit.

load("@pypi//:requirements.bzl", "requirement")
load("@rules_python//python:defs.bzl", "py_binary", "py_library", "py_test")

package(default_visibility = ["//visibility:public"])

filegroup(
    name = "goldens",
    srcs = glob(["tests/goldens/**"], allow_empty = True),
)

filegroup(
    name = "recipes",
    srcs = glob(["flags/recipes/*.flags"], allow_empty = True),
)

filegroup(
    name = "templates",
    srcs = glob(["pdarts_tf/report/templates/*"]),
)

filegroup(
    name = "source_tree",
    srcs = glob(["*", "*/**/*.py"], exclude = ["bazel-*/**"]),
)
"""


@dataclass(frozen=True)
class Module:
    """One source file: `path` is relative to the root, `name` is dotted."""

    name: str
    path: Path
    tree: ast.Module

    @property
    def target(self) -> str:
        """The name of the module's target in BUILD."""
        return self.name.replace(".", "_")

    @property
    def package(self) -> str:
        """The package that relative imports start from."""
        return self.name if self.path.name == "__init__.py" else self.name.rpartition(".")[0]

    def strings(self) -> set[str]:
        """All string constants, the docstrings among them."""
        constants = (node.value for node in ast.walk(self.tree) if isinstance(node, ast.Constant))
        return {value for value in constants if isinstance(value, str)}

    def runs(self) -> bool:
        """Whether `python -m` does something with this module."""
        tests = [ast.unparse(node.test) for node in self.tree.body if isinstance(node, ast.If)]
        return self.path.name == "__main__.py" or "__name__ == '__main__'" in tests


def read_modules(root: Path) -> dict[str, Module]:
    """Reads the project's modules, by their dotted names."""
    modules = {}
    for file in sorted(file for folder in FOLDERS for file in (root / folder).rglob("*.py")):
        path = file.relative_to(root)
        parts = path.parent.parts if path.name == "__init__.py" else path.with_suffix("").parts
        name = ".".join(parts)
        modules[name] = Module(name, path, ast.parse(file.read_text("utf-8"), str(path)))
    return modules


def imported_names(module: Module) -> Iterator[str]:
    """Yields dotted names: of `from a import b`, `a.b`, whether b is a module or in one."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = module.package.split(".")[: 1 - node.level or None] if node.level else []
            base += [node.module] if node.module else []
            yield from (".".join([*base, alias.name]) for alias in node.names)


def named_modules(module: Module, modules: dict[str, Module]) -> Iterator[str]:
    """Yields the modules that strings name, where that counts (see the top)."""
    texts = module.strings()
    if module.path.name == "__init__.py":
        yield from modules.keys() & {f"{module.package}.{text.lstrip('.')}" for text in texts}
    if module.path.name == "__init__.py" or module.path.parts[0] in ("tests", "benchmarks"):
        yield from modules.keys() & {text for text in texts if "." in text}


def dependencies(module: Module, modules: dict[str, Module]) -> set[str]:
    """Finds what a module needs, as elements of `deps` in BUILD."""
    found = set()
    for name in [*imported_names(module), *named_modules(module, modules)]:
        parts = name.split(".")
        prefixes = [".".join(parts[:count]) for count in range(len(parts), 0, -1)]
        owner = next((prefix for prefix in prefixes if prefix in modules), None)
        if owner is not None:
            found.add(f'":{modules[owner].target}"')
        elif parts[0] not in {*sys.stdlib_module_names, *OPTIONAL, *FOLDERS}:
            known = (DISTRIBUTIONS[prefix] for prefix in prefixes if prefix in DISTRIBUTIONS)
            found.add(f'requirement("{next(known, parts[0].replace("_", "-"))}")')
    return found - {f'":{module.target}"'}


def call(rule: str, **attributes: str | list[str]) -> str:
    """Formats one call as Bazel's own formatter does; values are given as they are written."""
    lines = [f"{rule}("]
    for key, value in attributes.items():
        if isinstance(value, str):
            lines.append(f"    {key} = {value},")
        elif len(value) == 1:
            lines.append(f"    {key} = [{value[0]}],")
        elif value:
            lines += [f"    {key} = [", *(f"        {item}," for item in value), "    ],"]
    return "\n".join([*lines, ")"]) + "\n"


def targets(module: Module, modules: dict[str, Module]) -> Iterator[str]:
    """Yields the calls for one module."""
    source, name, deps = f'"{module.path}"', f'"{module.target}"', dependencies(module, modules)
    words = {part for text in module.strings() if " " not in text for part in text.split("/")}
    data = sorted(f'"{DATA[word]}"' for word in words & DATA.keys())
    if module.path.name.startswith("test_"):
        for other in modules.values():
            if other.path == TEST_MAIN:
                deps |= dependencies(other, modules)
            if other.path.name == "conftest.py" and other.path.parent in module.path.parents:
                deps.add(f'":{other.target}"')
        main = f'"{TEST_MAIN}"'
        sources = {"srcs": sorted([main, source]), "args": [source], "data": data}
        yield call("py_test", name=name, size='"large"', **sources, main=main, deps=sorted(deps))
    elif module.path != TEST_MAIN:
        test_only = {"testonly": "True"} if module.path.parts[0] == "tests" else {}
        sources = {"srcs": [source], "data": data}
        yield call("py_library", name=name, **test_only, **sources, deps=sorted(deps))
        if module.runs():
            binary = f'"{module.name.removesuffix(".__main__").rpartition(".")[2]}"'
            yield call("py_binary", name=binary, **sources, main=source, deps=sorted(deps))


def generate(root: Path = ROOT) -> str:
    """Returns what BUILD has to be."""
    modules = read_modules(root)
    calls = [text for module in modules.values() for text in targets(module, modules)]
    return "\n".join([HEADER, *calls])


def main(arguments: list[str] | None = None) -> int:
    """Writes BUILD, or prints how it differs."""
    parser = argparse.ArgumentParser(description="Write BUILD, or show how it is out of date.")
    parser.add_argument("--write", action="store_true", help="write it")
    write, wanted, file = parser.parse_args(arguments).write, generate(), ROOT / "BUILD"
    if write:
        file.write_text(wanted, "utf-8")
    present = file.read_text("utf-8") if file.exists() else ""
    lines = (present.splitlines(), wanted.splitlines())
    print("\n".join(difflib.unified_diff(*lines, "BUILD", "wanted", lineterm="")), end="")
    return int(present != wanted)


if __name__ == "__main__":
    sys.exit(main())
