"""Summaries of a run, as TensorBoard shows them.

Everything is a function of the settings, the search spaces and the records of epochs, so that a
resumed run can show its past anew, and no curve is doubled or torn. Nothing here needs TensorFlow.
"""

import functools
import io
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.histogram.summary_v2 import histogram_pb
from tensorboard.plugins.image import metadata as image_metadata
from tensorboard.plugins.scalar.summary_v2 import scalar_pb
from tensorboard.plugins.text.summary_v2 import text_pb
from tensorboard.util import tensor_util

from pdarts_tf.alphas import Alphas, chosen_operations
from pdarts_tf.config import SearchConfig, StageConfig, TrainConfig
from pdarts_tf.drawing.layout import CELL_NAMES, draw_cell
from pdarts_tf.drawing.png import png_bytes
from pdarts_tf.genotype import Genotype
from pdarts_tf.probabilities import edge_entropies
from pdarts_tf.runs.run_directory import ALPHAS, METRICS, TIMINGS
from pdarts_tf.search_space import CELLS, SearchSpace
from pdarts_tf.tensorboard import board_layout
from pdarts_tf.tensorboard.heat_map import heat_map

Records = Mapping[str, Mapping[str, Any]]
"""{name of a file of records: the one of an epoch}."""


class SearchBoard:
    """The board of a search.

    Args:
        config: its settings.
        run: Name of the run, unlike those of other runs.
        spaces: the search space of every stage that has begun; it may grow.
    """

    def __init__(self, config: SearchConfig, run: str, spaces: Sequence[SearchSpace]) -> None:
        self.config = config
        self.run = run
        self.spaces = spaces

    def start(self, time: float) -> Summary:
        """Returns what stands before the first epoch of a run that has begun at a time."""
        return _start(self.config, self.run, time)

    def epoch(self, records: Records, step: int) -> Summary:
        """Returns what is shown after an epoch.

        Args:
            records: METRICS, TIMINGS and ALPHAS of the epoch.
            step: the epochs of the whole run counted through, from 1.
        """
        number, epoch = records[METRICS]["stage"], records[METRICS]["epoch"]
        alphas = Alphas.from_record(self.spaces[number - 1], records[ALPHAS])
        genotype = alphas.derive_if_possible(
            self.config.max_skip_connects, restrict_reduce=self.config.restrict_reduce
        )
        where = f"stage {number}, epoch {epoch} of {self.config.epochs}"
        parts = [_scalars(records), *_alphas(alphas, genotype, where)]
        if genotype is not None:
            parts.append(self._genotype_text(genotype, records, where))
            parts += [_drawing(genotype, cell) for cell in CELLS]
        if epoch == 1:
            stage = self.config.stages[number - 1]
            parts.append(_stage_text(stage, step, self.config))
        return _merged(parts)

    def _genotype_text(self, genotype: Genotype, records: Records, where: str) -> Summary:
        found, limit = records[METRICS]["skip_connects"], self.config.max_skip_connects
        return text_pb(
            "genotype",
            f"What a derivation after {where} gives. Skip-connects in the normal cell: {found}, "
            f"of which M = {limit} leaves {genotype.num_skip_connects}.\n\n{_code(genotype)}",
        )


class TrainBoard:
    """The board of a training.

    Args:
        config: its settings.
        run: Name of the run, unlike those of other runs.
    """

    def __init__(self, config: TrainConfig, run: str) -> None:
        self.config = config
        self.run = run

    def start(self, time: float) -> Summary:
        """Returns what stands before the first epoch of a run that has begun at a time."""
        genotype = Genotype.parse(self.config.genotype)
        drawings = [_drawing(genotype, cell) for cell in CELLS]
        text = text_pb("genotype", f"What is trained.\n\n{_code(genotype)}")
        return _merged([_start(self.config, self.run, time), text, *drawings])

    def epoch(self, records: Records, step: int) -> Summary:
        """Returns what is shown after an epoch.

        Args:
            records: METRICS and TIMINGS of the epoch.
            step: the epoch, from 1.
        """
        return _scalars(records)


def _merged(parts: Sequence[Summary]) -> Summary:
    return Summary(value=[value for part in parts for value in part.value])


def _start(config: SearchConfig | TrainConfig, run: str, time: float) -> Summary:
    return _merged(
        [
            board_layout.layout(board_layout.command_of(config)),
            board_layout.table_row(config, run, time),
        ]
    )


def _scalars(records: Records) -> Summary:
    measured = {**records[TIMINGS], **records[METRICS]}
    tags = board_layout.TAGS
    return _merged([scalar_pb(tags[name], measured[name]) for name in tags if name in measured])


def _alphas(alphas: Alphas, genotype: Genotype | None, where: str) -> list[Summary]:
    """The alphas of both cells: heat map, histogram, and the entropy of every edge."""
    parts = []
    primitives = alphas.space.primitives
    for cell in CELLS:
        chosen = chosen_operations(genotype, cell, primitives) if genotype else ()
        title = f"{CELL_NAMES[cell]} after {where}: softmax(alpha)"
        picture = heat_map(title, primitives, alphas.probabilities(cell), chosen)
        parts.append(_image(f"softmax_alpha/{cell}", picture))
        parts.append(histogram_pb(f"alphas/{cell}", alphas.of(cell)))
        parts += [
            scalar_pb(board_layout.entropy_tag(cell, edge), entropy, "In nats.")
            for edge, entropy in enumerate(edge_entropies(alphas.of(cell)))
        ]
    return parts


def _stage_text(stage: StageConfig, step: int, config: SearchConfig) -> Summary:
    rows = {
        "epochs": config.epochs,
        "steps here": f"{step} to {step + config.epochs - 1}",
        "cells": stage.num_layers,
        "channels": stage.init_channels,
        "candidates per edge": stage.num_candidates,
        "skip dropout at first": stage.skip_dropout_rate,
        "epochs of the weights alone": config.warmup_epochs,
    }
    title = f"| stage {stage.index + 1} of {len(config.stages)} | |\n|---|---|\n"
    return text_pb("stage", title + "\n".join(f"| {name} | {v} |" for name, v in rows.items()))


def _code(genotype: Genotype) -> str:
    """The genotype as a code block, in which nothing is Markdown, in lines of two nodes."""
    lines = re.sub(r"((?:\('\w+', \d+\), ){3}\('\w+', \d+\),|\],) ", r"\1\n    ", str(genotype))
    return f"    {lines}"


def _drawing(genotype: Genotype, cell: str) -> Summary:
    return _image(f"cell/{cell}", _drawn(genotype, cell))


@functools.lru_cache(maxsize=16)  # after most epochs the cells are those of the epoch before
def _drawn(genotype: Genotype, cell: str) -> bytes:
    return png_bytes(draw_cell(genotype, cell), pixels_per_point=1)


def _image(tag: str, png: bytes) -> Summary:
    with Image.open(io.BytesIO(png)) as image:
        size = [str(length).encode() for length in image.size]
    summary = Summary()
    summary.value.add(
        tag=tag,
        metadata=image_metadata.create_summary_metadata(display_name=None, description=None),
        tensor=tensor_util.make_tensor_proto([*size, png], dtype=np.object_),
    )
    return summary
