"""Steps of this project and of the official code: seconds, images per second, memory."""

from collections.abc import Callable, Iterator
from typing import Any

from benchmarks.gpu import setup
from benchmarks.gpu.cases import Case
from benchmarks.gpu.sizes import Sizes
from benchmarks.official_task import official_network_task, official_task
from benchmarks.timing import first_seconds, step_seconds
from benchmarks.workloads import CLASSES, IMAGE_SIZE, make_network, make_supernet, random_batch
from pdarts_tf.config.compute import PRECISIONS
from pdarts_tf.cost.memory import network_memory, supernet_memory
from pdarts_tf.genotype import GENOTYPES

NETWORK = "network"


def batch_size(case: Case, sizes: Sizes) -> int:
    """Returns the images per step of a case."""
    return sizes.network_batch_size if case.network == NETWORK else sizes.batch_size


def make_model(case: Case, sizes: Sizes) -> Any:
    """Returns the model of a case, built and with its optimizers."""
    options = {
        "dtype": PRECISIONS["bfloat16" if case.precision == "bfloat16" else "none"],
        "compile_cells": case.jit_compile == "cells",
        "compile_step": case.jit_compile == "step",
    }
    if case.network == NETWORK:
        return make_network(sizes.network, **options)
    return make_supernet(*sizes.stage(_number(case)), **options)


def measure(case: Case, sizes: Sizes) -> Iterator[dict[str, Any]]:
    """Yields the numbers of our steps, more each time."""
    tf = setup.configure(case)
    size = batch_size(case, sizes)
    before = setup.peak_memory_mb(tf)
    model = make_model(case, sizes)
    on_gpu = bool(tf.config.list_physical_devices("GPU"))
    # A CPU's estimate begins when the network has been built.
    before = 0.0 if on_gpu else max(before, setup.peak_memory_mb(tf))
    batch = random_batch(size)
    steps = {name: _taken(tf, case, step, batch) for name, step in _steps(case, model).items()}

    def wait() -> None:
        setup.wait(tf)

    result: dict[str, Any] = {"batch": size}
    for name, step in steps.items():
        result[f"{name}_first_s"] = first_seconds(step, wait)
        yield result
    for name, step in steps.items():
        result[f"{name}_s"] = step_seconds(step, wait, **sizes.timing)
        yield result
    result["images_per_s"] = size / sum(result[f"{name}_s"] for name in steps)
    result["peak_mb"] = setup.peak_memory_mb(tf) - before
    result["estimated_mb"] = estimated_mb(case, sizes, on_gpu=on_gpu)
    yield result


def _steps(case: Case, model: Any) -> dict[str, Callable[..., Any]]:
    if case.network == NETWORK:
        return {"train": lambda *batch: model.train_step(batch)}
    return {"weight": model.weight_step, "arch": model.arch_step}


def _taken(tf: Any, case: Case, step: Callable[..., Any], batch: Any) -> Callable[[], Any]:
    traced = tf.function(step, autograph=False, jit_compile=case.jit_compile == "step" or None)
    return lambda: traced(*batch)


def estimated_mb(case: Case, sizes: Sizes, *, on_gpu: bool) -> float:
    """Returns the estimate of the memory of a case's steps, in MiB."""
    size = IMAGE_SIZE, IMAGE_SIZE
    if case.network == NETWORK:
        config = sizes.network
        network = config.init_channels, config.layers, CLASSES, "cifar"
        memory = network_memory(GENOTYPES["PDARTS"], *network, size, auxiliary=config.auxiliary)
    else:
        stage, space = sizes.stage(_number(case))
        memory = supernet_memory(
            space,
            stage.init_channels,
            stage.num_layers,
            CLASSES,
            "cifar",
            size,
            skip_dropout=stage.skip_dropout_rate > 0,
        )
    images = batch_size(case, sizes)
    return (memory.of_gpu() if on_gpu else memory).total(images) / 2**20


def task(case: Case, sizes: Sizes, checkout: str, device: str) -> dict[str, Any]:
    """Returns the task of `benchmarks.official_step` for a case.

    Args:
        case: A case of the official code.
        sizes: The sizes.
        checkout: Folder of the official code.
        device: "gpu" or "cpu".
    """
    size = batch_size(case, sizes)
    if case.network == NETWORK:
        found = official_network_task(sizes.network, checkout, size)
    else:
        found = official_task(*sizes.stage(_number(case)), checkout, size)
    return found | {
        "device": "cuda" if device == "gpu" else "cpu",
        "precision": case.precision,
        "compile": case.jit_compile != "none",
        "timing": sizes.timing,
    }


def _number(case: Case) -> int:
    return int(case.network.removeprefix("stage "))
