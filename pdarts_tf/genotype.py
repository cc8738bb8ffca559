"""Genotypes: the result of a search, from which evaluation networks are built.

A cell is written as two edges per intermediate node, in order of the nodes. An edge is a pair
(operation, input): inputs 0 and 1 are the outputs of the two preceding cells, input 2 + n is
intermediate node n. The output of the cell concatenates the nodes in `*_concat`.

This module depends on the standard library only. It trusts no text: the size of the input is
limited, and it is parsed, never evaluated.

Reference: P-DARTS (arXiv 1904.12760), section 3.1; notation of DARTS (arXiv 1806.09055).
"""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pdarts_tf import notations
from pdarts_tf.cell_fields import EDGES_PER_NODE as EDGES_PER_NODE
from pdarts_tf.cell_fields import FIELDS, error, validated_concat, validated_edges
from pdarts_tf.cell_fields import NUM_INPUT_NODES as NUM_INPUT_NODES
from pdarts_tf.cell_fields import GenotypeError as GenotypeError
from pdarts_tf.errors import quoted
from pdarts_tf.notations import MAX_TEXT_SIZE as MAX_TEXT_SIZE
from pdarts_tf.primitives import EVALUATION_PRIMITIVES as EVALUATION_PRIMITIVES
from pdarts_tf.primitives import PRIMITIVES as PRIMITIVES
from pdarts_tf.published_cells import ALIASES, PUBLISHED_CELLS

RESULT_FILE = "genotype.json"
"""Name of the file with the result of a search, in its run directory."""

RESULTS_FILE = "genotypes.json"
"""Name of the file with the results of a search for every limit on skip-connects."""


@dataclass(frozen=True)
class Genotype:
    """A normal and a reduction cell; validated, immutable and hashable.

    Lists, tuples and, for the concatenations, ranges are accepted, and stored as tuples.

    Args:
        normal: Pairs (operation, input), two per intermediate node. Operations are those of
            `EVALUATION_PRIMITIVES`; the input of an edge into node i is one of 0 .. i - 1.
        normal_concat: Distinct indices (2 .. number of nodes + 1) of the nodes in the output.
        reduce: Same as `normal`, for the reduction cell; its number of nodes may differ.
        reduce_concat: Same as `normal_concat`, for the reduction cell.

    Raises:
        GenotypeError: If a field is malformed.

    Example:

    >>> edges = [("sep_conv_3x3", 0), ("skip_connect", 1)]  # into node 2
    >>> genotype = Genotype(edges, [2], edges, [2])
    >>> Genotype.from_json(genotype.to_json()) == genotype
    True
    >>> genotype.num_skip_connects
    1
    """

    normal: Sequence[tuple[str, int]]
    normal_concat: Sequence[int]
    reduce: Sequence[tuple[str, int]]
    reduce_concat: Sequence[int]

    def __post_init__(self) -> None:
        """Validates the fields and stores them as tuples."""
        for cell in ("normal", "reduce"):
            edges = validated_edges(cell, getattr(self, cell))
            concat = validated_concat(
                f"{cell}_concat", getattr(self, f"{cell}_concat"), len(edges) // EDGES_PER_NODE
            )
            # The documented way to set a field of a frozen dataclass while it is made.
            object.__setattr__(self, cell, edges)
            object.__setattr__(self, f"{cell}_concat", concat)

    @property
    def num_skip_connects(self) -> int:
        """Number of skip-connects in the normal cell, which P-DARTS (section 3.3) limits to 2."""
        return sum(operation == "skip_connect" for operation, _ in self.normal)

    def __str__(self) -> str:
        """Returns the official notation, as printed in logs and papers; `parse` reads it."""
        return (
            f"Genotype(normal={list(self.normal)}, "
            f"normal_concat={_concat_text(self.normal_concat)}, "
            f"reduce={list(self.reduce)}, "
            f"reduce_concat={_concat_text(self.reduce_concat)})"
        )

    def to_json(self) -> str:
        """Returns the genotype as a JSON object of four lists, one per line."""
        lines = (f'  "{field}": {json.dumps(getattr(self, field))}' for field in FIELDS)
        return "{\n" + ",\n".join(lines) + "\n}"

    @classmethod
    def from_json(cls, text: str) -> "Genotype":
        """Restores a genotype from the output of `to_json`.

        Raises:
            GenotypeError: If the text is too long, not JSON, or not a valid genotype.
        """
        return cls(**notations.json_fields(text))

    @classmethod
    def parse(cls, text: str) -> "Genotype":
        """Parses a genotype in any notation, or the name of a published cell.

        Args:
            text: The output of `to_json` or `str`, a name, or one of the notations in
                docs/genotypes.md.

        Raises:
            GenotypeError: If the text is none of these, has several genotypes, or the genotype is
                not valid.

        Example:

        >>> Genotype.parse("DARTS_V2").normal[0]
        ('sep_conv_3x3', 0)
        >>> Genotype.parse("pc_darts_cifar") == GENOTYPES["PC_DARTS_CIFAR"]
        True
        """
        published = _published(notations.check_text(text).strip())
        return published or cls(**notations.read_fields(text, None, _known_names()))


def genotypes_json(genotypes: Mapping[str, Genotype]) -> str:
    """Returns several genotypes as one JSON object, keyed by name."""
    objects = (f"{json.dumps(name)}: {each.to_json()}" for name, each in genotypes.items())
    return "{\n" + ",\n".join(objects) + "\n}"


def genotypes_from_json(text: str) -> dict[str, Genotype]:
    """Restores genotypes by name from the output of `genotypes_json`.

    Raises:
        GenotypeError: The text is too long, not such JSON, or has a genotype that is not valid.
    """
    return {name: Genotype(**each) for name, each in notations.json_objects(text).items()}


def load_genotypes(
    text_or_path: str | os.PathLike[str], max_skip_connects: int | None = None
) -> dict[str, Genotype]:
    """Returns all genotypes among which a name on a command line leaves the choice.

    Args:
        text_or_path: See `load_genotype`.
        max_skip_connects: See `load_genotype`.

    Returns:
        Of the run directory of a search, its results for every limit on skip-connects, as
        {"unrestricted": …, "M=7": …}; otherwise a single genotype, called "M=2" if that limit was
        asked for, and "" if none was.

    Raises:
        GenotypeError: See `load_genotype`.
    """
    single = load_genotype(text_or_path, max_skip_connects)
    file = os.path.join(os.path.expanduser(os.fspath(text_or_path)), RESULTS_FILE)
    if max_skip_connects is not None:
        return {f"M={max_skip_connects}": single}
    if not os.path.isfile(file):
        return {"": single}
    try:
        return genotypes_from_json(_read_text(file))
    except GenotypeError as failed:
        raise GenotypeError(f"{quoted(file)}: {failed}") from failed


def load_genotype(
    text_or_path: str | os.PathLike[str], max_skip_connects: int | None = None
) -> Genotype:
    """Returns the genotype named on a command line.

    Args:
        text_or_path: The name of a published cell; a file that holds a genotype in any notation
            that `Genotype.parse` reads; FILE:NAME, for one of several in a file; the run directory
            of a search, for its result; or the notation itself. A path may begin with "~".
        max_skip_connects: Which of the results of a search: that with at most so many
            skip-connects. By default, the one that the search was asked for.

    Raises:
        GenotypeError: If there is neither such a name nor such a file, or the file is too large,
            unreadable or malformed.
    """
    if not isinstance(text_or_path, str | os.PathLike):
        raise error("a name or a file", text_or_path, "Pass text or a path")
    text = os.path.expanduser(os.fspath(text_or_path))
    if max_skip_connects is not None:
        return _of_limit(text, max_skip_connects)
    if text in GENOTYPES:
        return GENOTYPES[text]
    path, _, name = text.rpartition(":")
    for file, key in ((text, None), (path, name.strip())):
        if os.path.isdir(file):
            file = os.path.join(file, RESULT_FILE if key is None else RESULTS_FILE)
            if not os.path.isfile(file):
                raise error("a file", text, f"This is a directory: pass the {RESULT_FILE} in it")
        if os.path.isfile(file):
            return _read_genotype(file, key)
    published = _published(text.strip())
    if published is not None:
        return published
    if _is_notation(text):
        return Genotype.parse(text)
    raise error("a file that exists or a known name", text, _known_names())


def _is_notation(text: str) -> bool:
    return "Genotype(" in text or text.lstrip().startswith(("{", "(", "[", "|"))


def _of_limit(text: str, limit: int) -> Genotype:
    """Returns the result of a search with at most so many skip-connects."""
    file = os.path.join(text, RESULTS_FILE) if os.path.isdir(text) else text
    if os.path.basename(file) != RESULTS_FILE or not os.path.isfile(file):
        raise error(
            f"the run directory of a search, with its {RESULTS_FILE}",
            text,
            "Without one, leave --max_skip_connects out",
        )
    try:
        return _read_genotype(file, f"M={limit}")
    except GenotypeError:
        # Limits that the search did not reach are not listed: it has fewer skip-connects anyway.
        unrestricted = _read_genotype(file, "unrestricted")
        if unrestricted.num_skip_connects > limit:
            raise
        return unrestricted


def _published(name: str) -> Genotype | None:
    """Returns the published cell of a name, or of the name of an official file in any case."""
    key = name if name in GENOTYPES else ALIASES.get(name.casefold().replace("-", "_"))
    return None if key is None else GENOTYPES[key]


def _known_names() -> str:
    return f"Known names: {', '.join(GENOTYPES)}"


def _read_text(path: str) -> str:
    """Reads a file; holds at most one byte more than the limit in memory."""
    try:
        size = os.stat(path).st_size
        with open(path, "rb") as file:
            content = file.read(MAX_TEXT_SIZE + 1) if size <= MAX_TEXT_SIZE else b""
    except OSError as failed:
        raise error("a readable file", path, f"Check it ({failed.strerror})") from failed
    if max(size, len(content)) > MAX_TEXT_SIZE:
        raise error(
            f"a file of at most {MAX_TEXT_SIZE} bytes",
            path,
            f"This is larger: pass a {RESULT_FILE}",
        )
    try:
        return _decoded(content)
    except UnicodeDecodeError as failed:
        raise error("a text file in UTF-8", path, f"Pass a {RESULT_FILE}") from failed


def _read_genotype(path: str, name: str | None) -> Genotype:
    text = _read_text(path)
    try:
        published = _published(text.strip()) if name is None else None
        return published or Genotype(**notations.read_fields(text, name, _known_names()))
    except GenotypeError as failed:
        raise GenotypeError(f"{quoted(path)}: {failed}") from failed


def _decoded(content: bytes) -> str:
    """Returns the text of a file in UTF-8 or, as PowerShell writes it, in UTF-16."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16")
    if b"\0" in content[:2]:
        return content.decode("utf-16-be" if content.startswith(b"\0") else "utf-16-le")
    return content.decode("utf-8-sig")


def _concat_text(concat: Sequence[int]) -> str:
    """Returns a concatenation in the official notation: a range if it is one, else a list."""
    consecutive = range(concat[0], concat[-1] + 1)
    return str(consecutive if concat == tuple(consecutive) else list(concat))


GENOTYPES: dict[str, Genotype] = {name: Genotype(*cells) for name, cells in PUBLISHED_CELLS.items()}
"""Published genotypes by name."""
