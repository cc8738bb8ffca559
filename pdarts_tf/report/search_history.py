"""How a search went: its stages, and what became of every operation."""

import statistics
from dataclasses import dataclass

from pdarts_tf.alphas import chosen_operations
from pdarts_tf.cost.counting import supernet_blocks, total
from pdarts_tf.genotype import PRIMITIVES
from pdarts_tf.report.run import Run
from pdarts_tf.search_space import edge_nodes


@dataclass(frozen=True)
class StageSummary:
    """A stage as far as it has come; what was not measured is None.

    Args:
        stage: counted from 1.
        num_layers, num_candidates, init_channels, skip_dropout_rate: of its supernet.
        parameters: of the weights of its supernet.
        epochs: finished ones.
        accuracy, arch_accuracy, valid_accuracy: of the last epoch on the images for the weights,
            on those for the alphas, and on the latter without training.
        seconds: of all epochs.
        images_per_second: the median.
    """

    stage: int
    num_layers: int
    num_candidates: int
    init_channels: int
    skip_dropout_rate: float
    parameters: int | None
    epochs: int
    accuracy: float | None
    arch_accuracy: float | None
    valid_accuracy: float | None
    seconds: float
    images_per_second: float | None


@dataclass(frozen=True)
class Fate:
    """What became of an operation on an edge.

    Args:
        state: "chosen" (it is part of the result), "fell", or "kept" (it is still a candidate).
        stage: after which it fell, 0 if it did not.
        probability: the last one it had, None if unknown.
    """

    state: str
    stage: int
    probability: float | None


def summarize_stages(run: Run) -> list[StageSummary]:
    """Returns one row per stage of a search, those not begun included."""
    rows = []
    for stage in run.settings.stages:
        number = stage.index + 1
        records = [record for key, record in sorted(run.records.items()) if key[0] == number]
        last = records[-1] if records else {}
        speeds = [r["images_per_second"] for r in records if "images_per_second" in r]
        rows.append(
            StageSummary(
                number,
                stage.num_layers,
                stage.num_candidates,
                stage.init_channels,
                stage.skip_dropout_rate,
                _supernet_parameters(run, number),
                len(records),
                last.get("accuracy"),
                last.get("arch_accuracy"),
                last.get("valid_accuracy"),
                sum(record.get("seconds", 0.0) for record in records),
                statistics.median(speeds) if speeds else None,
            )
        )
    return rows


def _supernet_parameters(run: Run, number: int) -> int | None:
    stage, space = run.settings.stages[number - 1], run.spaces.get(number)
    if space is None or not run.data.keys() >= {"image_shape", "num_classes"}:
        return None
    height, width, channels = run.data["image_shape"]
    sizes = stage.init_channels, stage.num_layers, run.data["num_classes"], (height, width)
    try:
        return total(supernet_blocks(space, *sizes, channels)).parameters
    except ValueError:  # a size that no supernet takes: not what this run was made with
        return None


def fates(run: Run, cell: str) -> list[list[Fate]]:
    """Returns what became of the operations of a cell, (14, 8), as far as it is known."""
    chosen = chosen_operations(run.genotype, cell) if run.genotype else set()
    return [
        [_fate(run, cell, edge, i, (edge, i) in chosen) for i in range(len(PRIMITIVES))]
        for edge in range(len(edge_nodes()))
    ]


def _fate(run: Run, cell: str, edge: int, operation: int, chosen: bool) -> Fate:
    stages = [
        number for number, space in run.spaces.items() if getattr(space, cell)[edge, operation]
    ]
    last = max(stages, default=0)
    frames = [frame for key, frame in sorted(run.frames.items()) if key[0] == last]
    probability = float(frames[-1].probabilities(cell)[edge, operation]) if frames else None
    if chosen:
        return Fate("chosen", 0, probability)
    if last < max(run.spaces, default=0):
        return Fate("fell", last, probability)
    return Fate("kept", 0, probability)
