"""docs/architecture.md is true: its rooms, their imports, and the paths through the code."""

import ast
import re

import pytest

from tests import source_tree
from tests.source_tree import ROOT
from tests.test_layering import FACADE, PACKAGE, ROOMS, project_imports, room

PAGE = (ROOT / "docs/architecture.md").read_text("utf-8")
RULES = {name for names in ROOMS[: ROOMS.index(("config", "layers"))] for name in names}
ARROWS = set(re.findall(r"^  (\w+) --> (\w+)$", PAGE, re.MULTILINE))
STEPS = re.findall(r"^\d+\. `([\w/]+\.py):([\w.]+)`", PAGE, re.MULTILINE)


def place(path):
    """The room of a file as the picture names it."""
    if not path.startswith("pdarts_tf/"):
        return path.split("/")[0]
    name = room(path)
    return "rules" if name in RULES else name


@pytest.fixture(scope="module")
def imported():
    """(importing room, imported room) of all imports between rooms."""
    found = set()
    for path in [*PACKAGE, *source_tree.sources("flags", "export")]:
        for _, file in project_imports(path):
            if file != FACADE and place(path) != place(file):
                found.add((place(path), place(file)))
    return found


def below(name):
    """The rooms that arrows lead to from a room, over others too."""
    reached: set[str] = set()
    for source, target in ARROWS:
        if source == name:
            reached |= {target} | below(target)
    return reached


def test_every_import_follows_the_arrows(imported):
    assert not {(source, target) for source, target in imported if target not in below(source)}


def test_every_arrow_is_an_import(imported):
    assert not ARROWS - imported


def test_the_picture_leaves_out_what_follows_from_other_arrows():
    for source, target in ARROWS:
        others = {other for start, other in ARROWS if start == source and other != target}
        assert not any(target in below(other) for other in others), (source, target)


def test_every_room_is_in_the_picture():
    drawn = set(re.findall(r'^  (\w+)\["', PAGE, re.MULTILINE))
    assert drawn == {name for arrow in ARROWS for name in arrow}
    assert drawn >= {name for names in ROOMS for name in names} - RULES


def definitions(path):
    """Names of the functions and classes of a file, methods as Class.method."""
    found = set()
    for node in source_tree.tree(path).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{each.name}" for each in node.body if hasattr(each, "name")}
    return found


def test_the_page_describes_three_ways_through_the_code():
    assert len(STEPS) >= 8 + 15 + 10


@pytest.mark.parametrize(("path", "name"), dict.fromkeys(STEPS))
def test_every_step_of_the_ways_exists(path, name):
    assert name in definitions(path)
