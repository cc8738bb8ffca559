"""From architecture parameters to a genotype: the rules of DARTS and the refinement of P-DARTS.

Every edge keeps its most probable operation other than `none`, every intermediate node its two
strongest edges. Refinement then takes away the weakest skip-connects of the normal cell, one at a
time, until at most M are left. Where values are equal, the choice is that of the official code.

Inside this module a cell is an array of scores (14, 8), edges by primitives: the probability of an
operation, or -inf where it cannot be chosen.

Reference: P-DARTS (arXiv 1904.12760), section 3.3; DARTS (arXiv 1806.09055), section 2.4.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pdarts_tf.genotype import EDGES_PER_NODE, NUM_INPUT_NODES, PRIMITIVES, Genotype
from pdarts_tf.search_space import CELLS, NUM_NODES, SearchSpace, edge_nodes, edge_probabilities

__all__ = ["count_skip_connects", "derive_all", "derive_genotype", "edge_probabilities"]

_NONE = PRIMITIVES.index("none")
_SKIP = PRIMITIVES.index("skip_connect")
_CONCAT = range(NUM_INPUT_NODES, NUM_INPUT_NODES + NUM_NODES)

_Scores = npt.NDArray[np.float64]


class _Choice(NamedTuple):
    """The operation (column of the scores) chosen on an edge (row of the scores) that is kept."""

    edge: int
    operation: int


def derive_genotype(
    space: SearchSpace,
    alphas_normal: npt.ArrayLike,
    alphas_reduce: npt.ArrayLike,
    max_skip_connects: int | None = None,
    *,
    restrict_reduce: bool = False,
) -> Genotype:
    """The genotype that the architecture parameters of the last stage stand for.

    Args:
        space: the candidates of the last stage.
        alphas_normal: (14, candidates) architecture parameters of the normal cell.
        alphas_reduce: (14, candidates) those of the reduction cell.
        max_skip_connects: M, the skip-connects that may remain in the normal cell; None leaves the
            genotype unrestricted. The paper's results have M = 2.
        restrict_reduce: whether M holds for the reduction cell as well; in the paper it does not.

    Raises:
        ValueError: if alphas have another shape or are not finite, if M is not None or an integer
            of at least 0, if a node has fewer than two edges with an operation other than `none`,
            or if too few edges have an operation to put in place of a skip-connect.

    Reference: P-DARTS, section 3.3, search space regularisation.
    """
    limit = max_skip_connects
    if limit is not None and (type(limit) is not int or limit < 0):
        raise ValueError(
            f"Expected max_skip_connects to be None or an integer >= 0. Received: {limit!r}"
        )
    normal = _refined(_scores(space, "normal", alphas_normal), "normal", limit)
    reduce = _refined(
        _scores(space, "reduce", alphas_reduce), "reduce", limit if restrict_reduce else None
    )
    return Genotype(_edges(normal), _CONCAT, _edges(reduce), _CONCAT)


def derive_all(
    space: SearchSpace,
    alphas_normal: npt.ArrayLike,
    alphas_reduce: npt.ArrayLike,
    *,
    restrict_reduce: bool = False,
) -> dict[str, Genotype]:
    """The genotypes for every limit on skip-connects, in falling order of the limit.

    Args:
        space: the candidates of the last stage.
        alphas_normal: (14, candidates) architecture parameters of the normal cell.
        alphas_reduce: (14, candidates) those of the reduction cell.
        restrict_reduce: whether the limits hold for the reduction cell as well.

    Returns:
        {"unrestricted": genotype, "M=7": genotype, ..., "M=0": genotype}, beginning with the number
        of skip-connects found (of both cells the larger one, if both are restricted). Limits that
        cannot be reached are left out; with three or more candidates per edge there are none such.

    Raises:
        ValueError: as `derive_genotype` without a limit.
    """
    unrestricted = derive_genotype(space, alphas_normal, alphas_reduce)
    restricted_cells = CELLS if restrict_reduce else CELLS[:1]
    found = max(count_skip_connects(unrestricted, cell) for cell in restricted_cells)
    genotypes = {"unrestricted": unrestricted}
    for limit in range(found, -1, -1):
        try:
            genotypes[f"M={limit}"] = derive_genotype(
                space, alphas_normal, alphas_reduce, limit, restrict_reduce=restrict_reduce
            )
        except _UnreachableLimitError:
            break  # Lower limits cannot be reached either.
    return genotypes


def count_skip_connects(genotype: Genotype, cell: str) -> int:
    """Number of skip-connects in a cell of the genotype.

    Args:
        genotype: any genotype.
        cell: "normal" or "reduce".

    Raises:
        ValueError: if the cell has another name.
    """
    if cell not in CELLS:
        raise ValueError(f"Expected cell to be one of {CELLS}. Received: {cell!r}")
    edges = genotype.normal if cell == "normal" else genotype.reduce
    return sum(operation == PRIMITIVES[_SKIP] for operation, _ in edges)


class _UnreachableLimitError(ValueError):
    """No genotype with so few skip-connects exists in the space."""


def _scores(space: SearchSpace, cell: str, alphas: npt.ArrayLike) -> _Scores:
    """Scores of a cell (14, 8): the probability of each candidate, of `none` and others -inf."""
    mask = space.normal if cell == "normal" else space.reduce
    scores = np.full(mask.shape, -np.inf)
    scores[mask] = edge_probabilities(space.checked_alphas(cell, alphas)).ravel()
    scores[:, _NONE] = -np.inf  # After the softmax: the others are not normalised again.
    return scores


def _refined(scores: _Scores, cell: str, limit: int | None) -> tuple[_Choice, ...]:
    """The choices of a cell, with at most `limit` skip-connects among them."""
    choices = _chosen(scores)
    if not choices:
        raise ValueError(
            f"Expected {EDGES_PER_NODE} edges into every node of the {cell} cell to have a "
            "candidate other than 'none'. Received: a search space in which a node has fewer; "
            "keep at least 2 candidates per edge"
        )
    while limit is not None and len(_skips(choices)) > limit:
        scores = _without_weakest_skip(scores, choices, cell, limit)
        choices = _chosen(scores)
    return choices


def _without_weakest_skip(
    scores: _Scores, choices: tuple[_Choice, ...], cell: str, limit: int
) -> _Scores:
    """The scores without the least probable of the chosen skip-connects that can be spared."""
    # A stable sort: of equally probable ones, that of the first edge goes, as in the official code.
    for edge in sorted(_skips(choices), key=lambda edge: scores[edge, _SKIP]):
        remaining = scores.copy()
        remaining[edge, _SKIP] = -np.inf
        if _chosen(remaining):
            return remaining
    raise _UnreachableLimitError(
        f"Expected max_skip_connects={limit} to be reachable in the {cell} cell. Received: a "
        f"search space in which {len(_skips(choices))} skip-connects have no operation to replace "
        "them; allow as many, or keep at least 3 candidates per edge"
    )


def _chosen(scores: _Scores) -> tuple[_Choice, ...]:
    """The choices of a cell in order of edges; empty if a node has no two edges to choose."""
    # Of equal scores the last operation and the last edge win: the official code drops the first of
    # the smallest, and sorts edges in a stable way to take the last two.
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
    """Indices of the edges into each intermediate node."""
    targets = [target for _, target in edge_nodes()]
    for node in _CONCAT:
        yield [edge for edge, target in enumerate(targets) if target == node]


def _skips(choices: tuple[_Choice, ...]) -> list[int]:
    """Edges on which a skip-connect is chosen."""
    return [choice.edge for choice in choices if choice.operation == _SKIP]


def _edges(choices: tuple[_Choice, ...]) -> list[tuple[str, int]]:
    """The choices in the notation of a genotype."""
    sources = [source for source, _ in edge_nodes()]
    return [(PRIMITIVES[choice.operation], sources[choice.edge]) for choice in choices]
