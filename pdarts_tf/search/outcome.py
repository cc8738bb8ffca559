"""The outcome of a search, whatever its strategy."""

from collections.abc import Sequence
from dataclasses import dataclass

from pdarts_tf.alphas import Alphas
from pdarts_tf.config import SearchConfig
from pdarts_tf.genotype import Genotype, genotypes_json
from pdarts_tf.runs.run_directory import GENOTYPE, GENOTYPES


@dataclass(frozen=True)
class SearchOutcome:
    """Outcome of a search.

    Args:
        stages: Architecture parameters at the end of every stage.
        genotypes: {"unrestricted": …, "M=7": …, …}; see `derivation.derive_all`.
        genotype: The genotype with the skip-connects that the settings allow.
    """

    stages: tuple[Alphas, ...]
    genotypes: dict[str, Genotype]
    genotype: Genotype

    @property
    def files(self) -> dict[str, str]:
        """The genotypes as files of a run directory."""
        return {
            GENOTYPES: genotypes_json(self.genotypes) + "\n",
            # Written last: it says that the run is finished.
            GENOTYPE: self.genotype.to_json() + "\n",
        }

    @classmethod
    def derived(
        cls, config: SearchConfig, stages: Sequence[Alphas], best: Alphas
    ) -> "SearchOutcome":
        """Derives the genotypes of a search.

        Args:
            config: Settings of the search.
            stages: Architecture parameters at the end of every stage.
            best: Those that the genotypes are derived from: of the last stage, or of the best
                sample.
        """
        restrict = config.restrict_reduce
        return cls(
            tuple(stages),
            best.derive_all(restrict_reduce=restrict),
            best.derive(config.max_skip_connects, restrict_reduce=restrict),
        )
