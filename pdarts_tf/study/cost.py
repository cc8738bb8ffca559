"""The cost of a study before it runs: its trials, their steps, computation, memory and time."""

import pathlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pdarts_tf.config import SearchConfig, TrainConfig
from pdarts_tf.cost.plan import GIB, Plan, train_plan
from pdarts_tf.cost.tables import table
from pdarts_tf.data.images import ImageData
from pdarts_tf.durations import duration
from pdarts_tf.genotype import GENOTYPES
from pdarts_tf.study.record import Record
from pdarts_tf.study.trials import Study, Trial, training_config

_TERA = 1e12
# Forward and backward passes of a step of the alphas: at the second order one for the step of the
# weights, one at its end, and two for the finite difference.
_ARCH_PASSES = {"first": 1, "second": 4}
_LIKE = GENOTYPES["PDARTS"]  # stands for cells that are not known yet


@dataclass(frozen=True)
class Cost:
    """Cost of a run.

    Args:
        steps: Number of steps.
        macs: Multiply-accumulates of all forward passes, in all of its steps.
        memory: Peak of the memory that it adds to the process, in bytes.
    """

    steps: int
    macs: float
    memory: int


def cost_text(study: Study, trials: Sequence[Trial], record: Record | None = None) -> str:
    """Returns the trials and what they cost, for people to read.

    Args:
        study: The study.
        trials: Its trials.
        record: What has been run of it, whose times the others are projected from.

    Raises:
        InputError: The data cannot be read, or does not fit the settings.
    """
    data = _Data(study.data_dir)
    per_recipe = {r: search_cost(c, data.of(c)) for r, c in study.searches.items()}
    costs = {trial.directory: per_recipe[trial.recipe] for trial in trials}
    speed = _speed(costs, record)
    rows = [_search_row(trial, costs[trial.directory], speed, record) for trial in trials]
    header = ["trial", "search", "methods", "steps", "TMACs", "memory GiB", "time"]
    config = training_config(study, _LIKE)
    training = training_cost(study, data.of(config))
    names = () if record is None else tuple(record.trainings)
    each = _seconds(training, _speed(dict.fromkeys(names, training), record))
    most = sum(len(trial.methods) for trial in trials)
    total = [_seconds(costs[trial.directory], speed) for trial in trials] + [each] * most
    whole = None if None in total else sum(filter(None, total))
    return "\n".join(
        [
            table(header, rows),
            f"The searches give at most {most} cells, each distinct one trained once: "
            f"{training.steps:,} steps, {training.macs / _TERA:.3g} TMACs (of the published "
            f"P-DARTS cell), {training.memory / GIB:.2f} GiB, {_time(each)} each.",
            f"All together, one run after the other: {_time(whole)}. TMACs are 10^12 "
            "multiply-accumulates of forward passes. Times are projected from the runs of this "
            "--output_dir that are finished; - if there are none.",
        ]
    )


class _Data:
    """The data of searches and trainings, read once for equal settings."""

    def __init__(self, data_dir: str | None) -> None:
        self._data_dir = data_dir
        self._read: dict[tuple[object, ...], ImageData] = {}

    def of(self, config: SearchConfig | TrainConfig) -> ImageData:
        key = config.dataset, config.image_size, config.train_images_per_class, config.seed
        if key not in self._read:
            from pdarts_tf.data import sources  # imports TensorFlow, which takes seconds

            self._read[key] = sources.load_for(config, self._data_dir, None)
        return self._read[key]


def search_cost(config: SearchConfig, data: ImageData) -> Cost:
    """Returns the cost of a search."""
    from pdarts_tf.search.progressive import ProgressiveSearch
    from pdarts_tf.search.random_search import RandomSearch

    if config.strategy == "random":
        return _cost(RandomSearch(config, data).plan, passes=1)
    share = 1 - config.warmup_epochs / config.epochs
    passes = 1 + _ARCH_PASSES[config.arch_order] * share
    return _cost(ProgressiveSearch(config, data).plan, passes)


def training_cost(study: Study, data: ImageData) -> Cost:
    """Returns the cost of the training of a cell like the published one."""
    from pdarts_tf.train.training_images import split_training_images

    config = training_config(study, _LIKE)
    images = split_training_images(config, data)
    return _cost(train_plan(config, data, images.counts, images.steps), passes=1)


def _cost(plan: Plan, passes: float) -> Cost:
    steps = plan.epochs * plan.steps
    macs = passes * steps * plan.batch_size * sum(part.macs for part in plan.parts)
    memory = max(part.most.total(plan.batch_size) for part in plan.parts)
    return Cost(steps * len(plan.parts), macs, memory)


def _speed(costs: Mapping[str, Cost], record: Record | None) -> float | None:
    """Returns the seconds per multiply-accumulate of the runs that are finished."""
    times = {} if record is None else record.times
    finished = [name for name in costs if name in times]
    if not finished:
        return None
    seconds = sum(times[name]["seconds"] for name in finished)
    return seconds / sum(costs[name].macs for name in finished)


def _seconds(cost: Cost, seconds_per_mac: float | None) -> float | None:
    return None if seconds_per_mac is None else cost.macs * seconds_per_mac


def _search_row(
    trial: Trial, cost: Cost, seconds_per_mac: float | None, record: Record | None
) -> list[str | int]:
    times = {} if record is None else record.times
    done = times.get(trial.directory)
    time = _time(_seconds(cost, seconds_per_mac))
    return [
        trial.number,
        pathlib.PurePath(trial.directory).name,
        ", ".join(method.name for method in trial.methods),
        f"{cost.steps:,}",
        f"{cost.macs / _TERA:.3g}",
        f"{cost.memory / GIB:.2f}",
        f"took {duration(done['seconds'])}" if done else time,
    ]


def _time(seconds: float | None) -> str:
    return "-" if seconds is None else f"about {duration(seconds)}"
