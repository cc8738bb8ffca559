"""What turns the documentation into a site: links, diagrams, docstrings, public names."""

import doctest

import pytest

from tests.source_tree import ROOT
from tools import diagrams, docstring_markdown, public_names, site_hooks

MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
PAGES = [path.read_text("utf-8") for path in (ROOT / "docs/api").glob("*.md")]


@pytest.mark.parametrize("module", [diagrams, docstring_markdown, site_hooks])
def test_examples_hold(module):
    results = doctest.testmod(module)
    assert results.failed == 0
    assert results.attempted > 0


def test_warnings_end_the_build():
    (command,) = [line for line in MAKEFILE.splitlines() if "mkdocs build" in line]
    assert "--strict" in command
    assert "--quiet" not in command  # it keeps MkDocs from counting them


def test_every_public_name_is_documented():
    assert public_names.problems(PAGES) == []


def test_a_public_name_without_an_entry_is_named():
    (problem,) = public_names.problems([], {"plot": "pdarts_tf.library.plotting"})
    assert problem == "docs/api has no entry ::: pdarts_tf.library.plotting.plot"


def test_a_public_name_without_a_docstring_is_named():
    pages = ["::: pdarts_tf.config.search.MIN_LAYERS\n"]
    (problem,) = public_names.problems(pages, {"MIN_LAYERS": "pdarts_tf.config.search"})
    assert problem == "pdarts_tf.config.search.MIN_LAYERS has no docstring"


def test_an_unknown_line_of_a_diagram_is_refused():
    with pytest.raises(ValueError, match=r"Received: 'a -\.-> b'"):
        diagrams.svg_of("graph TD\na -.-> b\n")


def test_long_labels_are_broken_into_lines():
    picture = diagrams.svg_of('graph TD\n  a["one two three four five six seven eight nine ten"]')
    assert picture.count("<text") == 2


def test_a_literal_block_becomes_a_fence():
    text = "Does.\n\nExample::\n\n    a = 1\n\n    b = 2\n"
    assert docstring_markdown.as_markdown(text) == (
        "Does.\n\nExample:\n\n```python\na = 1\n\nb = 2\n```\n\n"
    )


def test_an_example_that_an_empty_line_ends_leaves_the_rest():
    text = "Does.\n\n>>> f(1)\n2\n\nArgs:\n    x: A number."
    assert "```pycon\n>>> f(1)\n2\n```\n\nArgs:" in docstring_markdown.as_markdown(text)


def test_every_recipe_is_on_its_page():
    page = site_hooks.recipes_page()
    files = list((ROOT / "flags/recipes").rglob("*.flags"))
    assert files and page.count("\n## ") == len(files)


def test_every_setting_is_on_its_page():
    page = site_hooks.settings_page()
    assert "| `max_skip_connects` | `2` | Maximum number of skip-connects" in page
    assert "| `cutout_length` |" in page
