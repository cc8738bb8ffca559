"""Devices that a run uses: which they are, and how much memory its GPUs have."""

import os
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from pdarts_tf.training import gpus
from pdarts_tf.training.devices import Devices

GIB = 2**30


@dataclass(frozen=True)
class DevicesInUse:
    """Devices that share every batch.

    Args:
        kind: "CPU" or "GPU".
        here: Number of replicas in this process.
        total: Number of replicas in all processes of the run.
    """

    kind: str = "CPU"
    here: int = 1
    total: int = 1

    @property
    def num_memories(self) -> int:
        """Number of memories that a batch is divided among: of GPUs, or of machines.

        >>> DevicesInUse("GPU", here=2, total=4).num_memories
        4
        >>> DevicesInUse("CPU", here=2, total=4).num_memories
        2
        """
        return self.total if self.kind == "GPU" else self.total // self.here


def devices_in_use(strategy: tf.distribute.Strategy) -> DevicesInUse:
    """Returns the devices of a strategy."""
    total = strategy.num_replicas_in_sync
    if not isinstance(
        strategy, tf.distribute.MirroredStrategy | tf.distribute.MultiWorkerMirroredStrategy
    ):
        return DevicesInUse(_kind(), 1, total)
    own = strategy.extended.worker_devices
    return DevicesInUse("GPU" if "GPU" in own[0] else "CPU", len(own), total)


def planned_devices(devices: Devices) -> DevicesInUse:
    """Returns the devices that a run would use, all of its machines being like this one.

    Unlike a strategy this takes no memory on a GPU, and waits for no other worker.
    """
    processes = devices.task.num_workers if devices.multi_worker else 1
    kind = "CPU" if devices.num_cpu_devices > 1 else _kind()
    here = devices.num_cpu_devices
    if kind == "GPU" and devices.distribution != "one":
        here = len(tf.config.list_physical_devices("GPU"))
    return DevicesInUse(kind, here, here * processes)


def _kind() -> str:
    return "GPU" if tf.config.list_physical_devices("GPU") else "CPU"


def described(used: DevicesInUse) -> str:
    """Returns the devices of this process in a line, with the reason if GPUs are not among them.

    >>> described(DevicesInUse("CPU", here=2, total=2)).endswith("split into 2 logical devices")
    True
    """
    if used.kind == "GPU":
        line = "; ".join(_described_gpus(used))
    else:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        line = f"CPU, {cores} {'core' if cores == 1 else 'cores'}"
        line += f", split into {used.here} logical devices" if used.here > 1 else ""
        reason = None if tf.config.list_physical_devices("GPU") else gpus.why_none()
        line += f" ({reason})" if reason else ""
    others = used.total // used.here - 1
    if others:
        line += f"; and those of {others} other {'worker' if others == 1 else 'workers'}"
    return f"Devices: {line}"


def _described_gpus(used: DevicesInUse) -> list[str]:
    details = _details(used)
    cards = _cards(used) or [None] * len(details)
    lines = []
    for each, card in zip(details, cards, strict=True):
        capability = ".".join(map(str, each["compute_capability"]))
        memory = "memory unknown"
        if card is not None:
            memory = f"{card.free / GIB:.1f} of {card.total / GIB:.1f} GiB free"
        lines.append(f"{each['device_name']} (compute capability {capability}, {memory})")
    return lines


def free_gpu_memory(used: DevicesInUse) -> int | None:
    """Returns the bytes free on the GPU in use that has the least; None if that is not known.

    They are those of the beginning: see `gpus.cards`.
    """
    cards = _cards(used)
    return None if cards is None else min(card.free for card in cards)


def _details(used: DevicesInUse) -> list[dict[str, Any]]:
    devices = tf.config.list_physical_devices("GPU")[: used.here]
    return [tf.config.experimental.get_device_details(each) for each in devices]


def _cards(used: DevicesInUse) -> tuple[gpus.GpuCard, ...] | None:
    names = [each["device_name"] for each in _details(used)]
    visible, order = (
        os.environ.get(f"CUDA_{name}") for name in ("VISIBLE_DEVICES", "DEVICE_ORDER")
    )
    return gpus.cards_of(names, gpus.cards(), visible, order)
