"""An extension of griffe: docstrings as Markdown.

Docstrings have examples as doctest reads them. In Markdown, these have to stand in a fence, or
they would be quotations. Pages that they name become links, from the pages in docs/api.
"""

import re
from typing import Any

import griffe

_EXAMPLE = re.compile(r"(?:^>>> .*\n?)(?:^(?!\s*$).*\n?)*", re.MULTILINE)
_LITERAL = re.compile(r"^Example::\n\n((?:(?: {4}.*)?\n?)+)", re.MULTILINE)
_PAGE = re.compile(r"(?<![\w/`])docs/([\w-]+\.md)")


class DocstringMarkdown(griffe.Extension):
    """Rewrites every docstring that griffe reads."""

    def on_instance(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rewrites the docstring of an object, if it has one."""
        if obj.docstring is not None:
            obj.docstring.value = as_markdown(obj.docstring.value)


def as_markdown(text: str) -> str:
    """Returns a docstring with its examples in fences, and with links to the pages it names.

    >>> as_markdown("See docs/data.md.")
    'See [docs/data.md](../data.md).'
    >>> as_markdown("Doubles.\\n\\n>>> double(2)\\n4")
    'Doubles.\\n\\n```pycon\\n>>> double(2)\\n4\\n```'
    """

    def fenced(example: re.Match[str]) -> str:
        return f"```pycon\n{example[0].rstrip()}\n```" + ("\n" if example[0].endswith("\n") else "")

    def literal(block: re.Match[str]) -> str:
        code = re.sub(r"^ {4}", "", block[1], flags=re.MULTILINE).strip()
        return f"Example:\n\n```python\n{code}\n```\n\n"

    text = _LITERAL.sub(literal, _EXAMPLE.sub(fenced, text))
    return _PAGE.sub(r"[docs/\1](../\1)", text)
