"""The cases to measure, the most telling ones first."""

import itertools
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

NETWORKS = ("stage 1", "stage 3", "network", "stage 2")
"""From the most to the least telling."""


@dataclass(frozen=True)
class Case:
    """A measurement in a process of its own.

    Args:
        kind: "goldens", "ours", "official", "loop" or "depthwise".
        network: One of `NETWORKS`, for all but goldens and depthwise.
        precision: "float32", "tf32" (float32 whose products a GPU may round to TF32, which is the
            default of TensorFlow and of this project) or "bfloat16".
        deterministic: Whether TensorFlow has to be deterministic, as this project asks for; the
            official code never asks for it.
        jit_compile: Whether XLA compiles our cells, or `torch.compile` the official network.
    """

    kind: str
    network: str = ""
    precision: str = "tf32"
    deterministic: bool = True
    jit_compile: bool = False

    @property
    def name(self) -> str:
        """Such as "ours, stage 1, tf32, not deterministic"."""
        words = [self.kind, self.network]
        if self.kind in ("ours", "official", "loop"):
            words.append(self.precision)
        if not self.deterministic and self.kind != "official":
            words.append("not deterministic")
        if self.jit_compile:
            words.append("compiled")
        return ", ".join(word for word in words if word)

    def to_json(self) -> dict[str, Any]:
        """Returns the case as JSON."""
        return asdict(self)


def all_cases(device: str) -> list[Case]:
    """Returns all cases for a device, "gpu" or "cpu".

    On a CPU there is no TF32, and neither form of the depthwise convolution is up to determinism.
    """
    cases = dict.fromkeys([*_most_telling(), *_others()])
    if device == "gpu":
        return list(cases)
    return list(dict.fromkeys(_on_cpu(case) for case in cases))


def _official(network: str, precision: str = "tf32", jit_compile: bool = False) -> Case:
    return Case("official", network, precision, deterministic=False, jit_compile=jit_compile)


def _most_telling() -> Iterator[Case]:
    yield Case("goldens")
    for network in NETWORKS:
        yield Case("ours", network)
        yield _official(network)
    yield Case("loop", "stage 1")
    yield Case("ours", "stage 1", deterministic=False)
    yield Case("ours", "stage 1", jit_compile=True)
    yield Case("ours", "stage 1", "bfloat16")
    yield _official("stage 1", "bfloat16")
    yield Case("depthwise")
    yield Case("depthwise", deterministic=False)
    yield Case("ours", "network", "bfloat16")
    yield _official("network", "bfloat16")
    yield Case("ours", "stage 1", "float32")
    yield _official("stage 1", "float32")
    yield _official("stage 1", jit_compile=True)


def _others() -> Iterator[Case]:
    """Yields every combination: each setting for all networks before the next one."""
    settings = itertools.product((False, True), (True, False), ("tf32", "bfloat16", "float32"))
    for jit_compile, deterministic, precision in settings:
        for network in NETWORKS:
            yield Case("ours", network, precision, deterministic, jit_compile)
            if deterministic:  # the official code is the same with and without
                yield _official(network, precision, jit_compile)


def _on_cpu(case: Case) -> Case:
    precision = "float32" if case.precision == "tf32" else case.precision
    deterministic = case.deterministic or case.kind == "depthwise"
    return Case(case.kind, case.network, precision, deterministic, case.jit_compile)
