"""Small run directories, made from the rules alone: nothing is trained, so they take no time."""

import dataclasses
import json
from typing import Any

import numpy as np

from pdarts_tf.config import SearchConfig, TrainConfig
from pdarts_tf.derivation import derive_all, derive_genotype
from pdarts_tf.genotype import PRIMITIVES, genotypes_json
from pdarts_tf.runs.run_directory import space_file
from pdarts_tf.search_space import NUM_EDGES, SearchSpace

SEARCH = SearchConfig(epochs=4, warmup_epochs=1, init_channels=8, layers=(3, 4, 5))
ONE_STAGE: dict[str, Any] = {
    "strategy": "random",
    "layers": (3,),
    "candidates": (8,),
    "skip_dropout_rates": (0.0,),
    "add_channels": (0,),
}
"""Settings that a random search has to have."""
TRAINING = TrainConfig(genotype="DARTS_V2", epochs=5, layers=5, init_channels=8, auxiliary=False)
DATA = {
    "name": "digits",
    "class_names": [str(digit) for digit in range(10)],
    "image_shape": [8, 8, 1],
    "num_train": 1433,
    "num_test": 364,
}

BEGUN = 1.7e9
"""When every run has begun, in seconds since 1970."""


def _skip_connects(space):
    """Which alphas (2, 14, candidates) are those of skip-connects: here, they grow."""
    masks = np.stack([space.normal, space.reduce])
    primitives = np.nonzero(masks)[2].reshape(2, NUM_EDGES, -1)
    return primitives == PRIMITIVES.index("skip_connect")


def _timing(index):
    """When an epoch, counted from 0, has ended, and what it has taken."""
    return {"seconds": 2.0, "time": BEGUN + 2.0 * (index + 1)}


def write_config(path, config, data=DATA):
    path.mkdir(parents=True, exist_ok=True)
    content = {
        "config": dataclasses.asdict(config),
        "data": data,
        "versions": {"python": "3.11.7", "tensorflow": "2.21.0"},
    }
    (path / "config.json").write_text(json.dumps(content))


def write_lines(file, records):
    file.write_text("".join(json.dumps(record) + "\n" for record in records))


def write_search(path, config=SEARCH, epochs=None, seed=0, data=DATA):
    """A search whose alphas walk at random; finished unless it ends after so many epochs.

    Returns:
        The path.
    """
    write_config(path, config, data)
    rng = np.random.default_rng(seed)
    space = SearchSpace.full()
    records: list[dict[str, float]] = []
    frames: list[dict[str, object]] = []
    timings: list[dict[str, object]] = []
    stop = len(config.stages) * config.epochs if epochs is None else epochs
    for stage in config.stages:
        if len(records) >= stop:
            break
        (path / space_file(stage.index)).write_text(space.to_json())
        alphas = np.zeros((2, NUM_EDGES, stage.num_candidates))
        for epoch in range(config.epochs):
            if len(records) >= stop:
                break
            alphas += rng.normal(0, 0.3, alphas.shape) + 0.1 * _skip_connects(space)
            where = {"stage": stage.index + 1, "epoch": epoch + 1}
            frames.append({**where, "normal": alphas[0].tolist(), "reduce": alphas[1].tolist()})
            genotype = derive_genotype(space, *alphas)
            done = (epoch + 1) / config.epochs
            records.append(
                {
                    **where,
                    "loss": 2.0 - done,
                    "accuracy": 0.2 + done / 2,
                    "arch_accuracy": 0.1 + done / 2,
                    "entropy_normal": 1.0,
                    "skip_connects": genotype.num_skip_connects,
                }
            )
            timings.append({**where, **_timing(len(timings)), "images_per_second": 100.0 + epoch})
        last = space, alphas
        if stage.num_to_drop:
            space = space.drop_lowest(alphas[0], alphas[1], stage.num_to_drop)
    write_lines(path / "metrics.jsonl", records)
    write_lines(path / "timings.jsonl", timings)
    write_lines(path / "alphas.jsonl", frames)
    if epochs is None:
        genotypes = derive_all(last[0], *last[1])
        (path / "genotypes.json").write_text(genotypes_json(genotypes))
        result = derive_genotype(last[0], last[1][0], last[1][1], config.max_skip_connects)
        (path / "genotype.json").write_text(result.to_json())
    return path


def write_training(path, config=TRAINING, data=DATA):
    """A finished training, whose best epoch is the last but one; returns the path."""
    write_config(path, config, data)
    records = [
        {
            "epoch": epoch,
            "loss": 2.0 / epoch,
            "accuracy": 0.5 + epoch / 20,
            **(_validation(epoch, config.epochs) if config.validation_portion else {}),
            "test_loss": 2.1 / epoch,
            "test_accuracy": 0.4 + epoch / 20,
            "test_top5": 0.9,
        }
        for epoch in range(1, config.epochs + 1)
    ]
    write_lines(path / "metrics.jsonl", records)
    timings = [{"epoch": record["epoch"], **_timing(i)} for i, record in enumerate(records)]
    write_lines(path / "timings.jsonl", timings)
    scores = [
        {name: value for name, value in record.items() if name not in ("loss", "accuracy")}
        for record in records
    ]
    result = {"last": scores[-1]} | ({"best": scores[-2]} if config.validation_portion else {})
    (path / "result.json").write_text(json.dumps(result))
    return path


def _validation(epoch, epochs):
    """What a validation measures after an epoch: more every time, but after the last."""
    gained = epoch if epoch < epochs else 1
    return {"valid_loss": 2.2 / gained, "valid_accuracy": 0.3 + gained / 10, "valid_top5": 0.95}
