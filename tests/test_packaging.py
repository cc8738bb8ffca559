"""Packaging: what an installation contains, and what it requires."""

import importlib.metadata
import re
import tomllib

import pytest

from tests.source_tree import ROOT

SETUPTOOLS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]
PACKAGES = ("pdarts_tf", "flags", "export")


def requirements_files() -> list[str]:
    """The files that installing the package reads."""
    dynamic = SETUPTOOLS["dynamic"]
    extras = dynamic["optional-dependencies"].values()
    return [file for each in (dynamic["dependencies"], *extras) for file in each["file"]]


@pytest.mark.parametrize("file", requirements_files())
def test_requirements_are_pins_and_nothing_else(file):
    """Installing the package reads these files, but knows no `-r` in them."""
    lines = (ROOT / file).read_text("utf-8").splitlines()
    lines = [line for line in lines if line and not line.startswith("#")]
    assert lines
    assert all(re.match(r"[A-Za-z0-9_.-]+(\[[a-z-]+\])?==[^\s;#]+", line) for line in lines)


def test_the_cuda_libraries_are_pinned_and_are_those_of_the_pinned_tensorflow():
    pins = [(ROOT / f"requirements{each}.txt").read_text("utf-8") for each in ("", "-gpu")]
    plain, extra = (re.findall(r"^tensorflow(\[and-cuda\])?==(\S+)", pin, re.M) for pin in pins)
    assert extra == [("[and-cuda]", plain[0][1])]
    wanted = [
        re.match(r"[\w-]+", each)[0]  # type: ignore[index]
        for each in importlib.metadata.requires("tensorflow") or []
        if "and-cuda" in each
    ]
    assert sorted(wanted) == re.findall(r"^(nvidia-[\w-]+)==", pins[1], re.M)


def test_all_files_of_the_packages_are_shipped():
    files = [path for name in PACKAGES for path in (ROOT / name).rglob("*") if path.is_file()]
    data = {path for path in files if path.suffix not in (".py", ".pyc")}
    shipped = {
        path
        for package, patterns in SETUPTOOLS["package-data"].items()
        for pattern in patterns
        for path in (ROOT / package.replace(".", "/")).glob(pattern)
    }
    assert shipped == data
    folders = {path.parent for path in files if path.suffix == ".py"}
    assert all((folder / "__init__.py").is_file() for folder in folders)


def test_type_checkers_read_the_annotations():
    assert "py.typed" in SETUPTOOLS["package-data"]["pdarts_tf"]
