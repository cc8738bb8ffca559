"""The genotype to take from a study, and the ranking that it leads."""

from dataclasses import dataclass

from pdarts_tf.study.record import MethodResult, Record, TrainedCell

RULE = (
    "The chosen genotype has the best validation accuracy of all that were trained, measured on "
    "training images that were held out and by its best weights; ties go to the lower validation "
    "loss, then to the order of methods and seeds, and the test split has no influence."
)


@dataclass(frozen=True)
class Ranked:
    """A distinct genotype of a study with its training.

    Args:
        rank: Its place, from 1.
        directory: Directory of its training, a key of `Record.trainings`.
        training: Its training.
        results: The results that have it, in order of the record.
    """

    rank: int
    directory: str
    training: TrainedCell
    results: tuple[MethodResult, ...]

    @property
    def found_by(self) -> str:
        """The methods and seeds that found it, such as "pdarts (seeds 0, 2), darts (seed 1)"."""
        seeds: dict[str, list[int]] = {}
        for result in self.results:
            seeds.setdefault(result.method, []).append(result.seed)
        return ", ".join(f"{method} ({seeds_text(its)})" for method, its in seeds.items())


def seeds_text(seeds: list[int]) -> str:
    """Returns seeds in words.

    >>> seeds_text([0]), seeds_text([0, 2])
    ('seed 0', 'seeds 0, 2')
    """
    return f"seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}"


def rank_genotypes(record: Record) -> list[Ranked]:
    """Returns every distinct genotype once, the one to take first: see `RULE`."""
    found: dict[str, list[MethodResult]] = {}
    for result in record.results:
        found.setdefault(result.training, []).append(result)

    def merit(directory: str) -> tuple[float, float]:
        best = record.trainings[directory].best
        return -best.valid_accuracy, best.valid_loss

    # Sorting is stable: what is equal stays in the order of the record.
    return [
        Ranked(rank, directory, record.trainings[directory], tuple(found[directory]))
        for rank, directory in enumerate(sorted(found, key=merit), 1)
    ]
