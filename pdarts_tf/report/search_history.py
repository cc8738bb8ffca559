"""History of a search: its stages, and the fate of every candidate operation."""

import statistics
from dataclasses import dataclass

from pdarts_tf.alphas import chosen_operations
from pdarts_tf.cost.counting import network_blocks, supernet_blocks, total
from pdarts_tf.report.run import Run
from pdarts_tf.search_space import edge_nodes
from pdarts_tf.stems import stem_for


@dataclass(frozen=True)
class StageSummary:
    """A stage of a search, finished or not; measurements that do not exist yet are None.

    Of a random search, a stage is one of its samples.

    Args:
        stage: Number of the stage, counted from 1.
        num_layers: Number of cells of the supernet.
        num_candidates: Number of candidate operations per edge.
        init_channels: Channels of the first cells.
        skip_dropout_rate: Initial rate of the dropout after skip-connects.
        parameters: Number of weights of the supernet, or of the network of a sample.
        epochs: Number of finished epochs.
        accuracy: Accuracy of the last epoch on the images for the weights.
        arch_accuracy: The same on the images for the alphas, during their steps.
        valid_accuracy: The same on the images for the alphas, in validation.
        seconds: Total time of all epochs.
        images_per_second: Median over the epochs.
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
    """Fate of a candidate operation on an edge.

    Args:
        state: "chosen" (part of the result), "dropped", or "kept" (still a candidate).
        stage: Stage after which it was dropped; 0 if it was not.
        probability: Its last probability, None if unknown.
    """

    state: str
    stage: int
    probability: float | None


def summarize_stages(run: Run) -> list[StageSummary]:
    """Returns one summary per stage of a search, including those that have not started."""
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
                _parameters(run, number),
                len(records),
                last.get("accuracy"),
                last.get("arch_accuracy"),
                last.get("valid_accuracy"),
                sum(record.get("seconds", 0.0) for record in records),
                statistics.median(speeds) if speeds else None,
            )
        )
    return rows


def _parameters(run: Run, number: int) -> int | None:
    stage, space = run.settings.stages[number - 1], run.spaces.get(number)
    if space is None or not run.data.keys() >= {"image_shape", "num_classes"}:
        return None
    height, width, channels = run.data["image_shape"]
    stem = stem_for(run.settings.stem, (height, width))
    sizes = stage.init_channels, stage.num_layers, run.data["num_classes"], stem
    try:
        if run.settings.strategy == "gradient":
            return total(supernet_blocks(space, *sizes, (height, width), channels)).parameters
        alphas = run.frames.get((number, 1))
        if alphas is None:
            return None
        genotype = alphas.derive(
            run.settings.max_skip_connects, restrict_reduce=run.settings.restrict_reduce
        )
        blocks = network_blocks(genotype, *sizes, (height, width), channels)
        return total(blocks).parameters
    except ValueError:  # a size that networks do not support, so not that of this run
        return None


def fates(run: Run, cell: str) -> list[list[Fate]]:
    """Returns the fates of the operations of a cell as far as they are known, (14, primitives)."""
    primitives = run.settings.primitives
    chosen = chosen_operations(run.genotype, cell, primitives) if run.genotype else set()
    return [
        [_fate(run, cell, edge, i, (edge, i) in chosen) for i in range(len(primitives))]
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
        return Fate("dropped", last, probability)
    return Fate("kept", 0, probability)
