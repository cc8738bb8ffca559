"""Measures of a study's results: the numbers that methods are compared by."""

from collections.abc import Callable
from dataclasses import dataclass

from pdarts_tf.study.record import MethodResult, Record


@dataclass(frozen=True)
class Measure:
    """A number that every result has, such as its accuracy.

    Args:
        name: Name, as in the columns of the CSV files.
        title: Title for people.
        of: Function (record, result) -> the number, or None if it is unknown.
    """

    name: str
    title: str
    of: Callable[[Record, MethodResult], float | None]

    def values(self, record: Record, method: str) -> dict[int, float]:
        """Returns the numbers of a method by seed, in order of the record.

        Args:
            record: The record.
            method: Name of the method.
        """
        values = {each.seed: self.of(record, each) for each in results_of(record, method)}
        return {seed: float(value) for seed, value in values.items() if value is not None}


def results_of(record: Record, method: str) -> list[MethodResult]:
    """Returns the finished results of a method, in order of the record."""
    return [result for result in record.results if result.method == method]


def trained_accuracy(record: Record, result: MethodResult) -> float:
    """Returns the validation accuracy of a cell after its training."""
    return record.trainings[result.training].best.valid_accuracy


def _test_accuracy(record: Record, result: MethodResult) -> float:
    return record.trainings[result.training].best.test_accuracy


def _skip_connects(record: Record, result: MethodResult) -> float:
    return record.trainings[result.training].genotype.num_skip_connects


def _parameters(record: Record, result: MethodResult) -> float:
    return record.trainings[result.training].parameters


def _macs(record: Record, result: MethodResult) -> float:
    return record.trainings[result.training].macs


def _search_seconds(record: Record, result: MethodResult) -> float | None:
    """Returns the time of the whole search, also of a cell that was taken after a stage of it."""
    return record.times.get(result.search, {}).get("seconds")


def supernet_accuracy(record: Record, result: MethodResult) -> float | None:
    """Returns the validation accuracy of the supernet of the stage that a cell came from."""
    return record.searches[result.search].stages[result.stage - 1].valid_accuracy


VALID_ACCURACY = Measure("valid_accuracy", "validation accuracy", trained_accuracy)
TEST_ACCURACY = Measure("test_accuracy", "test accuracy", _test_accuracy)
SKIP_CONNECTS = Measure("skip_connects", "skip-connects", _skip_connects)
PARAMETERS = Measure("parameters", "parameters", _parameters)
MACS = Measure("macs", "MACs", _macs)
SEARCH_SECONDS = Measure("search_seconds", "search time", _search_seconds)

ACCURACIES = (VALID_ACCURACY, TEST_ACCURACY)
"""Accuracies of the weights with the best validation accuracy."""
COSTS = (SKIP_CONNECTS, PARAMETERS, MACS, SEARCH_SECONDS)
"""The skip-connects of the normal cell, the size of the trained network, the time of a search."""
MEASURES = (*ACCURACIES, *COSTS)
