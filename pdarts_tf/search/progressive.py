"""The progressive search: three stages of growing depth and shrinking choice, then a genotype.

Only this module knows that there are several stages. Everything it needs to go on after a crash is
in a checkpoint: beside the variables the search space of each stage, the alphas and the
measurements of every epoch. The files that people read are written from it.

Reference: P-DARTS (arXiv 1904.12760), sections 3.2 and 3.3.
"""

import numpy as np
import tensorflow as tf

from pdarts_tf.cost.plan import search_plan, stage_memory
from pdarts_tf.data import pipeline
from pdarts_tf.derivation import derive_all, derive_genotype
from pdarts_tf.drawing.layout import draw_cell
from pdarts_tf.drawing.svg import svg_file
from pdarts_tf.genotype import genotypes_json
from pdarts_tf.runs.journal import Journal
from pdarts_tf.runs.out_of_memory import explain_out_of_memory
from pdarts_tf.runs.progress import Clock
from pdarts_tf.runs.run_directory import (
    ALPHAS,
    DRAWINGS,
    GENOTYPE,
    GENOTYPES,
    METRICS,
    TIMINGS,
    console,
    space_file,
)
from pdarts_tf.search import console as text
from pdarts_tf.search.split import split_images
from pdarts_tf.search.stage import StageSearch
from pdarts_tf.search_space import SearchSpace
from pdarts_tf.tensorboard.board import SearchBoard
from pdarts_tf.training.bilevel import Supernet

SHARE_OF_WARMUP = 0.6  # of the time of a bilevel step that a step of the weights alone takes


class ProgressiveSearch:
    """A search on given data.

    Args:
        config: a `SearchConfig`.
        data: `ImageData`.
        strategy: `tf.distribute.Strategy` of the devices that share each batch; by default the
            present one.

    Raises:
        DataError: the images do not fit the settings.
    """

    def __init__(self, config, data, strategy=None):
        self.config = config
        self.data = data
        self.strategy = strategy or tf.distribute.get_strategy()
        self.halves = split_images(config, data)
        self.steps = pipeline.steps_per_epoch(
            self.halves[0].num_images, config.batch_size, config.max_steps_per_epoch
        )
        costs = [
            stage.num_layers * stage.num_candidates * stage.init_channels * share
            for stage in config.stages
            for epoch in range(config.epochs)
            for share in [SHARE_OF_WARMUP if epoch < config.warmup_epochs else 1.0]
        ]
        # The functions of a stage are traced in its first epoch, and again when the alphas join in.
        traced = {
            stage.index * config.epochs + epoch
            for stage in config.stages
            for epoch in {0, config.warmup_epochs}
        }
        self.clock = Clock(costs, self.steps, traced)
        self.log = console().info

    def execute(self, run, checkpointing, callbacks=()):
        """Runs what is left of the search.

        Args:
            run: an open `RunDirectory`.
            checkpointing: a `Checkpointing` of it.
            callbacks: further Keras callbacks of all steps.

        Raises:
            NonFiniteLossError: a loss became NaN or infinite.
            OutOfMemoryError: a stage needs more memory than there is.
            CheckpointError: no checkpoint can be read, though there have been some.
            StoppedError: a signal asked to stop.
            WriteError: a file cannot be written.
        """
        config = self.config
        self.run = run
        self.checkpointing = checkpointing
        self.callbacks = [checkpointing, *callbacks]
        self.log(self.plan.text())
        restored = self._resume()
        for stage in config.stages[len(self.journal.metrics) // config.epochs :]:
            self._enter(stage)
            space = self.spaces[stage.index]
            memory = stage_memory(stage, space, self.data)
            with explain_out_of_memory(memory, config.batch_size, f"stage {stage.index + 1}"):
                StageSearch(self, stage, space).train(restored)
            restored = None
        self._derive()

    @property
    def plan(self):
        """What will run, a `Plan`."""
        num_images = [half.num_images for half in self.halves]
        return search_plan(self.config, self.data, num_images, self.steps)

    def supernet(self, stage, space):
        """Returns the supernet of a stage, not yet built."""
        return Supernet(
            space,
            init_channels=stage.init_channels,
            num_layers=stage.num_layers,
            num_classes=self.data.num_classes,
            skip_dropout_rate=stage.skip_dropout_rate,
            seed=self.config.seed,
            name="supernet",
            **self.config.network_options,
        )

    def _resume(self):
        """Returns the newest checkpoint, if it is of a stage that is not finished."""
        restored = self.checkpointing.load()
        content = restored.content if restored else {}
        self.spaces = [SearchSpace.from_json(text) for text in content.get("spaces", [])]
        board = SearchBoard(self.config, self.spaces)
        self.journal = Journal(self.run, (ALPHAS, TIMINGS, METRICS), content, board)
        begun = restored and restored.epochs < len(self.spaces) * self.config.epochs
        return restored if begun else None

    def content(self):
        """Returns what a checkpoint keeps beside the variables."""
        return self.journal.content | {"spaces": [space.to_json() for space in self.spaces]}

    def _enter(self, stage):
        """Finds the candidates of a stage: all, or what is left of the stage before."""
        if len(self.spaces) == stage.index:
            self.spaces.append(self._next_space(stage))
        self.run.write(space_file(stage.index), self.spaces[stage.index].to_json() + "\n")

    def _next_space(self, stage):
        if stage.index == 0:
            return SearchSpace.full()
        before = self.config.stages[stage.index - 1]
        last = self.journal.content[ALPHAS][-1]
        space = self.spaces[-1].drop_lowest(
            np.array(last["normal"]), np.array(last["reduce"]), before.num_to_drop
        )
        self._report_kept(space)
        return space

    def _report_kept(self, space):
        for cell in ("normal", "reduce"):
            self.log(text.kept_operations(space, cell))
            count = sum("skip_connect" in names for names in space.candidates(cell))
            self.log(f"{cell} cell: skip-connect is still a candidate on {count} edges")

    def _derive(self):
        """Derives and writes all genotypes, the one for M as the result."""
        config = self.config
        space, last = self.spaces[-1], self.journal.content[ALPHAS][-1]
        normal, reduce = (np.array(last[cell]) for cell in ("normal", "reduce"))
        restrict = config.restrict_reduce
        genotypes = derive_all(space, normal, reduce, restrict_reduce=restrict)
        result = derive_genotype(
            space, normal, reduce, config.max_skip_connects, restrict_reduce=restrict
        )
        self.run.write(GENOTYPES, genotypes_json(genotypes) + "\n")
        for cell, name in DRAWINGS.items():
            self.run.write(name, svg_file(draw_cell(result, cell)))
        # Written last: it says that the run is finished.
        self.run.write(GENOTYPE, result.to_json() + "\n")
        self.log("All genotypes, by the limit of skip-connects in the normal cell:")
        self.log(text.genotype_list(genotypes))
