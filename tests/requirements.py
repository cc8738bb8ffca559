"""What pyproject.toml requires, and the versions in the lock files."""

import re
import tomllib

from packaging.requirements import Requirement

from tests.source_tree import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
# The extras that `make setup` installs, as the Makefile has them.
LOCKED_EXTRAS = tuple(
    re.findall(r"^EXTRAS := (.*)$", (ROOT / "Makefile").read_text("utf-8"), re.M)[0].split(",")
)


def normalized(name: str) -> str:
    """A distribution's name as pip compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def declared(*extras: str) -> list[Requirement]:
    """The requirements of the package, and of some of its extras."""
    groups = [PROJECT["dependencies"], *(PROJECT["optional-dependencies"][e] for e in extras)]
    return [Requirement(text) for group in groups for text in group]


def pins(file: str) -> dict[str, str]:
    """Distribution -> version, of a lock file."""
    lines = (ROOT / file).read_text("utf-8").splitlines()
    found = (line.split("#")[0].strip().split("==") for line in lines if not line.startswith("#"))
    return {normalized(name): version for name, version in found}
