"""The record of a small study, written by hand: three methods, three seeds, a cell found twice."""

import dataclasses
import math

from pdarts_tf.genotype import GENOTYPES, Genotype
from pdarts_tf.study.record import (
    FinishedSearch,
    FinishedStage,
    MethodResult,
    Record,
    Scores,
    TrainedCell,
)

METHODS = ("pdarts", "pdarts@stage1", "random")
SEEDS = (0, 1, 2)
SHARED = "trainings/b"
"""The training of a cell that both P-DARTS with seed 1 and random search with seed 2 have found."""


def genotype(number):
    """One of many genotypes that differ in their first operation or in their name."""
    base = list(GENOTYPES.values())[number % 3]
    operation = ("sep_conv_3x3", "sep_conv_5x5", "skip_connect")[number // 3 % 3]
    edges = [(operation, base.normal[0][1]), *base.normal[1:]]
    return Genotype(edges, base.normal_concat, base.reduce, base.reduce_concat)


def scores(epoch, valid, loss, test):
    return Scores(epoch, valid, loss, test, loss + 0.1)


def training(number, valid, test, loss=0.4):
    last = scores(8, valid - 0.01, loss + 0.02, test - 0.005)
    size = 41_234 + 1_111 * number, 2_345_678 + 54_321 * number
    return TrainedCell(genotype(number), *size, scores(6, valid, loss, test), last)


def gradient_search(seed):
    stages = (
        FinishedStage(5, 8, 0.60 + 0.03 * seed, 1.2, 0.9 * math.log(8), 0.95 * math.log(8), 2),
        FinishedStage(
            8, 5, 0.55 + 0.02 * seed, 1.3, 0.7 * math.log(5), 0.8 * math.log(5), 3 + seed % 2
        ),
        FinishedStage(11, 3, 0.52 + 0.04 * seed, 1.4, 0.5 * math.log(3), 0.6 * math.log(3), 4),
    )
    return FinishedSearch("pdarts", seed, stages)


def random_search(seed):
    stages = tuple(FinishedStage(5, 8, 0.4 + 0.01 * i, 1.5, 0.0, 0.0, i) for i in (1, 2))
    return FinishedSearch("random", seed, stages)


SEARCHES = {f"searches/pdarts_seed{seed}": gradient_search(seed) for seed in SEEDS} | {
    f"searches/random_seed{seed}": random_search(seed) for seed in SEEDS
}
TRAININGS = {
    "trainings/a": training(0, 0.930, 0.905),
    SHARED: training(1, 0.950, 0.915, loss=0.30),
    "trainings/c": training(2, 0.940, 0.925),
    "trainings/d": training(3, 0.910, 0.900),
    "trainings/e": training(4, 0.920, 0.890),
    "trainings/f": training(5, 0.915, 0.880),
    "trainings/g": training(6, 0.890, 0.870),
    "trainings/h": training(7, 0.950, 0.960, loss=0.35),
}
_PDARTS, _RANDOM = "searches/pdarts_seed", "searches/random_seed"
RESULTS = [
    MethodResult("pdarts", 0, f"{_PDARTS}0", 3, 0.41, "trainings/a"),
    MethodResult("pdarts", 1, f"{_PDARTS}1", 3, 0.52, SHARED),
    MethodResult("pdarts", 2, f"{_PDARTS}2", 3, 0.47, "trainings/c"),
    MethodResult("pdarts@stage1", 0, f"{_PDARTS}0", 1, 0.215, "trainings/d"),
    MethodResult("pdarts@stage1", 1, f"{_PDARTS}1", 1, 0.22, "trainings/e"),
    MethodResult("pdarts@stage1", 2, f"{_PDARTS}2", 1, 0.21, "trainings/f"),
    MethodResult("random", 0, f"{_RANDOM}0", 2, None, "trainings/g"),
    MethodResult("random", 1, f"{_RANDOM}1", 1, None, "trainings/h"),
    MethodResult("random", 2, f"{_RANDOM}2", 2, None, SHARED),
]
SETTINGS = {
    "searches": {
        "pdarts": {"dataset": "digits", "layers": [5, 8, 11], "strategy": "gradient", "epochs": 25},
        "random": {"dataset": "digits", "layers": [5], "strategy": "random", "epochs": 25},
    },
    "training": {"dataset": "digits", "epochs": 8, "auxiliary": False, "cutout_length": None},
}
DATA = {
    "name": "digits",
    "class_names": [str(digit) for digit in range(10)],
    "num_classes": 10,
    "image_shape": [8, 8, 1],
    "num_train": 1433,
    "num_test": 364,
}
FINISHED = Record(
    dataset="digits",
    methods=METHODS,
    seeds=SEEDS,
    settings=SETTINGS,
    data=DATA,
    searches=SEARCHES,
    trainings=TRAININGS,
    results=RESULTS,
    times={
        **{name: {"seconds": 400.0 + 10 * i} for i, name in enumerate(SEARCHES)},
        **{name: {"seconds": 100.0} for name in TRAININGS},
    },
)
IN_PROGRESS = dataclasses.replace(
    FINISHED,
    trainings={name: each for name, each in TRAININGS.items() if name != "trainings/h"},
    results=[result for result in RESULTS if result.training != "trainings/h"],
)
EMPTY = Record("digits", METHODS, SEEDS, SETTINGS, {})


def with_scores(record, directory, **changes):
    """The record with other scores of the best weights of a training."""
    old = record.trainings[directory]
    new = dataclasses.replace(old, best=dataclasses.replace(old.best, **changes))
    return dataclasses.replace(record, trainings={**record.trainings, directory: new})


def renamed(record, names):
    """The record with other names of its methods, {old: new}."""
    results = [
        dataclasses.replace(each, method=names.get(each.method, each.method))
        for each in record.results
    ]
    methods = tuple(names.get(name, name) for name in record.methods)
    return dataclasses.replace(record, methods=methods, results=results)
