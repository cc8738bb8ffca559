"""The plan of a run: the table that it begins with, and that --dry_run prints."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from pdarts_tf.config import SearchConfig, TrainConfig
from pdarts_tf.config.search import StageConfig
from pdarts_tf.cost.counting import network_blocks, supernet_blocks, total
from pdarts_tf.cost.memory import Memory, network_memory, supernet_memory
from pdarts_tf.cost.tables import table
from pdarts_tf.data.images import ImageData
from pdarts_tf.genotype import Genotype
from pdarts_tf.primitives import PRIMITIVES, TABLE
from pdarts_tf.search_space import NUM_EDGES, SearchSpace, random_space
from pdarts_tf.stems import STEMS, stem_for

GIB = 2**30
_CHANNELS = 16
"""Channels for which primitives are compared, those of the paper's first cells."""


@dataclass(frozen=True)
class Part:
    """One row of the table: a stage of a search, or a training.

    Args:
        values: Its first columns, by their headers.
        macs: Multiply-accumulates of the forward pass of an image.
        memory: Memory that it is expected to take.
        most: Memory that it takes at most, if that is not known yet; else the same.
    """

    values: dict[str, str | int]
    macs: int
    memory: Memory
    most: Memory


@dataclass(frozen=True)
class Plan:
    """The plan of a run.

    Args:
        title: Data and classes, in a line.
        parts: Its parts in order.
        epochs, steps, batch_size: Epochs, steps per epoch and images per step of every part.
        note: Note on the numbers in the table.
        num_images: Number of images that a batch can have at most.
    """

    title: str
    parts: Sequence[Part]
    epochs: int
    steps: int
    batch_size: int
    note: str
    num_images: int

    def text(self, room: int | None = None) -> str:
        """Returns title and table.

        Args:
            room: Bytes that the run may add to its process. If given, the table has a column with
                the largest batch that fits.
        """
        header = [*self.parts[0].values, "epochs", "steps/epoch", "activations GiB", "memory GiB"]
        header += [] if room is None else ["largest batch"]
        rows = [self._row(part, room) for part in self.parts]
        steps = len(self.parts) * self.epochs * self.steps
        return (
            f"{self.title}\n{table(header, rows)}\n"
            f"{steps:,} steps of {self.batch_size} images in all. {self.note}".rstrip()
        )

    def dry_text(self, present: int, limit_gb: float | None) -> str:
        """Returns the text that --dry_run prints.

        Args:
            present: Bytes that the process takes before the first step.
            limit_gb: GiB that it may take in all, or None for no limit.
        """
        peak = [
            max(memory.total(self.batch_size) for memory in memories) + present
            for memories in zip(*((part.memory, part.most) for part in self.parts), strict=True)
        ]
        room = None if limit_gb is None else round(limit_gb * GIB) - present
        lines = [
            self.text(room),
            f"Memory is what training on a CPU adds to the {present / GIB:.2f} GiB that this "
            f"process has taken so far: it will peak at about {_range(peak, _gibibytes)} GiB.",
        ]
        if room is not None:
            lines.append(self._largest(room, limit_gb))
        return "\n".join(lines)

    def _row(self, part: Part, room: int | None) -> list[str | int]:
        memories = part.memory, part.most
        row = [*part.values.values(), self.epochs, self.steps]
        row += [
            _range([m.activations(self.batch_size) for m in memories], _gibibytes),
            _range([m.total(self.batch_size) for m in memories], _gibibytes),
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


def search_plan(
    config: SearchConfig, data: ImageData, num_images: Sequence[int], steps: int
) -> Plan:
    """Returns the plan of a search.

    Args:
        config: Settings of the search.
        data: Its data set, of which no pixel is read.
        num_images: Number of images for the weights, and for the alphas.
        steps: Steps per epoch.
    """
    parts = []
    for stage in config.stages:
        heaviest = heaviest_space(stage.num_candidates, config.primitives)
        count = total(supernet_blocks(heaviest, *_network(config, stage, data)))
        values: dict[str, str | int] = {
            "stage": stage.index + 1,
            "cells": stage.num_layers,
            "channels": stage.init_channels,
            "candidates": stage.num_candidates,
            "parameters": f"{count.parameters:,}",
            "MACs": f"{count.macs:,}",
        }
        drawn = random_space(stage.num_candidates, primitives=config.primitives)
        expected, most = (stage_memory(config, stage, space, data) for space in (drawn, heaviest))
        parts.append(Part(values, count.macs, expected, most))
    first, second = num_images
    title = (
        f"Searching on {data.name}: {first:,} images {_shown_shape(data)} for the weights, "
        f"{second:,} for the alphas, {data.num_classes} classes"
    )
    note = (
        "Parameters and MACs (of all candidates) are those of the heaviest candidates, memory is "
        "from candidates drawn at random to the heaviest: what stages keep is not known yet."
    )
    note = _joined(_stem_note(config, data), note, _uncounted(config))
    return Plan(title, parts, config.epochs, steps, config.batch_size, note, min(num_images))


def random_search_plan(
    config: SearchConfig,
    genotypes: Sequence[Genotype],
    data: ImageData,
    num_images: Sequence[int],
    steps: int,
) -> Plan:
    """Returns the plan of a random search.

    Args:
        config: Settings of the search.
        genotypes: The cells it trains.
        data: Its data set, of which no pixel is read.
        num_images: Number of images for the weights, and to validate.
        steps: Steps per epoch.
    """
    parts = []
    for stage, genotype in zip(config.stages, genotypes, strict=True):
        count = total(network_blocks(genotype, *_network(config, stage, data)))
        values: dict[str, str | int] = {
            "sample": stage.index + 1,
            "cells": stage.num_layers,
            "channels": stage.init_channels,
            "parameters": f"{count.parameters:,}",
            "MACs": f"{count.macs:,}",
        }
        memory = sample_memory(config, stage, genotype, data)
        parts.append(Part(values, count.macs, memory, memory))
    first, second = num_images
    title = (
        f"Searching at random on {data.name}: {first:,} images {_shown_shape(data)} for the "
        f"weights, {second:,} to validate, {data.num_classes} classes"
    )
    note = _joined(_stem_note(config, data), _uncounted(config))
    return Plan(title, parts, config.epochs, steps, config.batch_size, note, min(num_images))


def sample_memory(
    config: SearchConfig, stage: StageConfig, genotype: Genotype, data: ImageData
) -> Memory:
    """Returns the memory that the training of a sample of a random search takes.

    Args:
        config: Settings of the search.
        stage: Settings of the sample.
        genotype: Its cell.
        data: Its data set, of which no pixel is read.
    """
    return network_memory(genotype, *_network(config, stage, data), auxiliary=False)


def _size(data: ImageData) -> tuple[tuple[int, int], int]:
    """Returns ((height, width), channels) of the images."""
    height, width, channels = data.image_shape
    return (height, width), channels


def _shown_shape(data: ImageData) -> str:
    return "x".join(map(str, data.image_shape))


def stage_memory(
    config: SearchConfig, stage: StageConfig, space: SearchSpace, data: ImageData
) -> Memory:
    """Returns the memory that a stage of a search takes.

    Args:
        config: Settings of the search.
        stage: Settings of the stage.
        space: Its candidates.
        data: Its data set, of which no pixel is read.
    """
    return supernet_memory(
        space,
        *_network(config, stage, data),
        skip_dropout=stage.skip_dropout_rate > 0,
        arch_order=config.arch_order,
    )


def _network(
    config: SearchConfig, stage: StageConfig, data: ImageData
) -> tuple[int, int, int, str, tuple[int, int], int]:
    """Returns the arguments of `supernet_blocks` and `network_blocks` after the first."""
    stem = stem_for(config.stem, data.image_shape)
    return stage.init_channels, stage.num_layers, data.num_classes, stem, *_size(data)


def train_plan(config: TrainConfig, data: ImageData, num_images: Sequence[int], steps: int) -> Plan:
    """Returns the plan of a training.

    Args:
        config: Settings of the training.
        data: Its data set, of which no pixel is read.
        num_images: Number of images for the weights, and of those held out for validation.
        steps: Steps per epoch.
    """
    genotype = Genotype.parse(config.genotype)
    stem = stem_for(config.stem, data.image_shape)
    network = config.init_channels, config.layers, data.num_classes, stem
    images = _size(data)
    count = total(network_blocks(genotype, *network, *images))
    memory = network_memory(genotype, *network, *images, auxiliary=config.auxiliary)
    values: dict[str, str | int] = {
        "cells": config.layers,
        "channels": config.init_channels,
        "parameters": f"{count.parameters:,}",
        "MACs": f"{count.macs:,}",
    }
    first, second = num_images
    held_out = f"{second:,} held out for validation; " if second else ""
    title = (
        f"Training on {data.name}: {first:,} images {_shown_shape(data)}, "
        f"{data.num_classes} classes; {held_out}{data.test.num_images:,} to test, "
        f"{data.tested_on}\n{config.genotype}"
    )
    note = "Parameters and MACs are without the auxiliary head." if config.auxiliary else ""
    note = _joined(_stem_note(config, data), note, _uncounted(config))
    part = Part(values, count.macs, memory, memory)
    return Plan(title, [part], config.epochs, steps, config.batch_size, note, first)


def heaviest_space(num_candidates: int, primitives: tuple[str, ...] = PRIMITIVES) -> SearchSpace:
    """Returns the space with the most parameters and memory of those with so many candidates."""
    names = heaviest_first(primitives)[:num_candidates]
    mask = np.tile([name in names for name in primitives], (NUM_EDGES, 1))
    return SearchSpace(mask, mask, primitives)


def heaviest_first(primitives: Sequence[str]) -> list[str]:
    """Returns primitives from the most to the least parameters, then activations; none last.

    >>> heaviest_first(PRIMITIVES)[:3]
    ['sep_conv_5x5', 'sep_conv_3x3', 'dil_conv_5x5']
    """
    return sorted(primitives, key=_weights_and_activations, reverse=True)


def _weights_and_activations(primitive: str) -> tuple[int, int]:
    """Returns the weights and the kept copies of a node of a primitive, at both strides."""
    if primitive == "none":
        return 0, 0
    row = TABLE[primitive]
    kernels = [*row.kernels[1], *row.kernels[2]]
    copies = (len(row.views[s]) + row.kept_outputs + row.kept_if_normalized[s] for s in (1, 2))
    return sum(kernel.num_weights(_CHANNELS) for kernel in kernels), sum(copies)


def _joined(*sentences: str) -> str:
    return " ".join(filter(None, sentences))


def _stem_note(config: SearchConfig | TrainConfig, data: ImageData) -> str:
    """Returns a sentence on the stem, unless it leaves the images as large as they are."""
    height, width, _ = data.image_shape
    name = stem_for(config.stem, (height, width))
    stride = STEMS[name].stride
    if stride == 1:
        return ""
    return f"With --stem={name}, cells see {height // stride}x{width // stride} pixels."


def _uncounted(config: SearchConfig | TrainConfig) -> str:
    """Returns a sentence on what the estimate of memory leaves out, if anything."""
    return f"Memory is without {', '.join(config.uncounted)}." if config.uncounted else ""


def _gibibytes(size: int) -> str:
    return f"{size / GIB:.2f}"


def _range(numbers: Sequence[int], shown: Callable[[int], str] = str) -> str:
    """Returns "3 to 5", or "3" if both are."""
    low, high = (shown(number) for number in sorted(numbers))
    return low if low == high else f"{low} to {high}"
