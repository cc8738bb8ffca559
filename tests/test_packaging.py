"""Packaging: what an installation contains and requires, and what the project says of itself."""

import importlib.metadata
import importlib.util
import re
import tomllib

import pytest
import yaml
from packaging.requirements import Requirement

from tests.requirements import LOCKED_EXTRAS, PROJECT, declared, normalized, pins
from tests.source_tree import ROOT

SETUPTOOLS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]
PACKAGES = ("pdarts_tf", "flags", "export")
VERSION = PROJECT["version"]
README = (ROOT / "README.md").read_text("utf-8")
HOOKS = ROOT / ".pre-commit-config.yaml"
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))


def read(name):
    """The text of a file of the project."""
    return (ROOT / name).read_text("utf-8")


@pytest.fixture(scope="module")
def setup_py():
    """The module setup.py, which does nothing unless it is run."""
    spec = importlib.util.spec_from_file_location("setup_py", ROOT / "setup.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_plain_installation_needs_nothing_that_an_extra_has():
    plain = {normalized(each.name) for each in declared()}
    groups = {
        name: each for name, each in PROJECT["optional-dependencies"].items() if name != "dev"
    }
    extras = {normalized(Requirement(text).name) for each in groups.values() for text in each}
    assert plain & extras == {"tensorflow"}  # with CUDA's libraries
    assert {"grpcio", "tensorflow-serving-api"} <= extras


def test_the_ranges_pin_nothing():
    ranges = [each.specifier for each in declared(*PROJECT["optional-dependencies"])]
    assert {bound.operator for each in ranges for bound in each} <= {">=", "<"}


def test_the_lock_has_everything_in_its_range():
    locked = pins("requirements-lock.txt")
    wrong = [
        str(each)
        for each in declared(*LOCKED_EXTRAS)
        if locked.get(normalized(each.name), "0") not in each.specifier
    ]
    assert wrong == [], "run `make lock`"


def test_the_cuda_libraries_are_those_of_tensorflow_in_its_ranges():
    required = [r for r in importlib.metadata.requires("tensorflow") or [] if "and-cuda" in r]
    wanted = {match[0] for each in required if (match := re.match(r"[\w-]+", each))}
    locked = pins("requirements-gpu-lock.txt")
    assert locked.keys() == wanted
    (cudnn,) = [each for each in declared("gpu") if each.name == "nvidia-cudnn-cu12"]
    assert locked["nvidia-cudnn-cu12"] in cudnn.specifier


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


def test_the_script_is_the_list_of_commands():
    module, name = PROJECT["scripts"]["pdarts"].split(":")
    assert callable(getattr(importlib.import_module(module), name))


def test_the_pythons_are_those_of_the_makefile_and_of_the_workflow():
    named = re.findall(r"Python :: (3\.\d+)", " ".join(PROJECT["classifiers"]))
    oldest, newest = named[0], named[-1]
    assert PROJECT["requires-python"] == f">={oldest},<3.{int(newest.split('.')[1]) + 1}"
    assert f"Python {oldest} to {newest}" in read("Makefile")
    matrix = yaml.safe_load(read(".github/workflows/test.yml"))["jobs"]["test"]["strategy"][
        "matrix"
    ]
    assert matrix["python"] == named


def test_every_file_names_the_same_version():
    assert re.findall(r'version = "(\d\S*)"', read("MODULE.bazel"))[0] == VERSION
    assert yaml.safe_load(read("CITATION.cff"))["version"] == VERSION


def test_the_citation_names_the_paper():
    citation = yaml.safe_load(read("CITATION.cff"))
    assert citation["license"] == PROJECT["license"]
    (paper,) = citation["references"]
    assert [each["family-names"] for each in paper["authors"]] == ["Chen", "Xie", "Wu", "Tian"]


@pytest.mark.parametrize("repository", [None, "https://example.org/project/"])
def test_the_long_description_has_no_relative_links(setup_py, repository):
    text = setup_py.long_description(README, VERSION, repository)
    targets = re.findall(r"\]\(([^)\s]+)\)", text)
    assert targets and all(target.startswith("https://") for target in targets)


def test_links_lead_to_the_files_of_the_version(setup_py):
    text = setup_py.long_description("![p](a.svg) [t](b.md#c) [d](#e)", "1.0", "https://e.org/x")
    assert text == (
        "![p](https://e.org/x/raw/v1.0/a.svg) [t](https://e.org/x/blob/v1.0/b.md#c) [d](#e)"
    )


def test_without_an_address_the_text_of_links_is_left(setup_py):
    text = setup_py.long_description("![p](a.svg)See [t](b.md), [u](https://u.org).", "1.0", None)
    assert text == "See t, [u](https://u.org)."


@pytest.mark.parametrize(
    "path", [*WORKFLOWS, ROOT / ".pre-commit-config.yaml"], ids=lambda p: p.name
)
def test_automation_calls_targets_that_exist(path):
    targets = set(re.findall(r"^([\w-]+):", read("Makefile"), re.M))
    called = re.findall(r"\bmake ([\w-]+)", path.read_text("utf-8"))
    assert called and set(called) <= targets
    assert yaml.safe_load(path.read_text("utf-8"))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda p: p.name)
def test_actions_are_named_by_their_major_version(path):
    used = re.findall(r"uses: (\S+)", path.read_text("utf-8"))
    assert used and all(re.fullmatch(r"[\w-]+/[\w-]+@v\d+", each) for each in used)
