"""Derivation of a genotype from architecture parameters, with P-DARTS' limit on skip-connects.

Every edge keeps its most probable operation other than `none`, and every intermediate node its two
strongest edges. The search space regularization of P-DARTS then removes the weakest skip-connects
of the normal cell, one at a time, until at most M remain. Ties are broken as in the official code.

Inside this module, a cell is an array of scores of shape (14, primitives): the probability of an
operation, times the weight of the edge where edges have weights of their own, or -inf where it
cannot be chosen.

Reference: P-DARTS (arXiv 1904.12760), section 3.3; DARTS (arXiv 1806.09055), section 2.4; PC-DARTS
(arXiv 1907.05737), section 3.3, for the weights of edges.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pdarts_tf.arrays import as_numbers
from pdarts_tf.genotype import EDGES_PER_NODE, NUM_INPUT_NODES, Genotype
from pdarts_tf.probabilities import edge_probabilities
from pdarts_tf.search_space import (
    CELLS,
    NUM_EDGES,
    NUM_NODES,
    SearchSpace,
    edge_nodes,
)

__all__ = ["count_skip_connects", "derive_all", "derive_genotype", "edge_probabilities"]

_SKIP = "skip_connect"
_CONCAT = range(NUM_INPUT_NODES, NUM_INPUT_NODES + NUM_NODES)

_Scores = npt.NDArray[np.float64]


class _Choice(NamedTuple):
    """A kept edge (row of the scores) and the operation chosen on it (column of the scores)."""

    edge: int
    operation: int


def derive_genotype(
    space: SearchSpace,
    alphas_normal: npt.ArrayLike,
    alphas_reduce: npt.ArrayLike,
    max_skip_connects: int | None = None,
    *,
    restrict_reduce: bool = False,
    betas: tuple[npt.ArrayLike, npt.ArrayLike] | None = None,
) -> Genotype:
    """Derives a genotype from the architecture parameters of the last stage.

    Args:
        space: Candidate operations of the last stage.
        alphas_normal: Architecture parameters of the normal cell, of shape (14, candidates).
        alphas_reduce: The same for the reduction cell.
        max_skip_connects: Maximum number M of skip-connects in the normal cell; None for no limit.
            The paper uses M = 2.
        restrict_reduce: Whether M applies to the reduction cell as well; in the paper it does not.
        betas: Parameters of the edges of the normal and of the reduction cell in PC-DARTS, of shape
            (14,) each: every probability is multiplied by softmax(beta) over the edges into the
            same node. None if edges have no weights of their own.

    Returns:
        The genotype, with two edges per intermediate node.

    Raises:
        ValueError: If alphas or betas have another shape or are not finite, M is neither None nor
            an integer of at least 0, a node has fewer than two edges with an operation other than
            `none`, or too few edges have an operation to replace a skip-connect.

    Reference: P-DARTS, section 3.3, search space regularization.

    Example:

    >>> alphas = np.zeros((14, 8))
    >>> space = SearchSpace.full()
    >>> alphas[:, space.primitives.index("skip_connect")] = 2.0
    >>> alphas[:, space.primitives.index("sep_conv_3x3")] = 1.0
    >>> derive_genotype(space, alphas, alphas).num_skip_connects
    8
    >>> derive_genotype(space, alphas, alphas, max_skip_connects=2).num_skip_connects
    2
    """
    limit = max_skip_connects
    if limit is not None and (type(limit) is not int or limit < 0):
        raise ValueError(
            f"Expected max_skip_connects to be None or an integer >= 0. Received: {limit!r}"
        )
    betas_normal, betas_reduce = (None, None) if betas is None else betas
    skip = _column(space, _SKIP)
    normal = _refined(_scores(space, "normal", alphas_normal, betas_normal), "normal", limit, skip)
    reduce = _refined(
        _scores(space, "reduce", alphas_reduce, betas_reduce),
        "reduce",
        limit if restrict_reduce else None,
        skip,
    )
    return Genotype(
        _edges(normal, space.primitives), _CONCAT, _edges(reduce, space.primitives), _CONCAT
    )


def derive_all(
    space: SearchSpace,
    alphas_normal: npt.ArrayLike,
    alphas_reduce: npt.ArrayLike,
    *,
    restrict_reduce: bool = False,
    betas: tuple[npt.ArrayLike, npt.ArrayLike] | None = None,
) -> dict[str, Genotype]:
    """Derives the genotypes for every limit on skip-connects, in decreasing order of the limit.

    Args:
        space: Candidate operations of the last stage.
        alphas_normal: Architecture parameters of the normal cell, of shape (14, candidates).
        alphas_reduce: The same for the reduction cell.
        restrict_reduce: Whether the limits apply to the reduction cell as well.
        betas: See `derive_genotype`.

    Returns:
        {"unrestricted": genotype, "M=7": genotype, ..., "M=0": genotype}, starting at the number of
        skip-connects found (the larger of the two cells' if both are restricted). Limits that
        cannot be reached are left out; with three or more candidates per edge, all can be.

    Raises:
        ValueError: As `derive_genotype` without a limit.

    Example:

    >>> alphas, space = np.zeros((14, 8)), SearchSpace.full()
    >>> alphas[:2, space.primitives.index("skip_connect")] = 1.0
    >>> list(derive_all(space, alphas, alphas))
    ['unrestricted', 'M=2', 'M=1', 'M=0']
    """
    unrestricted = derive_genotype(space, alphas_normal, alphas_reduce, betas=betas)
    restricted_cells = CELLS if restrict_reduce else CELLS[:1]
    found = max(count_skip_connects(unrestricted, cell) for cell in restricted_cells)
    genotypes = {"unrestricted": unrestricted}
    for limit in range(found, -1, -1):
        try:
            genotypes[f"M={limit}"] = derive_genotype(
                space,
                alphas_normal,
                alphas_reduce,
                limit,
                restrict_reduce=restrict_reduce,
                betas=betas,
            )
        except _UnreachableLimitError:
            break  # Lower limits cannot be reached either.
    return genotypes


def count_skip_connects(genotype: Genotype, cell: str) -> int:
    """Counts the skip-connects in a cell of a genotype.

    Args:
        genotype: Any genotype.
        cell: "normal" or "reduce".

    Raises:
        ValueError: If `cell` is neither.
    """
    if cell not in CELLS:
        raise ValueError(f"Expected cell to be one of {CELLS}. Received: {cell!r}")
    edges = genotype.normal if cell == "normal" else genotype.reduce
    return sum(operation == _SKIP for operation, _ in edges)


class _UnreachableLimitError(ValueError):
    """Raised if the space has no genotype with so few skip-connects."""


def _column(space: SearchSpace, primitive: str) -> int | None:
    """Returns the column of a primitive; None if the search does without it."""
    return space.primitives.index(primitive) if primitive in space.primitives else None


def _scores(
    space: SearchSpace, cell: str, alphas: npt.ArrayLike, betas: npt.ArrayLike | None
) -> _Scores:
    """Returns the scores of a cell: probabilities of candidates, -inf for all others."""
    mask = space.normal if cell == "normal" else space.reduce
    probabilities = edge_probabilities(space.checked_alphas(cell, alphas))
    if betas is not None:
        probabilities *= edge_weights(betas, f"betas_{cell}")[:, np.newaxis]
    scores = np.full(mask.shape, -np.inf)
    scores[mask] = probabilities.ravel()
    none = _column(space, "none")
    if none is not None:
        scores[:, none] = -np.inf  # After the softmax: the others are not normalized again.
    return scores


def edge_weights(betas: npt.ArrayLike, name: str = "betas") -> npt.NDArray[np.float64]:
    """Computes softmax(beta) over the edges into each node, in float64.

    Args:
        betas: Parameters of the edges, of shape (14,), finite.
        name: What they are called in errors.

    Returns:
        Array of shape (14,); the weights of the edges into a node sum to 1.

    Raises:
        ValueError: If betas have another shape, or one is no number or not finite.

    Reference: PC-DARTS (arXiv 1907.05737), section 3.3, equation 5.

    Example:

    >>> edge_weights(np.zeros(14))[:5].round(2)
    array([0.5 , 0.5 , 0.33, 0.33, 0.33])
    """
    expected = f"{name} to be finite numbers of shape ({NUM_EDGES},)"
    values = as_numbers(betas, expected).astype(np.float64)
    if values.shape != (NUM_EDGES,):
        raise ValueError(f"Expected {expected}. Received: shape {values.shape}")
    if not np.isfinite(values).all():
        raise ValueError(f"Expected {expected}. Received: NaN or infinity")
    parts = [edge_probabilities(values[np.newaxis, edges])[0] for edges in _edges_by_node()]
    return np.concatenate(parts)


def _refined(
    scores: _Scores, cell: str, limit: int | None, skip: int | None
) -> tuple[_Choice, ...]:
    """Returns the choices of a cell, with at most `limit` skip-connects among them.

    The column of the skip-connects is `skip`.
    """
    choices = _chosen(scores)
    if not choices:
        raise ValueError(
            f"Expected {EDGES_PER_NODE} edges into every node of the {cell} cell to have a "
            "candidate other than 'none'. Received: a search space in which a node has fewer; "
            "keep at least 2 candidates per edge"
        )
    if limit is None or skip is None:
        return choices
    while len(skips := _edges_with(skip, choices)) > limit:
        remaining = _without_weakest(skip, skips, scores)
        if remaining is None:
            raise _UnreachableLimitError(
                f"Expected max_skip_connects={limit} to be reachable in the {cell} cell. Received: "
                f"a search space in which {len(skips)} skip-connects have no operation to replace "
                "them; allow as many, or keep at least 3 candidates per edge"
            )
        scores = remaining
        choices = _chosen(scores)
    return choices


def _without_weakest(skip: int, edges: list[int], scores: _Scores) -> _Scores | None:
    """Returns the scores without the least probable skip-connect that can be replaced, or None."""
    # A stable sort: of equally probable skip-connects, the one on the first edge is removed, as in
    # the official code.
    for edge in sorted(edges, key=lambda edge: scores[edge, skip]):
        remaining = scores.copy()
        remaining[edge, skip] = -np.inf
        if _chosen(remaining):
            return remaining
    return None


def _chosen(scores: _Scores) -> tuple[_Choice, ...]:
    """Returns the choices of a cell in order of edges; empty if a node lacks two usable edges."""
    # Of equal scores, the last operation and the last edge win: the official code drops the first
    # of the smallest, and takes the last two of the edges after a stable sort.
    operations = scores.shape[1] - 1 - np.argmax(scores[:, ::-1], axis=1)
    strengths = scores.max(axis=1)
    choices: list[_Choice] = []
    for edges in _edges_by_node():
        strongest = sorted(edges, key=lambda edge: strengths[edge])[-EDGES_PER_NODE:]
        if np.isneginf(strengths[strongest]).any():
            return ()
        choices.extend(_Choice(edge, int(operations[edge])) for edge in sorted(strongest))
    return tuple(choices)


def _edges_by_node() -> Iterator[list[int]]:
    """Yields the indices of the edges into each intermediate node."""
    targets = [target for _, target in edge_nodes()]
    for node in _CONCAT:
        yield [edge for edge, target in enumerate(targets) if target == node]


def _edges_with(operation: int, choices: tuple[_Choice, ...]) -> list[int]:
    """Returns the edges on which an operation is chosen."""
    return [choice.edge for choice in choices if choice.operation == operation]


def _edges(choices: tuple[_Choice, ...], primitives: Sequence[str]) -> list[tuple[str, int]]:
    """Returns the choices in the notation of a genotype."""
    sources = [source for source, _ in edge_nodes()]
    return [(primitives[choice.operation], sources[choice.edge]) for choice in choices]
