"""The lines that a run prints: a function of its settings, its state and its result."""

from collections.abc import Mapping
from typing import Any

from pdarts_tf.config import SearchConfig, StageConfig, TrainConfig
from pdarts_tf.durations import duration
from pdarts_tf.genotype import Genotype
from pdarts_tf.runs.log import logger
from pdarts_tf.runs.observers import EpochStart, Observer
from pdarts_tf.runs.run_directory import METRICS
from pdarts_tf.runs.state import RunState
from pdarts_tf.runs.time_left import GRAPH_SECONDS
from pdarts_tf.search_space import CELLS, SearchSpace, edge_nodes
from pdarts_tf.training.epoch_progress import EVALUATION


def kept_operations(space: SearchSpace, cell: str) -> str:
    """Returns one line per edge of a cell with the operations that it keeps."""
    lines = [
        f"  {source} -> {target}  {', '.join(names)}"
        for (source, target), names in zip(edge_nodes(), space.candidates(cell), strict=True)
    ]
    return "\n".join([f"{cell} cell keeps", *lines])


def genotype_list(genotypes: Mapping[str, Genotype]) -> str:
    """Returns genotypes, {"unrestricted" or "M=<limit>": Genotype}, one per line."""
    lines = [
        f"{name} ({genotype.num_skip_connects} skip-connects): {genotype}"
        for name, genotype in genotypes.items()
    ]
    return "\n".join(lines)


def _resumed(state: RunState) -> str | None:
    """The line that says where a run goes on; None if it is new."""
    if not state.step:
        return None
    steps = state.progress.steps
    inside = f", step {steps} of the next one" if steps else ""
    return f"Resuming after epoch {state.epochs}{inside}"


def graph_line(part: str, kind: str, earlier: tuple[str, float] | None) -> str:
    """Returns the line before a graph is built.

    Args:
        part: Part of the run, such as "stage 2".
        kind: Kind of the graph, such as "weights only".
        earlier: Part of the last graph of this kind, and the seconds that it took; None if it is
            the first.

    >>> graph_line("stage 2", "validation", ("stage 1", 6.2))
    'Building the graph of stage 2 for validation (that of stage 1 took 6 s) …'
    """
    took = ""
    if earlier is not None:
        same, seconds = earlier[0] == part, duration(earlier[1])
        took = f" (it took {seconds} before)" if same else f" (that of {earlier[0]} took {seconds})"
    return f"Building the graph of {part} for {kind}{took} …"


class _Console(Observer):
    """Prints the plan, the devices, where a run is resumed, and when a graph is built."""

    def __init__(self, plan: str, devices: str, state: RunState) -> None:
        self.log = logger().info
        self.log(plan)
        self.log(devices)
        if line := _resumed(state):
            self.log(line)

    def begin_graph(self, step: str, state: RunState) -> None:
        """Prints what takes so long, and how long the last graph of this kind took."""
        part, kind = self._graph(step, state.epochs)
        field = GRAPH_SECONDS[step]
        earlier = (
            (self._graph(step, epoch)[0], record[field])
            for epoch, record in reversed(list(enumerate(state.timings)))
            if record.get(field) and self._graph(step, epoch)[1] == kind
        )
        self.log(graph_line(part, kind, next(earlier, None)))

    def _graph(self, step: str, epoch: int) -> tuple[str, str]:
        """Returns the part of the run and the kind of the graph of a step in an epoch."""
        return "the network", step


class SearchConsole(_Console):
    """Prints how a search goes.

    Args:
        config: Settings of the search.
        plan: Table of its stages.
        devices: Line about the devices in use.
        state: State that the run begins with.
    """

    def __init__(self, config: SearchConfig, plan: str, devices: str, state: RunState) -> None:
        super().__init__(plan, devices, state)
        self.config = config

    def begin_stage(self, stage: StageConfig, space: SearchSpace, state: RunState) -> None:
        """Prints what the stage before has left, unless the stage is resumed inside."""
        if not stage.index or state.step > stage.index * self.config.epochs * state.steps_per_epoch:
            return
        for cell in CELLS:
            self.log(kept_operations(space, cell))
            count = sum("skip_connect" in names for names in space.candidates(cell))
            self.log(f"{cell} cell: skip-connect is still a candidate on {count} edges")

    def _graph(self, step: str, epoch: int) -> tuple[str, str]:
        stage, inside = divmod(epoch, self.config.epochs)
        trained = "weights only" if inside < self.config.warmup_epochs else "weights and alphas"
        return f"stage {stage + 1}", "validation" if step == EVALUATION else trained

    def begin_epoch(self, start: EpochStart) -> None:
        """Prints the rates of an epoch."""
        config, rates = self.config, start.rates
        trained = "weights and alphas" if start.epoch >= config.warmup_epochs else "weights only"
        self.log(
            f"Stage {start.place['stage']}/{len(config.stages)}, epoch {start.place['epoch']}/"
            f"{config.epochs}: learning rate {rates['learning_rate']:.4g}, skip dropout "
            f"{rates['skip_dropout_rate']:.3f}, {trained}"
        )

    def end_epoch(self, state: RunState) -> None:
        """Prints the validation, if there was one."""
        metrics = state.epoch(-1)[METRICS]
        if "valid_loss" in metrics:
            self.log(
                f"validation: loss {metrics['valid_loss']:.4f}, "
                f"accuracy {metrics['valid_accuracy']:.4f}"
            )

    def end(self, result: Any) -> None:
        """Prints all genotypes of a `SearchOutcome`."""
        self.log("All genotypes, by the limit of skip-connects in the normal cell:")
        self.log(genotype_list(result.genotypes))


class RandomSearchConsole(SearchConsole):
    """Prints how a random search goes.

    Args:
        config, plan, devices, state: See `SearchConsole`.
    """

    def begin_stage(self, stage: StageConfig, space: SearchSpace, state: RunState) -> None:
        """Prints nothing: the candidates of all samples are the same."""

    def _graph(self, step: str, epoch: int) -> tuple[str, str]:
        return f"sample {epoch // self.config.epochs + 1}", step

    def begin_epoch(self, start: EpochStart) -> None:
        """Prints the learning rate of an epoch."""
        config = self.config
        self.log(
            f"Sample {start.place['stage']}/{config.samples}, epoch {start.place['epoch']}/"
            f"{config.epochs}: learning rate {start.rates['learning_rate']:.4g}"
        )


class TrainConsole(_Console):
    """Prints how a training goes.

    Args:
        config: Settings of the training.
        plan: Table of its costs.
        devices: Line about the devices in use.
        state: State that the run begins with.
    """

    def __init__(self, config: TrainConfig, plan: str, devices: str, state: RunState) -> None:
        super().__init__(plan, devices, state)
        self.config = config

    def begin_epoch(self, start: EpochStart) -> None:
        """Prints the rates of an epoch."""
        rates = start.rates
        self.log(
            f"Epoch {start.place['epoch']}/{self.config.epochs}: learning rate "
            f"{rates['learning_rate']:.4g}, drop-path {rates['drop_path_rate']:.3f}"
        )

    def end_epoch(self, state: RunState) -> None:
        """Prints the scores on the images for validation, if any, and on the test split."""
        metrics = state.epoch(-1)[METRICS]
        for prefix, kind in (("valid", "validation"), ("test", "test")):
            if f"{prefix}_loss" in metrics:
                self.log(
                    f"{kind}: loss {metrics[f'{prefix}_loss']:.4f}, "
                    f"top-1 {metrics[f'{prefix}_accuracy']:.4f}, "
                    f"top-5 {metrics[f'{prefix}_top5']:.4f}"
                )

    def end(self, result: Any) -> None:
        """Prints why a training, with this `TrainingOutcome`, has ended before its last epoch."""
        last = result.last["epoch"]
        if last < self.config.epochs:
            self.log(
                f"Ended after epoch {last} of {self.config.epochs}: the best validation score is "
                f"that of epoch {result.best['epoch']}, --early_stopping_epochs="
                f"{self.config.early_stopping_epochs}"
            )
