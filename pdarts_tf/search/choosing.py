"""The choice among the samples of a random search."""

from collections.abc import Mapping, Sequence


def best_sample(records: Sequence[Mapping[str, float]]) -> int:
    """Returns the index of the sample with the best validation after its last epoch.

    Args:
        records: One record per sample, with `valid_accuracy` and `valid_loss`; of equally accurate
            ones the one with the lower loss is the best, then the first.

    Example:

    >>> best_sample([{"valid_accuracy": a, "valid_loss": 1.0} for a in (0.5, 0.7, 0.6)])
    1
    """

    def merit(index: int) -> tuple[float, float]:
        return records[index]["valid_accuracy"], -records[index]["valid_loss"]

    return max(range(len(records)), key=merit)
