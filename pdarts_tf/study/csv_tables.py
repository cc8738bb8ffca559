"""The numbers of a study as CSV, neither rounded nor scaled."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from pdarts_tf.study.measures import MEASURES, results_of, supernet_accuracy
from pdarts_tf.study.record import MethodResult, Record
from pdarts_tf.study.summary import summarize

_STATISTICS = ("mean", "sd", "low", "high")
_SCORES = ("epoch", "valid_accuracy", "valid_loss", "test_accuracy", "test_loss")


def methods_csv(record: Record) -> str:
    """Returns a row per method: its number of results, and statistics of all measures.

    `low` and `high` are the ends of the 95 % interval of the mean.
    """
    header = ["method", "results"]
    header += [f"{each.name}_{name}" for each in MEASURES for name in _STATISTICS]
    return _csv(header, (_method_row(record, method) for method in record.methods))


def results_csv(record: Record) -> str:
    """Returns a row per result, in order of the record."""
    header = ["method", "seed", "search", "stage", "supernet_valid_accuracy", "probability"]
    header += ["training", *_SCORES, *(f"last_{name}" for name in _SCORES)]
    header += ["skip_connects", "parameters", "macs", "search_seconds", "training_seconds"]
    header += ["genotype"]
    return _csv(header, (_result_row(record, result) for result in record.results))


def _method_row(record: Record, method: str) -> list[Any]:
    row: list[Any] = [method, len(results_of(record, method))]
    for measure in MEASURES:
        summary = summarize(measure.values(record, method).values())
        if summary is None:
            row += [None] * len(_STATISTICS)
        else:
            row += [summary.mean, summary.deviation, *(summary.interval or (None, None))]
    return row


def _result_row(record: Record, result: MethodResult) -> list[Any]:
    training = record.trainings[result.training]
    scores = [getattr(each, name) for each in (training.best, training.last) for name in _SCORES]
    supernet = supernet_accuracy(record, result)
    return [
        *(result.method, result.seed, result.search, result.stage, supernet, result.probability),
        *(result.training, *scores),
        *(training.genotype.num_skip_connects, training.parameters, training.macs),
        *(record.times.get(path, {}).get("seconds") for path in (result.search, result.training)),
        str(training.genotype),
    ]


def _csv(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    output = io.StringIO()
    writer = csv.writer(output, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return output.getvalue()
