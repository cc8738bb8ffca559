"""The search space: which operations still compete on which edge of the two cells.

All edges start with the eight primitives; between the stages of the search the lowest-scoring ones
are dropped on every edge on its own, so that a deeper network fits into memory.

Reference: P-DARTS (arXiv 1904.12760), section 3.2, search space approximation.
"""

import json
import reprlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pdarts_tf.genotype import NUM_INPUT_NODES, PRIMITIVES

NUM_NODES = 4
"""Intermediate nodes of a cell."""

NUM_EDGES = 14
"""Edges of a cell: every intermediate node takes one from each earlier node, 2 + 3 + 4 + 5."""

CELLS = ("normal", "reduce")


def edge_nodes() -> tuple[tuple[int, int], ...]:
    """(source, target) of the 14 edges, in order of target, then source.

    Nodes 0 and 1 are the cell's inputs, nodes 2 to 5 the intermediate ones.
    """
    targets = range(NUM_INPUT_NODES, NUM_INPUT_NODES + NUM_NODES)
    return tuple((source, target) for target in targets for source in range(target))


def edge_probabilities(alphas: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Softmax of architecture parameters over the candidates of each edge, in float64.

    p_o = exp(alpha_o - max alpha) / sum of the same over all candidates.

    Args:
        alphas: (edges, candidates), finite.

    Returns:
        (edges, candidates); every row sums to 1.

    Reference: P-DARTS, section 3.1, equation 1.
    """
    values = np.asarray(alphas, dtype=np.float64)
    exponentials = np.exp(values - values.max(axis=1, keepdims=True))
    probabilities: npt.NDArray[np.float64] = exponentials / exponentials.sum(axis=1, keepdims=True)
    return probabilities


def edge_entropies(alphas: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Returns the entropy of softmax(alphas) of every edge, in nats: (edges,)."""
    probabilities = edge_probabilities(alphas)
    entropies: npt.NDArray[np.float64] = -(probabilities * np.log(probabilities)).sum(1)
    return entropies


def mean_entropy(alphas):
    """Returns the mean over the edges of the entropy of softmax(alphas), in nats."""
    return float(edge_entropies(alphas).mean())


@dataclass(frozen=True, eq=False)
class SearchSpace:
    """Candidate operations of every edge; immutable, compared and hashed by value.

    Args:
        normal: (14, 8) truth values, edges in the order of `edge_nodes`, operations in that of
            `PRIMITIVES`: which primitives are candidates on an edge of the normal cell.
        reduce: the same for the reduction cell.

    Both are stored as read-only arrays.

    Raises:
        ValueError: if a shape or type is another, or if not every edge of both cells has the same
            number of candidates, at least one.
    """

    normal: npt.NDArray[np.bool_]
    reduce: npt.NDArray[np.bool_]

    def __post_init__(self) -> None:
        """Replaces the arguments by their validated, read-only copies."""
        for cell in CELLS:
            object.__setattr__(self, cell, _read_only_mask(cell, getattr(self, cell)))
        counts = np.concatenate([self.normal.sum(axis=1), self.reduce.sum(axis=1)])
        if counts.min() < 1 or counts.min() != counts.max():
            raise ValueError(
                "Expected every edge of both cells to have the same number of candidates, at least "
                f"one. Received: counts per edge (normal, then reduce) {counts.tolist()}"
            )

    @classmethod
    def full(cls) -> "SearchSpace":
        """The space of the first stage: all eight primitives on every edge."""
        mask = np.ones((NUM_EDGES, len(PRIMITIVES)), dtype=bool)
        return cls(mask, mask)

    @property
    def num_candidates(self) -> int:
        """Candidates per edge, equal on all edges."""
        return int(self.normal[0].sum())

    def candidates(self, cell: str) -> tuple[tuple[str, ...], ...]:
        """Names of the candidates of each of the 14 edges, in the order of the alphas' columns.

        Args:
            cell: "normal" or "reduce".

        Raises:
            ValueError: if the cell has another name.
        """
        if cell not in CELLS:
            raise ValueError(f"Expected cell to be one of {CELLS}. Received: {cell!r}")
        mask = self.normal if cell == "normal" else self.reduce
        return tuple(
            tuple(name for name, present in zip(PRIMITIVES, row, strict=True) if present)
            for row in mask
        )

    def drop_lowest(
        self, alphas_normal: npt.ArrayLike, alphas_reduce: npt.ArrayLike, num_to_drop: int
    ) -> "SearchSpace":
        """The space without the lowest-scoring candidates of every edge.

        Of equal probabilities, that of the operation that comes first in `PRIMITIVES` is dropped
        first, as the official code does.

        Args:
            alphas_normal: (14, candidates) architecture parameters of the normal cell.
            alphas_reduce: (14, candidates) those of the reduction cell.
            num_to_drop: candidates to drop on every edge, 0 up to candidates - 1.

        Raises:
            ValueError: if alphas have another shape or are not finite, or if no candidate would
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
        )

    def checked_alphas(self, cell: str, alphas: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Architecture parameters of a cell of this space as a float64 array.

        Args:
            cell: "normal" or "reduce", for the message.
            alphas: (14, candidates) numbers.

        Raises:
            ValueError: if the shape is another or a value is not a finite number.
        """
        shape = (NUM_EDGES, self.num_candidates)
        expected = f"Expected alphas_{cell} to be finite numbers of shape {shape}"
        try:
            values = np.asarray(alphas, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{expected}. Received: {type(alphas).__name__} ({error})") from error
        if values.shape != shape:
            raise ValueError(f"{expected}. Received: shape {values.shape}")
        if not np.isfinite(values).all():
            edges = np.flatnonzero(~np.isfinite(values).all(axis=1)).tolist()
            raise ValueError(f"{expected}. Received: NaN or infinity on edges {edges}")
        return values

    def to_json(self) -> str:
        """The candidates of both cells by name: {"normal": {"0->2": ["none", ...], ...}, ...}."""
        cells = ",\n".join(f'  "{cell}": {{\n{self._edges_json(cell)}\n  }}' for cell in CELLS)
        return f"{{\n{cells}\n}}"

    def _edges_json(self, cell: str) -> str:
        """One line per edge: its label and the names of its candidates."""
        return ",\n".join(
            f'    "{label}": {json.dumps(names)}'
            for label, names in zip(_edge_labels(), self.candidates(cell), strict=True)
        )

    @classmethod
    def from_json(cls, text: str) -> "SearchSpace":
        """The space that `to_json` wrote.

        Raises:
            ValueError: if the text is not JSON, lacks a cell or an edge, names an unknown
                primitive, or does not describe a valid space.
        """
        try:
            cells = json.loads(text)
        except (TypeError, ValueError, RecursionError) as error:
            raise ValueError(f"Expected a search space in JSON. Received: {error}") from error
        if not isinstance(cells, dict) or set(cells) != set(CELLS):
            received = list(cells) if isinstance(cells, dict) else cells
            raise ValueError(f"Expected the cells {CELLS}. Received: {reprlib.repr(received)}")
        return cls(*(_mask_of_names(cell, cells[cell]) for cell in CELLS))

    def __eq__(self, other: object) -> bool:
        """Whether both have the same candidates everywhere."""
        if not isinstance(other, SearchSpace):
            return NotImplemented
        return self._key() == other._key()

    def __hash__(self) -> int:
        """Hash of the masks' values."""
        return hash(self._key())

    def __reduce__(self) -> tuple[Any, ...]:
        """Copies and unpickles through the constructor, which keeps the arrays read-only."""
        return type(self), (self.normal, self.reduce)

    def _key(self) -> tuple[bytes, bytes]:
        """The masks as hashable values."""
        return self.normal.tobytes(), self.reduce.tobytes()


def random_space(num_candidates: int, seed: int = 0) -> SearchSpace:
    """A space with so many candidates on every edge, drawn at random: one as a search may leave.

    Args:
        num_candidates: from 1 to 8.
        seed: of the draw.
    """
    rng = np.random.default_rng(seed)
    masks = np.zeros((len(CELLS), NUM_EDGES, len(PRIMITIVES)), dtype=bool)
    for row in masks.reshape(-1, len(PRIMITIVES)):
        row[rng.choice(len(PRIMITIVES), num_candidates, replace=False)] = True
    return SearchSpace(*masks)


def _read_only_mask(cell: str, mask: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """A copy of a (14, 8) mask that nobody can make writable again."""
    shape = (NUM_EDGES, len(PRIMITIVES))
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
    """The (14, 8) mask without the `num_to_drop` least probable candidates of every edge."""
    # A stable sort leaves equal probabilities in order of the primitives.
    order = np.argsort(edge_probabilities(alphas), axis=1, kind="stable")
    columns = np.nonzero(mask)[1].reshape(alphas.shape)
    remaining = mask.copy()
    dropped = np.take_along_axis(columns, order[:, :num_to_drop], axis=1)
    np.put_along_axis(remaining, dropped, False, axis=1)
    return remaining


def _edge_labels() -> list[str]:
    """Readable names of the edges in order, such as "0->2"."""
    return [f"{source}->{target}" for source, target in edge_nodes()]


def _mask_of_names(cell: str, edges: Any) -> npt.NDArray[np.bool_]:
    """The (14, 8) mask of the candidates' names by edge label."""
    labels = _edge_labels()
    if not isinstance(edges, dict) or set(edges) != set(labels):
        received = list(edges) if isinstance(edges, dict) else edges
        raise ValueError(
            f"Expected {cell} to have the edges {labels}. Received: {reprlib.repr(received)}"
        )
    for label, names in edges.items():
        if not isinstance(names, list) or any(name not in PRIMITIVES for name in names):
            raise ValueError(
                f"Expected {cell} edge {label} to list names out of {PRIMITIVES}. "
                f"Received: {reprlib.repr(names)}"
            )
    return np.array([[name in edges[label] for name in PRIMITIVES] for label in labels])
