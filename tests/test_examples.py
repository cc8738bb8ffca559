"""Examples in docstrings: each gives what it shows."""

import ast
import doctest
import importlib

import pytest

from tests import source_tree
from tests.source_tree import ROOT, module_name, sources

DOCUMENTED = [
    path
    for path in sources("pdarts_tf", "flags", "export")
    if ">>> " in (ROOT / path).read_text("utf-8")
]


def num_examples(path):
    """How many examples the docstrings of a file have."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    nodes = [node for node in ast.walk(source_tree.tree(path)) if isinstance(node, documented)]
    parser = doctest.DocTestParser()
    return sum(len(parser.get_examples(ast.get_docstring(node) or "")) for node in nodes)


@pytest.mark.parametrize("path", DOCUMENTED)
def test_examples_hold(path):
    results = doctest.testmod(importlib.import_module(module_name(path)))
    assert results.failed == 0
    # Doctest passes over what a decorator hides from it.
    assert results.attempted == num_examples(path) > 0
