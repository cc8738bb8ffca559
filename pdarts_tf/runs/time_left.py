"""The time left in a run: what its parts are expected to take, scaled by what others have taken.

Everything is a function of the settings and of the records of epochs (timings.jsonl), so that a
resumed run knows at once, and estimates can be compared with the truth when a run is over.
"""

import math
from collections.abc import Mapping, Sequence

from pdarts_tf.config import SearchConfig, TrainConfig
from pdarts_tf.runs.state import RunState
from pdarts_tf.training.epoch_progress import EVALUATION, TRAINING

Parts = Mapping[str, float]
"""{part of an epoch: seconds}: "weights" or "alphas", its steps without and with alphas;
"graph_weights" or "graph_alphas", the graph of these steps; "evaluation" and "evaluation_graph",
validation and test; "stage" or "pause", what comes before the first step: at the start of a stage,
its model."""

GRAPH_SECONDS = {TRAINING: "graph_seconds", EVALUATION: "evaluation_graph_seconds"}
"""What records of epochs call the time of the graph of a step."""

_STEPS, _GRAPHS = ("weights", "alphas"), ("graph_weights", "graph_alphas")
# Parts of a family take longer or shorter together: on another device, or the host.
_FAMILIES = ((*_STEPS, "evaluation"), (*_GRAPHS, "evaluation_graph", "stage", "pause"))
_NEWEST = 3
"""Epochs, of those with a part, that scale it: more recent ones are more like those to come."""


def seconds_left(done: Sequence[tuple[Parts, Parts]], left: Sequence[Parts]) -> float | None:
    """Returns the seconds that the rest of a run takes.

    Args:
        done: (expected, measured) parts of the epochs that are over, in order.
        left: Expected parts of what is to come.

    Returns:
        The seconds; None as long as no step has been measured.

    >>> epoch = {"weights": 10.0, "graph_weights": 4.0}
    >>> seconds_left([(epoch, {"weights": 20.0, "graph_weights": 4.0})], [epoch, {"alphas": 15.0}])
    54.0
    """
    if not any(part in measured for _, measured in done for part in _STEPS):
        return None
    totals: dict[str, float] = {}
    for parts in left:
        for part, seconds in parts.items():
            totals[part] = totals.get(part, 0.0) + seconds
    return sum(seconds * _scale(part, done) for part, seconds in totals.items())


def _scale(part: str, done: Sequence[tuple[Parts, Parts]]) -> float:
    """Returns how many times longer a part takes than expected: it, or else its family."""
    own = [(e[part], m[part]) for e, m in done if part in e and part in m][-_NEWEST:]
    if not own:
        family = next(each for each in _FAMILIES if part in each)
        own = [(e[p], m[p]) for e, m in done for p in family if p in e and p in m]
    expected = sum(each for each, _ in own)
    return sum(each for _, each in own) / expected if expected else 1.0


def measured_parts(record: Mapping[str, float], expected: Parts, steps: int) -> Parts:
    """Returns the parts of an epoch by its record in timings.jsonl.

    Args:
        record: The record. One of an epoch that was interrupted, or of an earlier version, has only
            the time of all steps, and gives nothing.
        expected: Expected parts of the epoch.
        steps: Its steps.
    """
    if "graph_seconds" not in record:
        return {}
    graph, parts = record["graph_seconds"], {}
    kind = next(each for each in _STEPS if each in expected)
    plain = steps - 1 if graph else steps  # the first step is in the time of its graph
    if plain:
        each_step = (record["seconds"] - graph) / plain
        parts[kind] = steps * each_step
        parts[f"graph_{kind}"] = max(graph - each_step, 0.0)
    for name in ("evaluation", "evaluation_graph"):
        if f"{name}_seconds" in record:
            parts[name] = record[f"{name}_seconds"]
    if "setup_seconds" in record:
        parts["stage" if "stage" in expected else "pause"] = record["setup_seconds"]
    return parts


def compared_with_truth(
    expected: Sequence[Parts], records: Sequence[Mapping[str, float]], steps: int, end: float
) -> list[tuple[float, float, float]]:
    """Returns how well the time left was known after every epoch but the last.

    Args:
        expected: Expected parts of all epochs.
        records: Their records in timings.jsonl.
        steps: Steps per epoch.
        end: When the run ended, in seconds since 1970.

    Returns:
        (predicted seconds, true seconds, their difference as a share of the true ones) by epoch;
        predicted seconds are NaN as long as nothing is known.
    """
    pairs = zip(expected, records, strict=True)
    done = [(each, measured_parts(record, each, steps)) for each, record in pairs]
    found = []
    for epochs, record in enumerate(records[:-1], 1):
        known = seconds_left(done[:epochs], expected[epochs:])
        predicted, true = math.nan if known is None else known, end - record["time"]
        found.append((predicted, true, predicted / true - 1))
    return found


class TimeLeft:
    """The time left in one run.

    Args:
        expected: Expected parts of all epochs of the run.
        state: State of the run, which has the times of its epochs.
    """

    def __init__(self, expected: Sequence[Parts], state: RunState) -> None:
        self.expected = expected
        self.state = state
        self.steps = state.steps_per_epoch

    def after_epoch(self, epochs: int) -> float | None:
        """Returns the seconds left when so many epochs were over."""
        return seconds_left(self._done(epochs), self.expected[epochs:])

    def inside_epoch(
        self, epoch: int, step: int, seconds: Sequence[float], graph: float | None = None
    ) -> float | None:
        """Returns the seconds left after a step.

        Args:
            epoch: Number of the epoch, counted from 0 through the whole run.
            step: Number of the step in the epoch, counted from 0.
            seconds: What the steps of the epoch in this process have taken so far, but the first
                if it has built a graph.
            graph: What that step has taken; None if it has not.
        """
        expected, done = self.expected[epoch], self._done(epoch)
        kind = next(each for each in _STEPS if each in expected)
        if seconds:
            share = expected[kind] * len(seconds) / self.steps
            measured = {kind: sum(seconds)}
            if graph is not None:
                measured[f"graph_{kind}"] = max(graph - measured[kind] / len(seconds), 0.0)
            done.append(({**expected, kind: share}, measured))
        rest = {name: each for name, each in expected.items() if name.startswith("evaluation")}
        rest[kind] = expected[kind] * (self.steps - step - 1) / self.steps
        return seconds_left(done, [rest, *self.expected[epoch + 1 :]])

    def _done(self, epochs: int) -> list[tuple[Parts, Parts]]:
        pairs = zip(self.expected[:epochs], self.state.timings, strict=False)
        return [(each, measured_parts(record, each, self.steps)) for each, record in pairs]


# Seconds of a core of an AMD EPYC with AVX2, as searches on digits and CIFAR-10 took them. Only how
# the parts of a family compare counts: all are scaled by what is measured.
_STEP = 1.2e-3  # per cell, channel and candidate, for a bilevel step
_STEP_EXTRA = 3.0  # candidates that take as long as the rest of a cell, in a step
_STEP_OF_WEIGHTS = 0.66  # of a bilevel step
_EVALUATION = 0.12  # of a bilevel step, per batch
_GRAPH = 1.8  # per candidate, for the graph of a bilevel step
_GRAPH_EXTRA = 9.0  # the like of `_STEP_EXTRA` in a graph; cells of one shape share a function
_GRAPH_OF_WEIGHTS = 0.7  # of the graph of a bilevel step
_GRAPH_OF_EVALUATION = 0.18
_STAGE, _PAUSE = 2.0, 0.2


def search_parts(config: SearchConfig, steps: int, evaluated: int, begin: int) -> list[Parts]:
    """Returns the expected parts of all epochs of a search.

    Later stages have more cells with fewer candidates. What does not depend on the number of
    candidates counts like some more of them.

    Args:
        config: Settings of the search.
        steps: Steps per epoch.
        evaluated: Batches of a validation.
        begin: Number of the epoch that this process begins with: its graph is built again.
    """
    found: list[Parts] = []
    for stage in config.stages:
        width = stage.num_layers * stage.init_channels
        step = _STEP * width * (stage.num_candidates + _STEP_EXTRA)
        graph = _GRAPH * (stage.num_candidates + _GRAPH_EXTRA)
        validates = config.epochs - config.validation_epochs
        resumed = begin % config.epochs if begin // config.epochs == stage.index else 0
        for epoch in range(config.epochs):
            warmup = epoch < config.warmup_epochs or config.strategy == "random"
            kind, share = ("weights", _STEP_OF_WEIGHTS) if warmup else ("alphas", 1.0)
            parts = {kind: steps * step * share}
            if epoch in (0, resumed) or (epoch == config.warmup_epochs and not warmup):
                parts[f"graph_{kind}"] = graph * (_GRAPH_OF_WEIGHTS if warmup else 1.0)
            if epoch >= validates:
                parts["evaluation"] = evaluated * step * _EVALUATION
            if epoch == max(0, validates, resumed) < config.epochs:
                parts["evaluation_graph"] = graph * _GRAPH_OF_EVALUATION
            parts |= _before(epoch)
            found.append(parts)
    return found


def _before(epoch: int) -> dict[str, float]:
    """Returns the expected time before the first step of an epoch of a stage."""
    return {"pause": _PAUSE} if epoch else {"stage": _STAGE}


def training_parts(config: TrainConfig, steps: int, evaluated: int, begin: int) -> list[Parts]:
    """Returns the expected parts of all epochs of a training; for the arguments see `search_parts`.

    All epochs are alike, so that the first of them tells all.
    """
    step = _STEP * config.layers * config.init_channels * _STEP_EXTRA * _STEP_OF_WEIGHTS
    graph = _GRAPH * _GRAPH_EXTRA
    found: list[Parts] = []
    for epoch in range(config.epochs):
        parts = {"weights": steps * step, "evaluation": evaluated * step * _EVALUATION}
        if epoch in (0, begin):
            parts["graph_weights"] = graph * _GRAPH_OF_WEIGHTS
            parts["evaluation_graph"] = graph * _GRAPH_OF_EVALUATION
        found.append(parts | _before(epoch))
    return found
