"""Architecture parameters (alphas) together with the candidates that they belong to.

A value like this is what a stage of the search returns, what the next search space and the genotype
are derived from, and what drawings and reports show of every epoch.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pdarts_tf.derivation import derive_all, derive_genotype
from pdarts_tf.genotype import EDGES_PER_NODE, NUM_INPUT_NODES, Genotype
from pdarts_tf.probabilities import edge_probabilities, mean_entropy
from pdarts_tf.search_space import CELLS, SearchSpace, edge_nodes


@dataclass(frozen=True, eq=False)
class Alphas:
    """Architecture parameters of both cells at one moment of a search.

    Args:
        space: Candidate operations of every edge.
        normal: Array of shape (14, candidates), for the normal cell.
        reduce: Array of shape (14, candidates), for the reduction cell.

    Both arrays are stored in float64.

    Raises:
        ValueError: A shape does not fit the space, or a value is not finite.

    Example:

    >>> alphas = Alphas(SearchSpace.full(), np.zeros((14, 8)), np.zeros((14, 8)))
    >>> alphas.next_space(num_to_drop=3).num_candidates
    5
    """

    space: SearchSpace
    normal: npt.NDArray[np.float64]
    reduce: npt.NDArray[np.float64]

    def __post_init__(self) -> None:
        """Replaces the arrays by their validated copies."""
        for cell in CELLS:
            object.__setattr__(self, cell, self.space.checked_alphas(cell, getattr(self, cell)))

    @classmethod
    def from_record(cls, space: SearchSpace, record: Mapping[str, Any]) -> "Alphas":
        """Restores what `to_record` returned, with the space of its stage.

        Raises:
            KeyError: A cell is missing.
            ValueError: Values do not fit the space.
        """
        return cls(space, record["normal"], record["reduce"])

    def to_record(self) -> dict[str, list[list[float]]]:
        """Returns the values of both cells as lists, for JSON; float64 survives it exactly."""
        return {cell: self.of(cell).tolist() for cell in CELLS}

    def of(self, cell: str) -> npt.NDArray[np.float64]:
        """Returns the array of a cell, "normal" or "reduce"."""
        return self.normal if cell == "normal" else self.reduce

    def probabilities(self, cell: str) -> npt.NDArray[np.float64]:
        """Returns softmax(alpha) of a cell as (14, primitives); NaN where there is no candidate."""
        grid = np.full(self.space.normal.shape, np.nan)
        grid[getattr(self.space, cell)] = edge_probabilities(self.of(cell)).ravel()
        return grid

    def mean_entropy(self, cell: str) -> float:
        """Returns the entropy of softmax(alpha) in nats, averaged over the edges of a cell."""
        return mean_entropy(self.of(cell))

    def next_space(self, num_to_drop: int) -> SearchSpace:
        """Returns the search space of the next stage; see `SearchSpace.drop_lowest`."""
        return self.space.drop_lowest(self.normal, self.reduce, num_to_drop)

    def derive(
        self, max_skip_connects: int | None = None, *, restrict_reduce: bool = False
    ) -> Genotype:
        """Returns the genotype; see `derive_genotype`."""
        return derive_genotype(
            self.space,
            self.normal,
            self.reduce,
            max_skip_connects,
            restrict_reduce=restrict_reduce,
        )

    def derive_all(self, *, restrict_reduce: bool = False) -> dict[str, Genotype]:
        """Returns the genotypes for every limit on skip-connects; see `derivation.derive_all`."""
        return derive_all(self.space, self.normal, self.reduce, restrict_reduce=restrict_reduce)

    def derive_if_possible(
        self, max_skip_connects: int, *, restrict_reduce: bool = False
    ) -> Genotype | None:
        """Returns the genotype, or None if the limit on skip-connects cannot be reached."""
        try:
            return self.derive(max_skip_connects, restrict_reduce=restrict_reduce)
        except ValueError:
            return None


def chosen_operations(
    genotype: Genotype, cell: str, primitives: Sequence[str]
) -> set[tuple[int, int]]:
    """Returns the (edge, primitive) indices that a genotype keeps.

    Operations and edges outside the search space, as published cells of others have, are left out.

    Args:
        genotype: Any genotype.
        cell: "normal" or "reduce".
        primitives: Names of the primitives of the search.
    """
    indices = {edge: i for i, edge in enumerate(edge_nodes())}
    chosen = set()
    for i, (operation, source) in enumerate(getattr(genotype, cell)):
        edge = source, NUM_INPUT_NODES + i // EDGES_PER_NODE
        if edge in indices and operation in primitives:
            chosen.add((indices[edge], primitives.index(operation)))
    return chosen
