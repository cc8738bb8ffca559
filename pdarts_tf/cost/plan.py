"""What a run is going to do, as the table that it begins with and that --dry_run ends with."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pdarts_tf.cost.counting import network_blocks, supernet_blocks, total
from pdarts_tf.cost.memory import Memory, network_memory, supernet_memory
from pdarts_tf.cost.tables import table
from pdarts_tf.genotype import PRIMITIVES, Genotype
from pdarts_tf.search_space import NUM_EDGES, SearchSpace, random_space

GB = 2**30
# Most parameters and memory first.
_HEAVIEST = (
    "sep_conv_5x5",
    "sep_conv_3x3",
    "dil_conv_5x5",
    "dil_conv_3x3",
    "skip_connect",
    "max_pool_3x3",
    "avg_pool_3x3",
    "none",
)


@dataclass(frozen=True)
class Part:
    """One row of the table: a stage of a search, or a training.

    Args:
        values: what there is to know about it by the name of the column.
        memory: what it is expected to need.
        most: what it may need, if that is not known yet; else the same.
    """

    values: dict[str, str | int]
    memory: Memory
    most: Memory


@dataclass(frozen=True)
class Plan:
    """What a run is going to do.

    Args:
        title: data and classes, in a line.
        parts: in order.
        epochs, steps, batch_size: of every part: epochs, steps per epoch, images per step.
        note: on the numbers in the table.
    """

    title: str
    parts: Sequence[Part]
    epochs: int
    steps: int
    batch_size: int
    note: str

    def text(self, room: int | None = None) -> str:
        """Returns title and table.

        Args:
            room: bytes that the run may add to its process: what the largest batch is asked for.
        """
        header = [*self.parts[0].values, "epochs", "steps/epoch", "activations GB", "memory GB"]
        header += [] if room is None else ["largest batch"]
        rows = [self._row(part, room) for part in self.parts]
        steps = len(self.parts) * self.epochs * self.steps
        return (
            f"{self.title}\n{table(header, rows)}\n"
            f"{steps:,} steps of {self.batch_size} images in all. {self.note}".rstrip()
        )

    def dry_text(self, present: int, limit_gb: float | None) -> str:
        """Returns what --dry_run prints.

        Args:
            present: bytes that the process takes before the first step.
            limit_gb: what it may take in all, if a limit is given.
        """
        peak = [
            max(memory.total(self.batch_size) for memory in memories) + present
            for memories in zip(*((part.memory, part.most) for part in self.parts), strict=True)
        ]
        room = None if limit_gb is None else round(limit_gb * GB) - present
        lines = [
            self.text(room),
            f"Memory is what training on a CPU adds to the {present / GB:.2f} GB that this process "
            f"has taken so far: it will peak at about {_range(peak, _gigabytes)} GB.",
        ]
        if room is not None:
            lines.append(self._largest(room, limit_gb))
        return "\n".join(lines)

    def _row(self, part: Part, room: int | None) -> list[str | int]:
        memories = part.memory, part.most
        row = [*part.values.values(), self.epochs, self.steps]
        row += [
            _range([m.activations(self.batch_size) for m in memories], _gigabytes),
            _range([m.total(self.batch_size) for m in memories], _gigabytes),
        ]
        return row if room is None else [*row, _range([m.largest_batch(room) for m in memories])]

    def _largest(self, room: int, limit_gb: float | None) -> str:
        sizes = [
            min(part.memory.largest_batch(room) for part in self.parts),
            min(part.most.largest_batch(room) for part in self.parts),
        ]
        if not sizes[0]:
            return (
                f"Not even one image fits into --memory_limit_gb={limit_gb:g}: take fewer --layers "
                "or --init_channels."
            )
        return f"The largest --batch_size for --memory_limit_gb={limit_gb:g} is {_range(sizes)}."


def search_plan(config, data, num_images, steps):
    """Returns the plan of a search.

    Args:
        config: a `SearchConfig`.
        data: with `name`, `image_shape` and `num_classes`.
        num_images: for the weights, and for the alphas.
        steps: per epoch.
    """
    parts = []
    for stage in config.stages:
        heaviest = heaviest_space(stage.num_candidates)
        count = total(supernet_blocks(heaviest, *_network(stage, data)))
        values = {
            "stage": stage.index + 1,
            "cells": stage.num_layers,
            "channels": stage.init_channels,
            "candidates": stage.num_candidates,
            "parameters": f"{count.parameters:,}",
            "MACs": f"{count.macs:,}",
        }
        drawn = random_space(stage.num_candidates)
        memories = (stage_memory(stage, space, data) for space in (drawn, heaviest))
        parts.append(Part(values, *memories))
    height, width, channels = data.image_shape
    first, second = num_images
    title = (
        f"Searching on {data.name}: {first:,} images {height}x{width}x{channels} for the weights, "
        f"{second:,} for the alphas, {data.num_classes} classes"
    )
    note = (
        "Parameters and MACs (of all candidates) are those of the heaviest candidates, memory is "
        "from candidates drawn at random to the heaviest: what stages keep is not known yet."
    )
    note = f"{note} {_uncounted(config)}".rstrip()
    return Plan(title, parts, config.epochs, steps, config.batch_size, note)


def stage_memory(stage, space, data):
    """Returns the `Memory` of a stage of a search.

    Args:
        stage: a `StageConfig`.
        space: its candidates.
        data: with `image_shape` and `num_classes`.
    """
    return supernet_memory(space, *_network(stage, data), skip_dropout=stage.skip_dropout_rate > 0)


def _network(stage, data):
    """Returns what counts of a stage, its candidates apart."""
    height, width, channels = data.image_shape
    return stage.init_channels, stage.num_layers, data.num_classes, (height, width), channels


def train_plan(config, data, steps):
    """Returns the plan of a training.

    Args:
        config: a `TrainConfig`.
        data: with `name`, `train.num_images`, `test.num_images`, `image_shape`, `num_classes` and
            `tested_on`.
        steps: per epoch.
    """
    height, width, channels = data.image_shape
    genotype = Genotype.parse(config.genotype)
    network = config.init_channels, config.layers, data.num_classes, config.stem
    images = (height, width), channels
    count = total(network_blocks(genotype, *network, *images))
    memory = network_memory(genotype, *network, *images, auxiliary=config.auxiliary)
    values = {
        "cells": config.layers,
        "channels": config.init_channels,
        "parameters": f"{count.parameters:,}",
        "MACs": f"{count.macs:,}",
    }
    title = (
        f"Training on {data.name}: {data.train.num_images:,} images {height}x{width}x{channels}, "
        f"{data.num_classes} classes; {data.test.num_images:,} to test, {data.tested_on}\n"
        f"{config.genotype}"
    )
    note = "Parameters and MACs are without the auxiliary head." if config.auxiliary else ""
    note = f"{note} {_uncounted(config)}".strip()
    part = Part(values, memory, memory)
    return Plan(title, [part], config.epochs, steps, config.batch_size, note)


def heaviest_space(num_candidates: int) -> SearchSpace:
    """Returns the space with the most parameters and memory of those with so many candidates."""
    names = _HEAVIEST[:num_candidates]
    mask = np.tile([name in names for name in PRIMITIVES], (NUM_EDGES, 1))
    return SearchSpace(mask, mask)


def _uncounted(config) -> str:
    """Returns what the estimate of memory leaves out."""
    return f"Memory is without {', '.join(config.uncounted)}." if config.uncounted else ""


def _gigabytes(size: int) -> str:
    return f"{size / GB:.2f}"


def _range(numbers: Sequence[int], shown=str) -> str:
    """Returns "3 to 5", or "3" if both are."""
    low, high = (shown(number) for number in sorted(numbers))
    return low if low == high else f"{low} to {high}"
