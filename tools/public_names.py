"""Checks that every public name of the library is documented: an entry in a page, and docstrings.

Sources are read, not imported.
"""

import functools
import pathlib
import re
from collections.abc import Iterable, Iterator, Mapping

import griffe

import pdarts_tf

ROOT = pathlib.Path(__file__).parents[1]
_ENTRY = re.compile(r"^::: (\S+)$", re.MULTILINE)


def problems(pages: Iterable[str], public: Mapping[str, str] = pdarts_tf._PUBLIC) -> list[str]:
    """Returns what is not documented, a line each.

    Args:
        pages: Texts of the pages with the entries of mkdocstrings, `::: module.name`.
        public: Module of each public name.
    """
    paths = [_source(f"{module}.{name}").path for name, module in public.items()]
    entries = [entry for page in pages for entry in _ENTRY.findall(page)]
    found = [f"docs/api has no entry ::: {path}" for path in paths if path not in entries]
    for path in dict.fromkeys([*paths, *entries]):
        found += [f"{each} has no docstring" for each in _undocumented(_source(path))]
    return found


def _undocumented(item: griffe.Object | griffe.Alias) -> Iterator[str]:
    """Yields the paths of an object and its public members that have no docstring."""
    if not item.has_docstring:
        yield item.path
    if item.is_class:
        for name, member in item.members.items():
            # What is set in __init__ is described by its argument.
            if not name.startswith("_") and (member.is_function or member.has_labels("property")):
                yield from _undocumented(member)


def _source(path: str) -> griffe.Object | griffe.Alias:
    found = _package()[path.removeprefix("pdarts_tf.")]
    return found.final_target if isinstance(found, griffe.Alias) else found


@functools.cache
def _package() -> griffe.Module:
    package = griffe.load("pdarts_tf", search_paths=[ROOT])
    if not isinstance(package, griffe.Module):
        raise TypeError(f"expected a package. Received: {package!r}")
    return package
