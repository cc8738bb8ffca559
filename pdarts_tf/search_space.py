"""Search space: the candidate operations of every edge of the two cells.

Every edge starts with all primitives of the search, eight in the paper. Between the stages, the
least probable ones are dropped on each edge separately, so that a deeper supernet fits into memory.

Reference: P-DARTS (arXiv 1904.12760), section 3.2, search space approximation.
"""

import json
import reprlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pdarts_tf.arrays import as_numbers
from pdarts_tf.genotype import NUM_INPUT_NODES, PRIMITIVES
from pdarts_tf.primitives import unfit_candidates
from pdarts_tf.probabilities import edge_probabilities

NUM_NODES = 4
"""Number of intermediate nodes of a cell."""

NUM_EDGES = 14
"""Number of edges of a cell: one from every earlier node to each intermediate node, 2+3+4+5."""

CELLS = ("normal", "reduce")


def edge_nodes() -> tuple[tuple[int, int], ...]:
    """Returns (source, target) of the 14 edges, ordered by target, then by source.

    Nodes 0 and 1 are the inputs of the cell, nodes 2 to 5 its intermediate nodes.

    >>> edge_nodes()[:5]
    ((0, 2), (1, 2), (0, 3), (1, 3), (2, 3))
    """
    targets = range(NUM_INPUT_NODES, NUM_INPUT_NODES + NUM_NODES)
    return tuple((source, target) for target in targets for source in range(target))


@dataclass(frozen=True, eq=False)
class SearchSpace:
    """Candidate operations of every edge; immutable, compared and hashed by value.

    Both masks are stored as read-only arrays.

    Args:
        normal: Boolean mask of shape (14, primitives): which primitives are candidates on each edge
            of the normal cell. Edges are ordered as in `edge_nodes`.
        reduce: The same for the reduction cell.
        primitives: Names of the primitives of the whole search, in the order of the columns.

    Raises:
        ValueError: If primitives are unknown, fewer than two besides `none`, or repeat, a mask has
            another shape or type, or the edges of both cells do not all have the same number of
            candidates, at least one.

    Example:

    >>> space = SearchSpace.full()
    >>> space.num_candidates
    8
    >>> alphas = np.tile(np.arange(8.0), (14, 1))
    >>> smaller = space.drop_lowest(alphas, alphas, num_to_drop=3)
    >>> smaller.candidates("normal")[0]
    ('skip_connect', 'sep_conv_3x3', 'sep_conv_5x5', 'dil_conv_3x3', 'dil_conv_5x5')
    >>> SearchSpace.from_json(smaller.to_json()) == smaller
    True
    """

    normal: npt.NDArray[np.bool_]
    reduce: npt.NDArray[np.bool_]
    primitives: tuple[str, ...] = PRIMITIVES

    def __post_init__(self) -> None:
        """Validates the arguments and stores read-only copies of the masks."""
        object.__setattr__(self, "primitives", tuple(self.primitives))
        if expected := unfit_candidates(self.primitives):
            received = reprlib.repr(self.primitives)
            raise ValueError(f"Expected primitives to be {expected}. Received: {received}")
        for cell in CELLS:
            mask = _read_only_mask(cell, getattr(self, cell), len(self.primitives))
            object.__setattr__(self, cell, mask)
        counts = np.concatenate([self.normal.sum(axis=1), self.reduce.sum(axis=1)])
        if counts.min() < 1 or counts.min() != counts.max():
            raise ValueError(
                "Expected every edge of both cells to have the same number of candidates, at least "
                f"one. Received: counts per edge (normal, then reduce) {counts.tolist()}"
            )

    @classmethod
    def full(cls, primitives: Sequence[str] = PRIMITIVES) -> "SearchSpace":
        """Returns the space of the first stage: all primitives on every edge.

        Args:
            primitives: Their names, in the order of the architecture parameters.

        Raises:
            ValueError: They are unknown, fewer than two besides `none`, or repeat.
        """
        mask = np.ones((NUM_EDGES, len(primitives)), dtype=bool)
        return cls(mask, mask, tuple(primitives))

    @property
    def num_candidates(self) -> int:
        """Number of candidates per edge, the same on all edges."""
        return int(self.normal[0].sum())

    def candidates(self, cell: str) -> tuple[tuple[str, ...], ...]:
        """Returns the names of the candidates on each of the 14 edges, in the order of the alphas.

        Args:
            cell: "normal" or "reduce".

        Raises:
            ValueError: If `cell` is neither.
        """
        if cell not in CELLS:
            raise ValueError(f"Expected cell to be one of {CELLS}. Received: {cell!r}")
        mask = self.normal if cell == "normal" else self.reduce
        return tuple(
            tuple(name for name, present in zip(self.primitives, row, strict=True) if present)
            for row in mask
        )

    def drop_lowest(
        self, alphas_normal: npt.ArrayLike, alphas_reduce: npt.ArrayLike, num_to_drop: int
    ) -> "SearchSpace":
        """Returns the space without the least probable candidates of every edge.

        Of equally probable candidates, the one that comes first in `primitives` is dropped first,
        as in the official code.

        Args:
            alphas_normal: Architecture parameters of the normal cell, of shape (14, candidates).
            alphas_reduce: The same for the reduction cell.
            num_to_drop: Number of candidates to drop on every edge, 0 .. candidates - 1.

        Raises:
            ValueError: If alphas have another shape or are not finite, or no candidate would
                remain.

        Reference: P-DARTS, section 3.2.
        """
        if type(num_to_drop) is not int or not 0 <= num_to_drop < self.num_candidates:
            raise ValueError(
                f"Expected num_to_drop to be an integer from 0 to {self.num_candidates - 1}, so "
                f"that an edge keeps a candidate. Received: {num_to_drop!r}"
            )
        return SearchSpace(
            _without_lowest(self.normal, self.checked_alphas("normal", alphas_normal), num_to_drop),
            _without_lowest(self.reduce, self.checked_alphas("reduce", alphas_reduce), num_to_drop),
            self.primitives,
        )

    def checked_alphas(self, cell: str, alphas: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Validates architecture parameters for this space and returns them in float64.

        Args:
            cell: "normal" or "reduce", for the error message.
            alphas: Numbers of shape (14, candidates).

        Raises:
            ValueError: If the shape differs, or a value is no number or not finite.
        """
        shape = (NUM_EDGES, self.num_candidates)
        expected = f"alphas_{cell} to be finite numbers of shape {shape}"
        values = as_numbers(alphas, expected).astype(np.float64)
        if values.shape != shape:
            raise ValueError(f"Expected {expected}. Received: shape {values.shape}")
        if not np.isfinite(values).all():
            edges = np.flatnonzero(~np.isfinite(values).all(axis=1)).tolist()
            raise ValueError(f"Expected {expected}. Received: NaN or infinity on edges {edges}")
        return values

    def to_json(self) -> str:
        """Returns the names of all candidates: {"normal": {"0->2": ["none", ...], ...}, ...}.

        Other primitives than those of the paper are a key of their own, "primitives".
        """
        parts = [f'  "{cell}": {{\n{self._edges_json(cell)}\n  }}' for cell in CELLS]
        if self.primitives != PRIMITIVES:
            parts.insert(0, f'  "primitives": {json.dumps(self.primitives)}')
        return "{{\n{}\n}}".format(",\n".join(parts))

    def _edges_json(self, cell: str) -> str:
        """Returns one line per edge: its label and the names of its candidates."""
        return ",\n".join(
            f'    "{label}": {json.dumps(names)}'
            for label, names in zip(_edge_labels(), self.candidates(cell), strict=True)
        )

    @classmethod
    def from_json(cls, text: str) -> "SearchSpace":
        """Restores a space from the output of `to_json`.

        Raises:
            ValueError: If the text is not JSON, lacks a cell or an edge, names an unknown
                primitive, or does not describe a valid space.
        """
        try:
            cells = json.loads(text)
        except (TypeError, ValueError, RecursionError) as error:
            raise ValueError(f"Expected a search space in JSON. Received: {error}") from error
        if not isinstance(cells, dict) or set(cells) - {"primitives"} != set(CELLS):
            received = list(cells) if isinstance(cells, dict) else cells
            raise ValueError(f"Expected the cells {CELLS}. Received: {reprlib.repr(received)}")
        primitives = cells.get("primitives", PRIMITIVES)
        if not isinstance(primitives, list | tuple) or not _are_strings(primitives):
            received = reprlib.repr(primitives)
            raise ValueError(f"Expected primitives to be a list of names. Received: {received}")
        normal, reduce = (_mask_of_names(cell, cells[cell], primitives) for cell in CELLS)
        return cls(normal, reduce, tuple(primitives))

    def __eq__(self, other: object) -> bool:
        """Returns whether both spaces have the same primitives, and candidates on every edge."""
        if not isinstance(other, SearchSpace):
            return NotImplemented
        return self._key() == other._key()

    def __hash__(self) -> int:
        """Returns a hash of the values."""
        return hash(self._key())

    def __reduce__(self) -> tuple[Any, ...]:
        """Makes copying and unpickling call the constructor, so that arrays stay read-only."""
        return type(self), (self.normal, self.reduce, self.primitives)

    def _key(self) -> tuple[bytes, bytes, tuple[str, ...]]:
        """Returns the fields as hashable values."""
        return self.normal.tobytes(), self.reduce.tobytes(), self.primitives


def random_space(
    num_candidates: int, seed: int = 0, primitives: tuple[str, ...] = PRIMITIVES
) -> SearchSpace:
    """Returns a random space, such as a stage of a search may leave.

    Args:
        num_candidates: Number of candidates per edge, from 1 to the number of primitives.
        seed: Random seed.
        primitives: Names of the primitives of the whole search.

    Example:

    >>> random_space(5, seed=1).num_candidates
    5
    """
    rng = np.random.default_rng(seed)
    masks = np.zeros((len(CELLS), NUM_EDGES, len(primitives)), dtype=bool)
    for row in masks.reshape(-1, len(primitives)):
        row[rng.choice(len(primitives), num_candidates, replace=False)] = True
    normal, reduce = masks
    return SearchSpace(normal, reduce, primitives)


def _read_only_mask(cell: str, mask: npt.ArrayLike, columns: int) -> npt.NDArray[np.bool_]:
    """Validates a (14, columns) mask and returns a copy that cannot be made writable again."""
    shape = (NUM_EDGES, columns)
    expected = f"Expected {cell} to be truth values of shape {shape}"
    try:
        array = np.asarray(mask)
    except (TypeError, ValueError) as error:  # rows of different lengths
        raise ValueError(f"{expected}. Received: {error}") from error
    if array.shape != shape or array.dtype != np.bool_:
        raise ValueError(f"{expected}. Received: shape {array.shape}, dtype {array.dtype}")
    return np.frombuffer(array.tobytes(), dtype=np.bool_).reshape(shape)


def _without_lowest(
    mask: npt.NDArray[np.bool_], alphas: npt.NDArray[np.float64], num_to_drop: int
) -> npt.NDArray[np.bool_]:
    """Returns a mask without the `num_to_drop` least probable candidates per edge."""
    # A stable sort leaves equal probabilities in the order of the primitives.
    order = np.argsort(edge_probabilities(alphas), axis=1, kind="stable")
    columns = np.nonzero(mask)[1].reshape(alphas.shape)
    remaining = mask.copy()
    dropped = np.take_along_axis(columns, order[:, :num_to_drop], axis=1)
    np.put_along_axis(remaining, dropped, False, axis=1)
    return remaining


def _edge_labels() -> list[str]:
    """Returns readable names of the edges in order, such as "0->2"."""
    return [f"{source}->{target}" for source, target in edge_nodes()]


def _are_strings(names: Sequence[Any]) -> bool:
    return all(isinstance(name, str) for name in names)


def _mask_of_names(cell: str, edges: Any, primitives: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Returns the (14, primitives) mask of candidates' names that are keyed by edge label."""
    labels = _edge_labels()
    if not isinstance(edges, dict) or set(edges) != set(labels):
        received = list(edges) if isinstance(edges, dict) else edges
        raise ValueError(
            f"Expected {cell} to have the edges {labels}. Received: {reprlib.repr(received)}"
        )
    for label, names in edges.items():
        if not isinstance(names, list) or any(name not in primitives for name in names):
            raise ValueError(
                f"Expected {cell} edge {label} to list names out of {tuple(primitives)}. "
                f"Received: {reprlib.repr(names)}"
            )
    return np.array([[name in edges[label] for name in primitives] for label in labels])
