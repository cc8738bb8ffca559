"""Reads the project's own sources for the tests that hold its structure; runs none of them."""

import ast
import functools
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
FOLDERS = ("pdarts_tf", "flags", "export", "benchmarks", "tools", "tests")
assert (ROOT / "pyproject.toml").is_file(), "the tests stand one folder below the root"


class Import(NamedTuple):
    """`name` is dotted and absolute; `member` is the b of `from a import b`, else empty."""

    line: int
    name: str
    member: str = ""

    @property
    def distribution(self) -> str:
        """First part of the name: whose it is."""
        return self.name.split(".")[0]


def sources(*folders: str) -> list[str]:
    """Paths, relative to the root, of all Python files under the folders; all if none is named."""
    files = [file for folder in folders or FOLDERS for file in (ROOT / folder).rglob("*.py")]
    return sorted(file.relative_to(ROOT).as_posix() for file in files)


def module_name(path: str) -> str:
    """Dotted name of the module in a file."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


@functools.cache
def tree(path: str) -> ast.Module:
    """The parsed file."""
    return ast.parse((ROOT / path).read_text("utf-8"), path)


def imports(path: str) -> list[Import]:
    """Every import of a file, wherever it stands: late, relative, or for types only."""
    found = []
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found += [Import(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            name = node.module or ""
            if node.level:
                folder = Path(path).parents[node.level - 1].as_posix().replace("/", ".")
                name = f"{folder}.{name}".rstrip(".")
            found += [Import(node.lineno, name, alias.name) for alias in node.names]
    return found


def file_of(module: str) -> str | None:
    """Path of the module's file, None if it is not the project's."""
    stem = module.replace(".", "/")
    found = [path for path in (f"{stem}.py", f"{stem}/__init__.py") if (ROOT / path).is_file()]
    return found[0] if found else None


def imported_file(item: Import) -> str | None:
    """Path of the project's file that an import loads, None if it loads another's.

    Raises:
        FileNotFoundError: if the project has no such module.
    """
    path = (file_of(f"{item.name}.{item.member}") if item.member else None) or file_of(item.name)
    if path is None and item.distribution in FOLDERS:
        raise FileNotFoundError(f"line {item.line} imports {item.name}, which does not exist")
    return path


def is_entry_point(path: str) -> bool:
    """Whether a file is made to be run by `python -m`."""
    lines = (ROOT / path).read_text("utf-8").splitlines()
    return path.endswith("__main__.py") or 'if __name__ == "__main__":' in lines
