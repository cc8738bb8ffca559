"""The commands in the documentation: every one of them, and the page that it stands in."""

import re
import shlex
from typing import NamedTuple

from tests.source_tree import ROOT

PAGES = (
    *("README.md", "CONTRIBUTING.md", "SECURITY.md"),
    *sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md")),
)
_PROGRAMS = (
    *("python", "pdarts", "make", "tensorboard", "pip", "docker", "bazel", "ovc", "source"),
    *("export", "printf", "until", "sbatch", "srun", "exec", "opt_in_out", "apt-get"),
)
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_INDENTED = re.compile(r"(?<=\n\n)(?: {4}.*\n)+")
_SPAN = re.compile(r"`([^`\n]+(?:\n[^`\n]+)?)`")
_FIRST_WORD = re.compile(rf"(?:\S*bin/)?(?:{'|'.join(_PROGRAMS)})")
_ASSIGNMENT = re.compile(r"[A-Z_]+=\S*")
# A program, a module or a command of `pdarts` without arguments is a name rather than a command.
_NAME = re.compile(r"(?:python -m)?(?: ?[\w.]+)?|pdarts [\w-]+")


class Documented(NamedTuple):
    """A command, and the page that it stands in."""

    page: str
    text: str


def commands() -> list[Documented]:
    """Returns all commands of all pages; one that a page has twice counts once."""
    found = [Documented(page, text) for page in PAGES for text in commands_of(_read(page))]
    return list(dict.fromkeys(found))


def commands_of(text: str) -> list[str]:
    """Returns the commands of a text in Markdown: in blocks of code, and among its words."""
    blocks = [body for language, body in _FENCE.findall(text) if language in ("", "sh")]
    rest = _FENCE.sub("", text)
    lines = [line for block in blocks + _INDENTED.findall(rest) for line in _lines(block)]
    spans = (" ".join(span.split()) for span in _SPAN.findall(_INDENTED.sub("", rest)))
    named = (span.removesuffix(" …") for span in spans)
    return [
        *filter(_is_command, lines),
        *(span for span in named if _is_command(span) and not _NAME.fullmatch(span)),
    ]


def modules() -> set[str]:
    """Returns the modules that any page runs by `python -m`."""
    return {name for page in PAGES for name in re.findall(r"python -m ([a-z_.]+\w)", _read(page))}


def words(text: str, values: dict[str, str]) -> list[str]:
    """Returns the words of a command, with values in place of those that a reader chooses.

    Args:
        text: The command; what stands in brackets is included.
        values: What the words in capitals stand for, such as {"D": "data"}.
    """
    text = re.sub(r"[\[\]…]", "", text)
    pattern = re.compile(rf"(?<![\w|])({'|'.join(map(re.escape, values))})(?![\w|])")
    return [pattern.sub(lambda found: values[found[0]], word) for word in shlex.split(text)]


def _lines(block: str) -> list[str]:
    """Returns the lines of a block without comments; those that a backslash continues, joined."""
    joined = re.sub(r"\\\n\s*", "", block)
    return [re.sub(r"(^|\s+)# .*$", "", line).strip() for line in joined.splitlines()]


def _is_command(text: str) -> bool:
    own = [word for word in text.split() if not _ASSIGNMENT.fullmatch(word)]
    if not own or not _FIRST_WORD.fullmatch(own[0]):
        return False
    # A row of a table that is printed begins with the name of a method.
    return own[0] != "pdarts" or len(own) == 1 or own[1].isalpha()


def _read(page: str) -> str:
    return (ROOT / page).read_text("utf-8")
