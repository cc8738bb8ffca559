"""Examples in docstrings: each gives what it shows."""

import doctest
import importlib

import pytest

from tests.source_tree import ROOT, module_name, sources

MODULES = [
    module_name(path)
    for path in sources("pdarts_tf", "flags", "export")
    if ">>> " in (ROOT / path).read_text("utf-8")
]


@pytest.mark.parametrize("module", MODULES)
def test_examples_hold(module):
    results = doctest.testmod(importlib.import_module(module))
    assert results.attempted > 0
    assert results.failed == 0
