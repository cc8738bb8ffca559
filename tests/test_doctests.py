"""The examples in docstrings do what they say."""

import ast
import doctest
import importlib

import pytest

from tests import source_tree
from tests.source_tree import ROOT, sources

DOCUMENTED = [
    path for path in sources("pdarts_tf", "flags", "export") if ">>> " in (ROOT / path).read_text()
]


def examples(path: str) -> int:
    """How many examples the docstrings of a file have."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    nodes = [node for node in ast.walk(source_tree.tree(path)) if isinstance(node, documented)]
    parser = doctest.DocTestParser()
    return sum(len(parser.get_examples(ast.get_docstring(node) or "")) for node in nodes)


@pytest.mark.parametrize("path", DOCUMENTED)
def test_examples_run(path):
    module = importlib.import_module(source_tree.module_name(path))
    failed, attempted = doctest.testmod(module)
    assert failed == 0
    # Doctest passes over what decorators hide from it.
    assert attempted == examples(path) > 0
